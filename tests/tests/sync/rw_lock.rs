//! `RwLock`.

use std::hint;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, TryLockError};

use sward::sync::{RwLock, RwLockWriteGuard};
use sward::thread::{self, Builder};
use sward_tests::{Watchdog, run, run_on, yield_until};

/// Go's TestParallelReaders: as many as there are, all inside at the same time.
#[test]
fn readers_read_together() {
    for (readers, procs) in [(1, 4), (3, 4), (4, 2)] {
        run_on(procs, || {
            let lock = RwLock::new(());
            let inside = AtomicUsize::new(0);
            thread::scope(|s| {
                for _ in 0..readers {
                    s.spawn(|| {
                        let _guard = lock.read().unwrap();
                        inside.fetch_add(1, Ordering::Relaxed);
                        yield_until(|| inside.load(Ordering::Relaxed) == readers);
                    });
                }
            });
            assert!(lock.try_write().is_ok());
        });
    }
}

/// A reader's turn of Go's HammerRWMutex: no writer is inside.
fn reads(lock: &RwLock<()>, activity: &AtomicI32, turns: usize) {
    for _ in 0..turns {
        let _guard = lock.read().unwrap();
        let inside = activity.fetch_add(1, Ordering::Relaxed) + 1;
        assert!((1..10_000).contains(&inside), "{inside}");
        (0..100).for_each(|_| hint::spin_loop());
        activity.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A writer's turn: nobody else is inside.
fn writes(lock: &RwLock<()>, activity: &AtomicI32, turns: usize) {
    for _ in 0..turns {
        let _guard = lock.write().unwrap();
        let inside = activity.fetch_add(10_000, Ordering::Relaxed) + 10_000;
        assert_eq!(inside, 10_000);
        (0..100).for_each(|_| hint::spin_loop());
        activity.fetch_sub(10_000, Ordering::Relaxed);
    }
}

/// Go's TestRWMutex, HammerRWMutex: writers come in between readers.
#[test]
fn hammer() {
    const TURNS: usize = 500;
    for procs in [1, 4, 10] {
        for readers in [1, 3, 10] {
            run_on(procs, || {
                let lock = RwLock::new(());
                let activity = AtomicI32::new(0);
                thread::scope(|s| {
                    s.spawn(|| writes(&lock, &activity, TURNS));
                    (0..readers / 2).for_each(|_| drop(s.spawn(|| reads(&lock, &activity, TURNS))));
                    s.spawn(|| writes(&lock, &activity, TURNS));
                    (readers / 2..readers).for_each(|_| drop(s.spawn(|| reads(&lock, &activity, TURNS))));
                });
                assert!(lock.try_write().is_ok());
            });
        }
    }
}

#[test]
fn os_threads_and_green_threads_exclude_each_other() {
    let _watchdog = Watchdog::start();
    let lock = RwLock::new(());
    let activity = AtomicI32::new(0);
    std::thread::scope(|s| {
        s.spawn(|| writes(&lock, &activity, 500));
        s.spawn(|| reads(&lock, &activity, 500));
        sward::run(|| {
            thread::scope(|s| {
                s.spawn(|| writes(&lock, &activity, 500));
                s.spawn(|| writes(&lock, &activity, 500));
                s.spawn(|| reads(&lock, &activity, 500));
                s.spawn(|| reads(&lock, &activity, 500));
            });
        });
    });
    assert!(lock.try_write().is_ok());
}

/// Two OS threads, without any green one.
#[test]
fn os_threads_exclude_each_other() {
    let _watchdog = Watchdog::start();
    let lock = RwLock::new(());
    let activity = AtomicI32::new(0);
    std::thread::scope(|s| {
        s.spawn(|| writes(&lock, &activity, 2000));
        s.spawn(|| reads(&lock, &activity, 2000));
        s.spawn(|| writes(&lock, &activity, 2000));
        s.spawn(|| reads(&lock, &activity, 2000));
    });
    assert!(lock.try_write().is_ok());
}

/// Green threads that park inside: between `read` and unlock others come and wait.
#[test]
fn locks_are_kept_across_waits() {
    for procs in [1, 2] {
        run_on(procs, || {
            let lock = RwLock::new(0);
            thread::scope(|s| {
                for own in 0..12 {
                    let lock = &lock;
                    s.spawn(move || {
                        for _ in 0..50 {
                            if own % 3 == 0 {
                                let mut sum = lock.write().unwrap();
                                let before = *sum;
                                thread::yield_now();
                                *sum = before + 1;
                            } else {
                                let sum = lock.read().unwrap();
                                let before = *sum;
                                thread::yield_now();
                                assert_eq!(*sum, before);
                            }
                        }
                    });
                }
            });
            assert_eq!(lock.into_inner().unwrap(), 4 * 50);
        });
    }
}

/// Threads that never cease to read, one always inside, do not keep a writer out.
#[test]
fn readers_do_not_starve_a_writer() {
    for procs in [1, 2] {
        run_on(procs, || {
            let (lock, written) = (RwLock::new(()), AtomicBool::new(false));
            thread::scope(|s| {
                for _ in 0..4 {
                    s.spawn(|| {
                        while !written.load(Ordering::Relaxed) {
                            let _guard = lock.read().unwrap();
                            thread::yield_now();
                        }
                    });
                }
                thread::yield_now();
                drop(lock.write().unwrap());
                written.store(true, Ordering::Relaxed);
            });
        });
    }
}

/// Nor do threads that never cease to write keep a reader out.
#[test]
fn writers_do_not_starve_a_reader() {
    for procs in [1, 2] {
        run_on(procs, || {
            let (lock, read) = (RwLock::new(()), AtomicBool::new(false));
            thread::scope(|s| {
                for _ in 0..4 {
                    s.spawn(|| {
                        while !read.load(Ordering::Relaxed) {
                            let _guard = lock.write().unwrap();
                            thread::yield_now();
                        }
                    });
                }
                thread::yield_now();
                drop(lock.read().unwrap());
                read.store(true, Ordering::Relaxed);
            });
        });
    }
}

/// std's test_rw_arc_poison_*, after Go's rule that only a writer's panic counts.
#[test]
fn a_writers_panic_poisons() {
    run(|| {
        let mut lock = RwLock::new(1);
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let _guard = lock.read().unwrap();
            panic!("on purpose");
        }));
        assert!(!lock.is_poisoned());
        thread::scope(|s| {
            let panics = s.spawn(|| {
                *lock.write().unwrap() = 2;
                let _guard = lock.write().unwrap();
                panic!("on purpose");
            });
            assert!(panics.join().is_err());
        });
        assert!(lock.is_poisoned());
        assert_eq!(*lock.read().unwrap_err().into_inner(), 2);
        assert_eq!(*lock.write().unwrap_err().into_inner(), 2);
        assert!(matches!(lock.try_read(), Err(TryLockError::Poisoned(error)) if **error.get_ref() == 2));
        assert!(matches!(lock.try_write(), Err(TryLockError::Poisoned(error)) if **error.get_ref() == 2));
        assert_eq!(format!("{lock:?}"), "RwLock { data: 2, poisoned: true, .. }");
        assert_eq!(*lock.get_mut().unwrap_err().into_inner(), 2);
        lock.clear_poison();
        assert_eq!(*lock.read().unwrap(), 2);
        let _ = catch_unwind(|| {
            let _guard = lock.write();
            panic!("on purpose");
        });
        assert_eq!(lock.into_inner().unwrap_err().into_inner(), 2);
    });
}

/// Those that wait while it is poisoned get the lock, and learn of it.
#[test]
fn waiters_get_a_lock_that_is_poisoned_meanwhile() {
    run(|| {
        let lock = RwLock::new(());
        thread::scope(|s| {
            let guard = lock.write().unwrap();
            let readers: Vec<_> = (0..3).map(|_| s.spawn(|| lock.read().is_err())).collect();
            let writers: Vec<_> = (0..3).map(|_| s.spawn(|| lock.write().is_err())).collect();
            thread::yield_now();
            let _ = catch_unwind(AssertUnwindSafe(move || {
                let _guard = guard;
                panic!("on purpose");
            }));
            assert!(readers.into_iter().chain(writers).all(|waiter| waiter.join().unwrap()));
        });
    });
}

/// std's test_rw_arc_access_in_unwind.
#[test]
fn destructors_may_lock() {
    struct Adds(Arc<RwLock<i32>>);
    impl Drop for Adds {
        fn drop(&mut self) {
            *self.0.write().unwrap() += 1;
        }
    }
    run(|| {
        let lock = Arc::new(RwLock::new(1));
        let adds = Adds(lock.clone());
        let panics = thread::spawn(move || {
            let _adds = adds;
            panic!("on purpose");
        });
        assert!(panics.join().is_err());
        assert_eq!(*lock.read().unwrap(), 2);
    });
}

/// std's test_try_write, and its like.
#[test]
fn trying_does_not_wait() {
    run(|| {
        let lock = RwLock::new(0);
        let reads = lock.read().unwrap();
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        assert!(lock.try_read().is_ok());
        assert_eq!(format!("{lock:?}"), "RwLock { data: 0, poisoned: false, .. }");
        drop(reads);
        let writes = lock.try_write().unwrap();
        assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        assert_eq!(format!("{lock:?}"), "RwLock { data: <locked>, poisoned: false, .. }");
        drop(writes);
        assert!(lock.try_write().is_ok());
    });
}

/// std's downgrade_observe: no writer comes between a thread's writing and its reading.
#[test]
fn no_writer_comes_into_a_downgrade() {
    for procs in [1, 2] {
        run_on(procs, || {
            let lock = RwLock::new(0);
            thread::scope(|s| {
                for own in 0..4 {
                    let lock = &lock;
                    s.spawn(move || {
                        for round in 0..500 {
                            let mut value = lock.write().unwrap();
                            *value = own * 1000 + round;
                            let value = RwLockWriteGuard::downgrade(value);
                            if round % 16 == 0 {
                                thread::yield_now();
                            }
                            assert_eq!(*value, own * 1000 + round);
                        }
                    });
                }
            });
            assert!(lock.try_write().is_ok());
        });
    }
}

#[test]
fn who_has_locked_it_for_writing_is_told_so() {
    run(|| {
        let thread = Builder::new().name("twice".into()).spawn(|| {
            let lock = RwLock::new(());
            let _guard = lock.write().unwrap();
            [
                catch_unwind(AssertUnwindSafe(|| drop(lock.read()))),
                catch_unwind(AssertUnwindSafe(|| drop(lock.write()))),
            ]
            .map(|result| *result.unwrap_err().downcast::<String>().unwrap())
        });
        let [read, write] = thread.unwrap().join().unwrap();
        assert!(read.ends_with(" \"twice\" locks an RwLock for reading that it has locked for writing"), "{read}");
        assert!(
            write.ends_with(" \"twice\" locks an RwLock for writing that it has locked for writing already"),
            "{write}"
        );
    });
}

/// std's test_rwlock_unsized, test_into_inner_drop and more of what the type is.
#[test]
fn is_what_stds_is() {
    fn is_sync<T: Sync>(_: &T) {}
    fn is_send_and_unwinds<T: Send + std::panic::UnwindSafe + std::panic::RefUnwindSafe>(_: &T) {}
    let lock: &RwLock<[i32]> = &RwLock::new([1, 2, 3]);
    lock.write().unwrap()[0] = 4;
    assert_eq!(*lock.read().unwrap(), [4, 2, 3]);
    let lock: RwLock<i32> = 5.into();
    is_sync(&lock.read().unwrap());
    is_send_and_unwinds(&lock);
    assert_eq!(format!("{} {:?}", lock.read().unwrap(), lock.read().unwrap()), "5 5");
    assert_eq!(format!("{}", lock.write().unwrap()), "5");
    assert_eq!(RwLock::<i32>::default().into_inner().unwrap(), 0);
}
