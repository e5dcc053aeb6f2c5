//! Each kind of wait ends.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream as StdStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sward::cancel::{CancelToken, Cancelled};
use sward::net::{TcpListener, TcpStream};
use sward::sync::{Condvar, Mutex, Semaphore, WaitGroup};
use sward::{channel, select, task, thread, time};
use sward_tests::run;

/// `wait` never ends by itself. It is begun, then cancelled; and begun again, and cancelled before it begins.
fn is_ended<R>(wait: impl Fn() -> R + Sync) {
    run(|| {
        for early in [false, true] {
            let token = CancelToken::new();
            let (begun, cancelled) = (AtomicBool::new(false), AtomicBool::new(false));
            thread::scope(|s| {
                let waiting = s.spawn(|| {
                    token.run_until_cancelled(|| {
                        begun.store(true, Ordering::Release);
                        while early && !cancelled.load(Ordering::Acquire) {
                            thread::yield_now();
                        }
                        wait();
                        unreachable!("nobody was to end the wait");
                    })
                });
                while !begun.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                (0..10).for_each(|_| thread::yield_now());
                token.cancel();
                cancelled.store(true, Ordering::Release);
                let result: Result<(), Cancelled> = waiting.join().unwrap();
                assert_eq!(result, Err(Cancelled));
            });
        }
        // The same within a limit of time.
        assert_eq!(time::timeout(Duration::from_millis(1), &wait).err(), Some(time::Elapsed));
    });
}

#[test]
fn sleeping() {
    is_ended(|| thread::sleep(Duration::MAX));
    is_ended(|| thread::sleep(Duration::from_secs(1000)));
}

#[test]
fn parking() {
    is_ended(|| {
        loop {
            thread::park();
        }
    });
}

#[test]
fn receiving() {
    let (_tx, rx) = channel::bounded::<u32>(1);
    is_ended(|| rx.recv());
    is_ended(|| rx.recv_timeout(Duration::from_secs(1000)));
    is_ended(|| channel::never::<u32>().recv());
    is_ended(|| channel::after(Duration::from_secs(1000)).recv());
}

#[test]
fn sending() {
    let (tx, _rx) = channel::bounded(0);
    is_ended(|| tx.send(1));
    let (tx, _rx) = channel::bounded(1);
    tx.send(0).unwrap();
    is_ended(|| tx.send_timeout(1, Duration::from_secs(1000)));
}

#[test]
fn selecting() {
    let (tx, rx) = channel::bounded::<u32>(0);
    is_ended(|| {
        select! {
            recv(rx) -> _ => {}
            send(tx, 1) -> _ => {}
        }
    });
    is_ended(|| {
        select! {
            recv(rx) -> _ => {}
            default(Duration::from_secs(1000)) => {}
        }
    });
}

#[test]
fn joining() {
    is_ended(|| thread::spawn(|| thread::sleep(Duration::MAX)).join());
}

#[test]
fn the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    is_ended(|| listener.accept());
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(1000))).unwrap();
    is_ended(|| (&client).read(&mut [0]));
    is_ended(|| {
        let block = [0; 1 << 16];
        while (&client).write_all(&block).is_ok() {}
    });
    // The connection still works.
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
}

#[test]
fn scopes_of_threads_end_with_their_waits() {
    is_ended(|| {
        thread::scope(|s| {
            s.spawn(|| thread::sleep(Duration::MAX));
            s.spawn(|| thread::scope(|s| s.spawn(|| channel::never::<()>().recv()).join().unwrap()));
        });
    });
}

#[test]
fn condition_variables() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    is_ended(|| {
        let mut count = mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        loop {
            count = condvar.wait(count).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    });
    assert!(
        mutex.try_lock().is_err_and(|error| matches!(error, sward::sync::TryLockError::Poisoned(_))),
        "it is free, and poisoned"
    );
}

#[test]
fn semaphores() {
    let semaphore = Semaphore::new(2);
    is_ended(|| semaphore.acquire_many(3));
    assert_eq!(semaphore.available_permits(), 2);
    let _one = semaphore.acquire();
}

#[test]
fn wait_groups() {
    let group = WaitGroup::new();
    is_ended(|| group.clone().wait());
}

#[test]
fn futures() {
    is_ended(|| task::block_on(std::future::pending::<()>()));
}

/// What is blocked in a system call stays there; what runs without waiting is left alone; and so is an OS thread's own waiting.
#[test]
fn nothing_else() {
    run(|| {
        let token = CancelToken::new();
        token.cancel();
        let (mut a, mut b) = StdStream::pair().unwrap();
        let result = CancelToken::with_deadline(std::time::Instant::now()).run_until_cancelled(|| {
            b.write_all(b"x").unwrap();
            let mut byte = [0];
            sward::unblock(|| a.read_exact(&mut byte).unwrap());
            drop(Mutex::new(0).lock());
            byte[0]
        });
        assert_eq!(result, Ok(b'x'));
        assert_eq!(token.run_until_cancelled(|| unreachable!("cancelled from the start")), Err::<(), _>(Cancelled));
    });
}

#[test]
fn on_os_threads() {
    let token = CancelToken::new();
    std::thread::scope(|s| {
        let receives = s.spawn(|| token.run_until_cancelled(|| channel::never::<()>().recv()));
        let sleeps = s.spawn(|| token.run_until_cancelled(|| thread::sleep(Duration::MAX)));
        token.cancel();
        assert!(receives.join().unwrap().is_err() && sleeps.join().unwrap().is_err());
    });
}
