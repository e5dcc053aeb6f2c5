//! Small programs for tests of what ends a process: `scenario NAME` runs one of them.

use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sward::thread::{self, Builder, lock_os_thread};
use sward::{channel, task};

/// The programs, by name.
const SCENARIOS: &[(&str, fn())] = &[
    ("panic", panic_in_threads),
    ("panic-in-main", panic_in_main),
    ("bad-result", bad_result),
    ("double-panic", double_panic),
    ("park-for-ever", park_for_ever),
    ("receive-from-oneself", receive_from_oneself),
    ("wait-in-a-ring", wait_in_a_ring),
    ("select-nothing", select_nothing),
    ("select-in-vain", select_in_vain),
    ("wait-for-never", wait_for_never),
    ("join-a-sleeper", join_a_sleeper),
    ("locked", locked),
    ("locked-and-another", locked_and_another),
    ("others-end", others_end),
    ("deadlock-after-a-call", deadlock_after_a_call),
    ("deadlock-after-a-sleep", deadlock_after_a_sleep),
    ("deadlock-after-an-os-thread", deadlock_after_an_os_thread),
    ("daemons", daemons),
    ("rescue", rescue),
    ("chat-with-an-os-thread", chat_with_an_os_thread),
    ("naps", naps),
    ("locked-naps", locked_naps),
    ("calls", calls),
    ("visits", visits),
    ("overflows", overflows),
    ("quit-under-load", quit_under_load),
    ("futures-without-a-runtime", futures_without_a_runtime),
    ("await-for-ever", await_for_ever),
    ("gives-up-a-timer", gives_up_a_timer),
];

fn main() {
    sward_tests::chosen(SCENARIOS)();
}

/// Two threads panic, one with a name.
fn panic_in_threads() {
    sward::run(|| {
        let named = Builder::new().name("baker".into()).spawn(|| panic!("burnt"));
        assert!(named.expect("a thread").join().is_err());
        assert!(thread::spawn(|| panic!("nameless")).join().is_err());
    });
}

fn panic_in_main() {
    sward::run(|| panic!("the end of it"));
}

fn select_nothing() {
    sward::run(|| sward::select! {});
}

/// A select that has both ends of a channel doesn't serve itself.
fn select_in_vain() {
    sward::run(|| {
        let (s, r) = channel::bounded(0);
        sward::select! {
            send(s, 1) -> _ => unreachable!("nobody else receives"),
            recv(r) -> _ => unreachable!("nobody else sends"),
        }
    });
}

fn wait_for_never() {
    sward::run(|| {
        let once = channel::after(Duration::from_millis(1));
        once.recv().expect("the time comes");
        sward::select! {
            recv(once) -> _ => unreachable!("it has come"),
            recv(channel::never::<u8>()) -> _ => unreachable!("it never comes"),
        }
    });
}

/// A result that nobody takes, and that panics when it is dropped.
fn bad_result() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("bad result");
        }
    }
    sward::run(|| {
        let (detached, wait) = channel::bounded::<()>(0);
        drop(thread::spawn(move || {
            wait.recv().unwrap_err();
            Bad
        }));
        drop(detached);
        thread::sleep(Duration::MAX);
    });
}

/// A destructor panics while a panic unwinds.
fn double_panic() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            thread::yield_now();
            panic!("second of two");
        }
    }
    sward::run(|| {
        let _ = thread::spawn(|| {
            let _bad = Bad;
            panic!("first of two");
        })
        .join();
    });
}

/// `park` may return for no reason.
fn wait_for_ever() {
    loop {
        thread::park();
    }
}

fn park_for_ever() {
    sward::run(wait_for_ever);
}

fn receive_from_oneself() {
    sward::run(|| {
        let (_keeps_it_open, rx) = channel::bounded::<()>(0);
        rx.recv()
    })
    .expect("nobody closes it");
}

/// Each waits for the one before, the first for the last.
fn wait_in_a_ring() {
    sward::run(|| {
        let (first, mut before) = channel::bounded::<()>(0);
        for _ in 0..10 {
            let (tx, rx) = channel::bounded(0);
            let before = std::mem::replace(&mut before, rx);
            thread::spawn(move || tx.send(before.recv()?).map_err(|_| channel::RecvError));
        }
        first.send(before.recv()?).map_err(|_| channel::RecvError)
    })
    .expect("nobody hangs up");
}

fn join_a_sleeper() {
    sward::run(|| thread::spawn(wait_for_ever).join()).expect("it does not panic");
}

fn locked() {
    sward::run(|| {
        let _locked = lock_os_thread();
        wait_for_ever();
    });
}

fn locked_and_another() {
    sward::run(|| {
        thread::spawn(wait_for_ever);
        let _locked = lock_os_thread();
        wait_for_ever();
    });
}

fn others_end() {
    sward::run(|| {
        (0..100).for_each(|_| drop(thread::spawn(thread::yield_now)));
        wait_for_ever();
    });
}

fn deadlock_after_a_call() {
    sward::run(|| {
        thread::spawn(|| {
            sward::unblock(|| std::thread::sleep(Duration::from_millis(50)));
            eprintln!("last sign of life");
            wait_for_ever();
        });
        wait_for_ever();
    });
}

fn deadlock_after_a_sleep() {
    sward::run(|| {
        thread::spawn(|| {
            thread::sleep(Duration::from_millis(50));
            eprintln!("last sign of life");
            wait_for_ever();
        });
        wait_for_ever();
    });
}

fn deadlock_after_an_os_thread() {
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(50));
        sward::run(|| eprintln!("last sign of life"));
    });
    sward::run(wait_for_ever);
}

/// Main comes and goes while others wait for ever.
fn daemons() {
    sward::run(|| {
        (0..10).for_each(|_| drop(thread::spawn(wait_for_ever)));
    });
    for n in 0..3000 {
        assert_eq!(sward::run(move || n), n);
    }
}

fn rescue() {
    sward::run(|| {
        let main = thread::current();
        let rescued = Arc::new(AtomicBool::new(false));
        let rescuer = {
            let rescued = rescued.clone();
            move || {
                std::thread::sleep(Duration::from_millis(1500));
                rescued.store(true, Ordering::Release);
                main.unpark();
            }
        };
        std::thread::spawn(rescuer);
        while !rescued.load(Ordering::Acquire) {
            thread::park();
        }
    });
}

fn chat_with_an_os_thread() {
    let (ping, pings) = channel::bounded(0);
    let (pong, pongs) = channel::bounded(0);
    let os_thread = std::thread::spawn(move || {
        for ball in pings {
            pong.send(ball).expect("the other one listens");
        }
    });
    sward::run(move || {
        for ball in 0..3000 {
            ping.send(ball).expect("the other one listens");
            assert_eq!(pongs.recv(), Ok(ball));
        }
    });
    os_thread.join().expect("it does not panic");
}

/// In `threads` threads at a time, so often that all of them wait at the same moment.
fn again_and_again(threads: usize, wait: fn(usize)) {
    sward::run(|| {
        thread::scope(|s| {
            for own in 0..threads {
                s.spawn(move || (0..1000).for_each(|round| wait(round * (own + 1))));
            }
        });
    });
}

fn naps() {
    again_and_again(2, |round| thread::sleep(Duration::from_micros(round as u64 % 70)));
}

fn locked_naps() {
    again_and_again(2, |round| {
        let _locked = lock_os_thread();
        thread::sleep(Duration::from_micros(round as u64 % 70));
        thread::spawn(thread::yield_now).join().expect("it does not panic");
    });
}

fn calls() {
    again_and_again(2, |round| sward::unblock(|| std::thread::sleep(Duration::from_micros(round as u64 % 70))));
}

/// OS threads come and go, while a green thread waits for ever.
fn visits() {
    sward::run(|| drop(thread::spawn(wait_for_ever)));
    for _ in 0..1000 {
        std::thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| sward::run(thread::yield_now));
            }
        });
    }
}

fn overflows() {
    fn dive(depth: usize) -> usize {
        let frame = std::hint::black_box([depth; 64]);
        if depth == usize::MAX { 0 } else { dive(depth + 1) + frame[depth % 64] }
    }
    sward::run(|| {
        let together = Arc::new(std::sync::Barrier::new(2));
        let divers = [(); 2].map(|()| {
            let together = together.clone();
            thread::spawn(move || {
                sward::unblock(|| together.wait());
                dive(0)
            })
        });
        divers.map(|diver| diver.join().is_ok())
    });
}

/// Threads are born, wait in all ways, and end, when SIGQUIT comes.
fn quit_under_load() {
    sward::run(|| {
        for _ in 0..100 {
            thread::spawn(|| {
                loop {
                    thread::yield_now();
                    thread::spawn(thread::yield_now).join().expect("it does not panic");
                    thread::sleep(Duration::from_micros(10));
                    let (tx, rx) = channel::bounded(0);
                    thread::spawn(move || tx.send(()));
                    rx.recv().expect("it is sent");
                }
            });
        }
        thread::sleep(Duration::from_millis(20));
        // SAFETY: the process handles the signal.
        unsafe { libc::raise(libc::SIGQUIT) };
        wait_for_ever();
    });
}

/// Futures are driven on OS threads, and nobody starts a green one.
fn futures_without_a_runtime() {
    for _ in 0..100 {
        let mut other = None;
        task::block_on(future::poll_fn(|context| {
            if other.is_some() {
                return Poll::Ready(());
            }
            let waker = context.waker().clone();
            other = Some(std::thread::spawn(move || waker.wake()));
            Poll::Pending
        }));
        other.expect("it was polled").join().expect("it does not panic");
    }
    let threads = sward_tests::os_threads();
    assert!(threads == 1 || sward_tests::is_emulated(), "the runtime has been started: {threads} threads");
}

fn await_for_ever() {
    sward::run(|| task::block_on(future::pending::<()>()));
}

/// A task awaits a time far away, and then nothing any more.
fn gives_up_a_timer() {
    sward::run(|| {
        let mut timer = channel::after(Duration::from_secs(1_000_000)).into_future();
        assert!(Pin::new(&mut timer).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        thread::yield_now();
        drop(timer);
        task::block_on(future::pending::<()>());
    });
}
