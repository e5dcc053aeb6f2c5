//! `lock_os_thread`: a green thread that stays where it is.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sward::thread::{self, lock_os_thread};
use sward_tests::{os_thread, run, run_on, yield_until};

/// Waits in every way there is, some of which move a thread that is free to.
fn wait_around() {
    thread::yield_now();
    thread::sleep(Duration::from_micros(100));
    thread::spawn(|| ()).join().unwrap();
    thread::park_timeout(Duration::from_micros(100));
    sward::unblock(|| std::thread::sleep(Duration::from_micros(100)));
}

#[test]
fn it_stays_on_its_os_thread_whatever_it_waits_for() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            thread::scope(|s| {
                for _ in 0..6 {
                    s.spawn(|| {
                        let _locked = lock_os_thread();
                        let home = os_thread();
                        for _ in 0..20 {
                            wait_around();
                            assert_eq!(os_thread(), home);
                            assert_eq!(sward::unblock(os_thread), home);
                        }
                    });
                    // Free ones, to have the OS threads fought for.
                    s.spawn(|| (0..20).for_each(|_| wait_around()));
                }
            });
        });
    }
}

/// Nobody else runs on a locked OS thread.
#[test]
fn it_has_its_os_thread_to_itself() {
    run(|| {
        let done = AtomicBool::new(false);
        let home = AtomicUsize::new(0);
        thread::scope(|s| {
            s.spawn(|| {
                let _locked = lock_os_thread();
                home.store(os_thread() as usize, Ordering::Release);
                (0..200).for_each(|_| thread::sleep(Duration::from_micros(50)));
                home.store(0, Ordering::Release);
                done.store(true, Ordering::Release);
            });
            for _ in 0..4 {
                s.spawn(|| {
                    yield_until(|| {
                        // Locked before and after the look: locked while looking.
                        let before = home.load(Ordering::Acquire);
                        let here = os_thread() as usize;
                        assert!(before != here || home.load(Ordering::Acquire) != before);
                        done.load(Ordering::Acquire)
                    });
                });
            }
        });
    });
}

#[test]
fn others_go_on_while_it_waits() {
    run_on(1, || {
        let go = AtomicBool::new(false);
        thread::scope(|s| {
            let locked = s.spawn(|| {
                let _locked = lock_os_thread();
                while !go.load(Ordering::Acquire) {
                    thread::park();
                }
            });
            let locked = locked.thread().clone();
            let go = &go;
            s.spawn(move || {
                (0..100).for_each(|_| thread::yield_now());
                go.store(true, Ordering::Release);
                locked.unpark();
            });
        });
    });
}

#[test]
fn on_an_os_thread_it_does_nothing() {
    let (first, second) = (lock_os_thread(), lock_os_thread());
    drop(first);
    drop(second);
}

fn exists(os_thread: i32) -> bool {
    Path::new(&format!("/proc/self/task/{os_thread}")).exists()
}

/// The OS thread may have been left in any state, so it goes with the thread that was locked to it.
#[test]
fn the_os_thread_ends_with_a_thread_that_is_still_locked() {
    run(|| {
        for leave in [|| (), || panic!("on purpose")] {
            let handle = thread::spawn(move || {
                std::mem::forget(lock_os_thread());
                let home = os_thread();
                if std::panic::catch_unwind(leave).is_err() {
                    std::panic::panic_any(home);
                }
                home
            });
            let home = handle.join().unwrap_or_else(|payload| *payload.downcast::<i32>().expect("the number"));
            yield_until(|| !exists(home));
        }
        // The scheduler has what it needs to go on.
        (0..100).for_each(|_| wait_around());
    });
}

#[test]
fn many_end_locked() {
    run(|| {
        let homes: Vec<_> = (0..50)
            .map(|_| {
                thread::spawn(|| {
                    std::mem::forget(lock_os_thread());
                    thread::yield_now();
                    os_thread()
                })
            })
            .collect();
        let homes: Vec<_> = homes.into_iter().map(|thread| thread.join().unwrap()).collect();
        yield_until(|| !homes.iter().any(|&home| exists(home)));
    });
}
