//! Scoped threads: they may borrow, and they end before the scope does.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sward::thread::{self, Builder};
use sward_tests::run;

#[test]
fn threads_borrow_from_the_frame() {
    run(|| {
        let words = vec![String::from("green"), String::from("thread")];
        let mut total = 0;
        let shared = AtomicUsize::new(0);
        thread::scope(|s| {
            for word in &words {
                s.spawn(|| shared.fetch_add(word.len(), Ordering::Relaxed));
            }
            s.spawn(|| total = words.len());
        });
        assert_eq!((total, shared.into_inner()), (2, 11));
    });
}

/// Threads are still at it when the closure of the scope has returned.
#[test]
fn a_scope_waits_for_threads_that_nobody_joins() {
    run(|| {
        for waits in 0..100 {
            let ended = AtomicUsize::new(0);
            thread::scope(|s| {
                for _ in 0..5 {
                    s.spawn(|| {
                        (0..waits % 4).for_each(|_| thread::yield_now());
                        if waits % 10 == 0 {
                            thread::sleep(Duration::from_micros(200));
                        }
                        ended.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
            assert_eq!(ended.into_inner(), 5);
        }
    });
}

#[test]
fn join_returns_value_and_payload() {
    run(|| {
        thread::scope(|s| {
            assert_eq!(s.spawn(|| 5).join().unwrap(), 5);
            let payload = s.spawn(|| panic!("on purpose")).join().unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"on purpose"));
        });
    });
}

#[test]
fn a_panic_that_nobody_joined_panics_the_scope() {
    run(|| {
        let scope = panic::catch_unwind(|| {
            thread::scope(|s| {
                s.spawn(|| panic!("on purpose"));
            });
        });
        assert_eq!(scope.unwrap_err().downcast_ref(), Some(&"a scoped thread panicked"));
    });
}

#[test]
fn a_panic_of_the_scopes_own_closure_comes_first_and_still_waits() {
    run(|| {
        let ended = AtomicUsize::new(0);
        let scope = panic::catch_unwind(AssertUnwindSafe(|| {
            thread::scope(|s| {
                s.spawn(|| {
                    thread::sleep(Duration::from_millis(1));
                    ended.fetch_add(1, Ordering::Relaxed);
                    panic!("in the thread");
                });
                panic!("in the closure");
            })
        }));
        assert_eq!(scope.unwrap_err().downcast_ref(), Some(&"in the closure"));
        assert_eq!(ended.into_inner(), 1);
    });
}

#[test]
fn scopes_nest_and_threads_spawn_into_their_scope() {
    run(|| {
        let count = AtomicUsize::new(0);
        thread::scope(|outer| {
            outer.spawn(|| {
                outer.spawn(|| count.fetch_add(1, Ordering::Relaxed));
                thread::scope(|inner| {
                    for _ in 0..10 {
                        inner.spawn(|| {
                            count.fetch_add(1, Ordering::Relaxed);
                            outer.spawn(|| count.fetch_add(1, Ordering::Relaxed));
                        });
                    }
                });
                assert!(count.load(Ordering::Relaxed) >= 10);
            });
        });
        assert_eq!(count.into_inner(), 21);
    });
}

#[test]
fn the_builder_starts_scoped_threads_too() {
    run(|| {
        let name = String::from("borrowed");
        thread::scope(|s| {
            let handle = Builder::new()
                .name("scoped".into())
                .spawn_scoped(s, || (thread::current().name().map(str::to_owned), &name))
                .unwrap();
            assert_eq!(handle.thread().name(), Some("scoped"));
            let (own, borrowed) = handle.join().unwrap();
            assert_eq!((own.as_deref(), borrowed.as_str()), (Some("scoped"), "borrowed"));
        });
    });
}

/// A result that borrows is dropped while what it borrows is there, also when nobody joins.
#[test]
fn an_unclaimed_result_is_dropped_before_the_scope_ends() {
    struct Leaves<'a>(&'a AtomicUsize);
    impl Drop for Leaves<'_> {
        fn drop(&mut self) {
            thread::yield_now();
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    run(|| {
        for _ in 0..100 {
            let dropped = AtomicUsize::new(0);
            thread::scope(|s| {
                s.spawn(|| Leaves(&dropped));
                let ends_later = s.spawn(|| {
                    thread::yield_now();
                    Leaves(&dropped)
                });
                drop(ends_later);
            });
            assert_eq!(dropped.into_inner(), 2);
        }
    });
}

#[test]
fn an_os_thread_may_have_a_scope() {
    let count = AtomicUsize::new(0);
    thread::scope(|s| {
        for _ in 0..20 {
            s.spawn(|| count.fetch_add(1, Ordering::Relaxed));
        }
    });
    assert_eq!(count.into_inner(), 20);
}
