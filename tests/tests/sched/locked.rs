//! Threads that are locked to their OS thread.

use std::path::Path;
use std::time::Duration;

use sward::channel;
use sward::thread::{self, lock_os_thread};
use sward_tests::{os_thread, run_on, yield_until};

/// Go's TestBlockLocked: a locked thread that waits often, and whose OS thread sleeps meanwhile, is always found again.
#[test]
fn a_locked_thread_talks_to_free_ones() {
    for procs in [1, 2] {
        run_on(procs, || {
            let (tx, rx) = channel::bounded(0);
            let sender = thread::spawn(move || {
                let locked = lock_os_thread();
                let home = os_thread();
                for n in 0..200 {
                    tx.send(n).unwrap();
                    assert_eq!(os_thread(), home);
                }
                drop(locked);
            });
            assert!(rx.iter().eq(0..200));
            sender.join().unwrap();
        });
    }
}

/// Two locked threads need each other, and share one P.
#[test]
fn locked_threads_talk_to_each_other() {
    for procs in [1, 2] {
        run_on(procs, || {
            let (ping, pings) = channel::bounded(0);
            let (pong, pongs) = channel::bounded(0);
            thread::scope(|s| {
                s.spawn(move || {
                    let _locked = lock_os_thread();
                    for ball in pings {
                        pong.send(ball).unwrap();
                    }
                });
                s.spawn(move || {
                    let _locked = lock_os_thread();
                    for ball in 0..200 {
                        ping.send(ball).unwrap();
                        assert_eq!(pongs.recv().unwrap(), ball);
                    }
                });
            });
        });
    }
}

fn exists(os_thread: i32) -> bool {
    Path::new(&format!("/proc/self/task/{os_thread}")).exists()
}

/// Go's TestLockOSThreadNesting: only the last unlock unlocks. While it is locked, nobody else gets its OS thread; so where all others
/// are seen to run elsewhere, it is.
#[test]
fn the_lock_nests() {
    run_on(1, || {
        let outer = lock_os_thread();
        let home = os_thread();
        let inner = lock_os_thread();
        let elsewhere = || thread::spawn(os_thread).join().unwrap() != home && os_thread() == home;
        assert!(elsewhere());
        drop(inner);
        assert!(elsewhere());
        let again = lock_os_thread();
        drop(outer);
        assert!(elsewhere());
        drop(again);
        // Free again: on one P, sooner or later it runs where another one did, or another one where it did.
        yield_until(|| !elsewhere());
    });
}

/// Go's TestLockOSThreadExit: the OS thread of a thread that ends locked ends too; of one that unlocked in time it does not, and serves
/// others.
#[test]
fn ending_while_locked_ends_the_os_thread() {
    for procs in [1, 2] {
        run_on(procs, || {
            let home = thread::spawn(|| {
                std::mem::forget(lock_os_thread());
                std::mem::forget(lock_os_thread());
                thread::sleep(Duration::from_micros(100));
                os_thread()
            });
            let home = home.join().unwrap();
            yield_until(|| !exists(home));

            let unlocked = thread::spawn(|| {
                drop((lock_os_thread(), lock_os_thread()));
                os_thread()
            });
            let kept = unlocked.join().unwrap();
            yield_until(|| thread::spawn(os_thread).join().unwrap() == kept);
        });
    }
}
