//! Joining, detaching, and what a handle knows of its thread.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use sward::thread;
use sward_tests::{run, yield_until};

#[test]
fn join_returns_the_value() {
    run(|| {
        let handle = thread::spawn(|| String::from("done"));
        assert_eq!(handle.join().unwrap(), "done");
    });
}

#[test]
fn join_works_before_and_after_the_end() {
    run(|| {
        for _ in 0..200 {
            let early = thread::spawn(|| {
                thread::yield_now();
                1
            });
            assert_eq!(early.join().unwrap(), 1);
            let late = thread::spawn(|| 2);
            yield_until(|| late.is_finished());
            assert_eq!(late.join().unwrap(), 2);
        }
    });
}

#[test]
fn join_from_another_thread_than_the_spawner() {
    run(|| {
        let inner = thread::spawn(|| 6 * 7);
        let outer = thread::spawn(move || inner.join().unwrap());
        assert_eq!(outer.join().unwrap(), 42);
    });
}

#[test]
fn os_threads_join_green_ones_and_green_ones_join_them() {
    let handle = thread::spawn(|| thread::spawn(|| 7).join().unwrap());
    assert_eq!(handle.join().unwrap(), 7);
    run(|| {
        let handle = thread::spawn(|| 8);
        let joined = sward::unblock(|| std::thread::spawn(move || handle.join().unwrap()).join().unwrap());
        assert_eq!(joined, 8);
    });
}

#[test]
fn a_detached_thread_goes_on() {
    let (tx, rx) = mpsc::channel();
    run(move || {
        drop(thread::spawn(move || {
            thread::yield_now();
            tx.send("still here").unwrap();
        }));
    });
    assert_eq!(rx.recv().unwrap(), "still here");
}

#[test]
fn is_finished_turns_true_once_and_for_all() {
    run(|| {
        let go = Arc::new(AtomicBool::new(false));
        let handle = thread::spawn({
            let go = go.clone();
            move || yield_until(|| go.load(Ordering::Acquire))
        });
        assert!(!handle.is_finished());
        go.store(true, Ordering::Release);
        yield_until(|| handle.is_finished());
        assert!(handle.is_finished());
        handle.join().unwrap();
    });
}

#[test]
fn is_finished_is_true_after_a_panic() {
    run(|| {
        let handle = thread::spawn(|| panic!("on purpose"));
        yield_until(|| handle.is_finished());
        handle.join().unwrap_err();
    });
}

#[test]
fn the_handle_and_the_thread_agree_on_who_it_is() {
    run(|| {
        let handle = thread::spawn(|| thread::current().id());
        let id = handle.thread().id();
        assert_eq!(handle.join().unwrap(), id);
        assert_ne!(thread::current().id(), id);
    });
}

#[test]
fn ids_are_never_used_again() {
    run(|| {
        let mut seen = HashSet::new();
        for _ in 0..20 {
            let threads: Vec<_> = (0..100).map(|_| thread::spawn(|| thread::current().id())).collect();
            for handle in threads {
                assert!(seen.insert(handle.join().unwrap()));
            }
        }
        assert!(seen.insert(thread::current().id()));
        let os_thread = sward::unblock(|| std::thread::spawn(|| thread::current().id()).join().unwrap());
        assert!(seen.insert(os_thread));
    });
}

#[test]
fn a_thread_value_outlives_its_thread() {
    run(|| {
        let handle = thread::Builder::new().name("late".into()).spawn(thread::current).unwrap();
        let kept = handle.thread().clone();
        let returned = handle.join().unwrap();
        // Others come and go, and would reuse what the thread left behind.
        (0..200).for_each(|_| thread::spawn(|| ()).join().unwrap());
        kept.unpark();
        assert_eq!(kept.name(), Some("late"));
        assert_eq!(kept.id(), returned.id());
    });
}

/// Counts its own drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[test]
fn a_result_is_dropped_once_however_it_is_left() {
    run(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let start = |wait: bool| {
            let counted = Counted(drops.clone());
            thread::spawn(move || {
                if wait {
                    thread::yield_now();
                }
                counted
            })
        };
        for round in 0..300 {
            let wait = round % 2 == 0;
            // Joined.
            drop(start(wait).join().unwrap());
            // Detached before the end, or about when it comes.
            drop(start(wait));
            // Detached after the end.
            let ended = start(wait);
            yield_until(|| ended.is_finished());
            drop(ended);
        }
        yield_until(|| drops.load(Ordering::Acquire) >= 900);
        // Whoever drops one twice has had the time to do so, as all threads have ended.
        assert_eq!(Arc::strong_count(&drops), 1);
        assert_eq!(drops.load(Ordering::Acquire), 900);
    });
}

#[test]
fn a_closure_is_dropped_once() {
    run(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let (a, b) = (Counted(drops.clone()), Counted(drops.clone()));
            thread::spawn(move || drop(a)).join().unwrap();
            thread::spawn(move || {
                let _in_the_closure = &b;
                panic!("on purpose")
            })
            .join()
            .unwrap_err();
        }
        yield_until(|| drops.load(Ordering::Acquire) >= 200);
        assert_eq!(drops.load(Ordering::Acquire), 200);
    });
}
