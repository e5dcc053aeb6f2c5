//! What a program may rely on: std's semantics, on green threads and on OS threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::TryLockError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Mutex;
use crate::{run, set_procs, thread};

/// Turns of a test's threads.
const TURNS: usize = 2_000;

/// Adds to a value that would miss some if two threads did so at once.
fn add(mutex: &Mutex<usize>, n: usize) {
    for _ in 0..n {
        *mutex.lock().unwrap() += 1;
    }
}

#[sward::test]
fn green_threads_exclude_each_other() {
    let mutex = Mutex::new(0);
    thread::scope(|s| {
        for _ in 0..100 {
            s.spawn(|| add(&mutex, TURNS));
        }
    });
    assert_eq!(mutex.into_inner().unwrap(), 100 * TURNS);
}

#[sward::test]
fn green_threads_that_wait_while_they_hold_it_exclude_each_other() {
    let mutex = Mutex::new(0);
    thread::scope(|s| {
        for _ in 0..20 {
            s.spawn(|| {
                for _ in 0..50 {
                    let mut sum = mutex.lock().unwrap();
                    let before = *sum;
                    thread::yield_now();
                    *sum = before + 1;
                }
            });
        }
    });
    assert_eq!(mutex.into_inner().unwrap(), 20 * 50);
}

#[test]
fn os_threads_exclude_each_other() {
    let mutex = Mutex::new(0);
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| add(&mutex, TURNS));
        }
    });
    assert_eq!(mutex.into_inner().unwrap(), 4 * TURNS);
}

#[test]
fn green_threads_and_os_threads_exclude_each_other() {
    let mutex = Mutex::new(0);
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| add(&mutex, TURNS));
        }
        run(|| {
            thread::scope(|s| {
                for _ in 0..8 {
                    s.spawn(|| add(&mutex, TURNS));
                }
            })
        });
    });
    assert_eq!(mutex.into_inner().unwrap(), 10 * TURNS);
}

#[sward::test]
fn hogs_exclude_each_other() {
    // Each turn is longer than a time slice, so that locks are held and left by green threads that have lost their P.
    let mutex = Mutex::new(0);
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for _ in 0..2 {
                    let mut sum = mutex.lock().unwrap();
                    let before = *sum;
                    let begin = Instant::now();
                    while begin.elapsed() < Duration::from_millis(25) {
                        std::hint::spin_loop();
                    }
                    *sum = before + 1;
                }
            });
        }
    });
    assert_eq!(mutex.into_inner().unwrap(), 8);
}

/// One that holds the lock nearly all the time, and takes it again at once, must let another one in: Go's `TestMutexFairness`.
/// Without a hand-off, the other one would meet the lock free for the nanoseconds between two turns only.
macro_rules! is_fair {
    ($thread:path) => {{
        use $thread as thread;
        let mutex = Mutex::new(());
        let done = AtomicBool::new(false);
        thread::scope(|s| {
            let greedy = s.spawn(|| {
                (0..50_000).any(|_| {
                    let _guard = mutex.lock().unwrap();
                    thread::sleep(Duration::from_micros(100));
                    done.load(Ordering::Relaxed)
                })
            });
            for _ in 0..10 {
                thread::sleep(Duration::from_micros(100));
                drop(mutex.lock().unwrap());
            }
            done.store(true, Ordering::Relaxed);
            assert!(greedy.join().unwrap(), "the greedy thread did all its turns before the other one had ten");
        });
    }};
}

#[sward::test]
fn is_fair_to_green_threads() {
    // With one P the one that is woken cannot be there in time.
    let old = set_procs(1);
    is_fair!(crate::thread);
    set_procs(old);
}

#[test]
fn is_fair_to_os_threads() {
    is_fair!(std::thread);
}

#[sward::test]
fn try_lock_does_not_wait() {
    let mutex = Mutex::new(1);
    let guard = mutex.try_lock().unwrap();
    assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
    assert_eq!(format!("{mutex:?}"), "Mutex { data: <locked>, poisoned: false, .. }");
    drop(guard);
    *mutex.try_lock().unwrap() += 1;
    assert_eq!(format!("{mutex:?}"), "Mutex { data: 2, poisoned: false, .. }");
}

#[sward::test]
fn a_panic_under_the_lock_poisons_it() {
    let mut mutex = Mutex::new(1);
    thread::scope(|s| {
        let panics = s.spawn(|| {
            let mut guard = mutex.lock().unwrap();
            *guard = 2;
            panic!("on purpose");
        });
        assert!(panics.join().is_err());
    });
    assert!(mutex.is_poisoned());
    assert_eq!(*mutex.lock().unwrap_err().into_inner(), 2);
    assert!(matches!(mutex.try_lock(), Err(TryLockError::Poisoned(error)) if **error.get_ref() == 2));
    assert_eq!(format!("{mutex:?}"), "Mutex { data: 2, poisoned: true, .. }");
    assert_eq!(**mutex.get_mut().as_ref().unwrap_err().get_ref(), 2);

    mutex.clear_poison();
    assert_eq!(*mutex.lock().unwrap(), 2);
    let _ = catch_unwind(|| {
        let _guard = mutex.lock();
        panic!("on purpose");
    });
    assert_eq!(mutex.into_inner().unwrap_err().into_inner(), 2);
}

#[sward::test]
fn a_lock_taken_while_panicking_is_not_poisoned_by_that_panic() {
    struct Locks<'a>(&'a Mutex<i32>);
    impl Drop for Locks<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }
    let mutex = Mutex::new(0);
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let _locks = Locks(&mutex);
        panic!("on purpose");
    }));
    assert_eq!(*mutex.lock().unwrap(), 1);
}

#[sward::test]
fn waiters_get_a_lock_that_is_poisoned_meanwhile() {
    let mutex = Mutex::new(());
    thread::scope(|s| {
        let guard = mutex.lock().unwrap();
        let waiters: Vec<_> = (0..3).map(|_| s.spawn(|| mutex.lock().is_err())).collect();
        thread::yield_now();
        let _ = catch_unwind(AssertUnwindSafe(move || {
            let _guard = guard;
            panic!("on purpose");
        }));
        assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
    });
}

#[test]
fn holds_what_has_no_size_of_its_own() {
    let mutex: Box<Mutex<[u8]>> = Box::new(Mutex::new([1, 2, 3]));
    mutex.lock().unwrap()[1] = 5;
    assert_eq!(*mutex.lock().unwrap(), [1, 5, 3]);
}

#[test]
fn can_be_a_static() {
    static MUTEX: Mutex<Vec<i32>> = Mutex::new(Vec::new());
    MUTEX.lock().unwrap().push(1);
    assert_eq!(MUTEX.lock().unwrap().len(), 1);
}
