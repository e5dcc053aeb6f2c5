//! `Mutex`: what its unit tests leave out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::sync::Mutex;
use sward::thread::{self, Builder};
use sward_tests::{Watchdog, run, run_on};

/// Go's TestMutex: threads that lock, and threads that try.
#[test]
fn hammer() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            let (mutex, inside, locked) = (Mutex::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
            thread::scope(|s| {
                for _ in 0..10 {
                    s.spawn(|| {
                        for round in 0..1000 {
                            let guard = if round % 3 == 0 { mutex.try_lock().ok() } else { mutex.lock().ok() };
                            let Some(mut guard) = guard else { continue };
                            assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                            *guard += 1;
                            locked.fetch_add(1, Ordering::Relaxed);
                            inside.fetch_sub(1, Ordering::Relaxed);
                        }
                    });
                }
            });
            assert_eq!(mutex.into_inner().unwrap(), locked.into_inner());
        });
    }
}

/// The text of the panic of `f`.
fn panic_of(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    *payload.downcast::<String>().expect("a message")
}

#[test]
fn who_locks_twice_is_told_so() {
    run(|| {
        let thread = Builder::new().name("twice".into()).spawn(|| {
            let mutex = Mutex::new(());
            let _guard = mutex.lock().unwrap();
            panic_of(|| drop(mutex.lock()))
        });
        let message = thread.unwrap().join().unwrap();
        assert!(message.starts_with("green thread "), "{message}");
        assert!(message.ends_with(" \"twice\" locks a mutex that it has locked already"), "{message}");
    });
}

#[test]
fn an_os_thread_that_locks_twice_is_told_so() {
    let _watchdog = Watchdog::start();
    let thread = std::thread::Builder::new().name("twice".into()).spawn(|| {
        let mutex = Mutex::new(());
        let _guard = mutex.lock().unwrap();
        panic_of(|| drop(mutex.lock()))
    });
    assert_eq!(thread.unwrap().join().unwrap(), "thread \"twice\" locks a mutex that it has locked already");
}

/// Also one that had to wait for it the first time.
#[test]
fn who_has_waited_and_locks_twice_is_told_so() {
    for procs in [1, 2] {
        run_on(procs, || {
            let mutex = Mutex::new(());
            thread::scope(|s| {
                let guard = mutex.lock().unwrap();
                let waiters: Vec<_> = (0..4)
                    .map(|_| {
                        s.spawn(|| {
                            let _guard = mutex.lock();
                            panic_of(|| drop(mutex.lock()))
                        })
                    })
                    .collect();
                (0..10).for_each(|_| thread::yield_now());
                drop(guard);
                for waiter in waiters {
                    assert!(waiter.join().unwrap().ends_with(" locks a mutex that it has locked already"));
                }
            });
        });
    }
}

/// The second lock is refused, and nothing is left behind: those that waited still get the lock.
#[test]
fn waiters_survive_who_locks_twice() {
    for procs in [1, 2] {
        run_on(procs, || {
            let mutex = Mutex::new(0);
            thread::scope(|s| {
                let guard = mutex.lock().unwrap();
                for _ in 0..10 {
                    s.spawn(|| *mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) += 1);
                }
                thread::yield_now();
                panic_of(|| drop(mutex.lock()));
                drop(guard);
            });
            assert_eq!(mutex.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()), 10);
        });
    }
}

/// Nobody takes itself for the holder that it was a moment ago, nor for another thread whose stack it has taken over.
#[test]
fn who_has_unlocked_may_wait() {
    run_on(2, || {
        let mutex = Mutex::new(0);
        for _ in 0..200 {
            thread::scope(|s| {
                for _ in 0..4 {
                    s.spawn(|| {
                        for _ in 0..20 {
                            *mutex.lock().unwrap() += 1;
                        }
                    });
                }
            });
        }
        assert_eq!(mutex.into_inner().unwrap(), 200 * 4 * 20);
    });
}

/// A guard may leave the blocking call that it was taken in. The OS thread then serves others, that have not locked.
#[test]
fn a_lock_taken_in_a_blocking_call_is_its_threads() {
    run_on(1, || {
        let (mutex, tries) = (Mutex::new(0), AtomicUsize::new(0));
        thread::scope(|s| {
            let guard = sward::unblock(|| mutex.lock().unwrap());
            let others: Vec<_> = (0..4)
                .map(|_| {
                    s.spawn(|| {
                        sward::unblock(|| {
                            tries.fetch_add(1, Ordering::Relaxed);
                            *mutex.lock().unwrap() += 1;
                        })
                    })
                })
                .collect();
            sward_tests::yield_until(|| tries.load(Ordering::Relaxed) == 4);
            drop(guard);
            others.into_iter().for_each(|other| other.join().unwrap());
        });
        assert_eq!(mutex.into_inner().unwrap(), 4);
    });
}
