//! Go's TestRecursivePanic family, as far as it has a meaning in Rust: panics while a panic unwinds, and panics thrown on.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sward::thread;
use sward_tests::{Finished, program, run};

/// Runs a closure when it is dropped, as a deferred call does.
struct Defer<F: FnMut()>(F);

impl<F: FnMut()> Drop for Defer<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn text(payload: Box<dyn Any + Send>) -> &'static str {
    payload.downcast_ref::<&'static str>().expect("a message without arguments")
}

/// Waits, which may move a thread that is free to another OS thread.
fn wait() {
    thread::sleep(Duration::from_micros(50));
    thread::spawn(thread::yield_now).join().unwrap();
}

/// In many threads at a time, to have them moved and mixed.
fn in_a_crowd(f: impl Fn() + Send + Sync + Copy) {
    run(|| {
        thread::scope(|s| {
            for _ in 0..20 {
                s.spawn(f);
            }
        });
        assert!(!thread::panicking());
    });
}

/// Go's TestRecursivePanic: a panic in a deferred call is caught there, and the first one goes on.
#[test]
fn a_panic_caught_while_unwinding_leaves_the_first_alone() {
    in_a_crowd(|| {
        let first = panic::catch_unwind(|| {
            let _deferred = Defer(|| {
                wait();
                let second = panic::catch_unwind(|| {
                    wait();
                    panic!("second")
                });
                assert_eq!(text(second.unwrap_err()), "second");
                assert!(thread::panicking());
                wait();
            });
            panic!("first");
        });
        assert_eq!(text(first.unwrap_err()), "first");
        assert!(!thread::panicking());
    });
}

/// Go's TestRecursivePanic2, 3: several levels of it, each unwound completely.
#[test]
fn panics_nest_as_deep_as_one_likes() {
    fn nest(depth: usize, unwound: &AtomicUsize) {
        if depth == 0 {
            return;
        }
        let caught = panic::catch_unwind(AssertUnwindSafe(|| {
            let _deferred = Defer(|| {
                wait();
                nest(depth - 1, unwound);
                unwound.fetch_add(1, Ordering::Relaxed);
            });
            panic!("at some depth");
        }));
        assert_eq!(text(caught.unwrap_err()), "at some depth");
    }
    in_a_crowd(|| {
        let unwound = AtomicUsize::new(0);
        nest(5, &unwound);
        assert_eq!(unwound.into_inner(), 5);
        assert!(!thread::panicking());
    });
}

/// Go's TestRecursivePanic4: a caught panic thrown on is the same panic.
#[test]
fn a_panic_thrown_on_arrives_as_it_was() {
    in_a_crowd(|| {
        let outcome = thread::spawn(|| {
            let caught = panic::catch_unwind(|| panic::panic_any(String::from("the very one")));
            wait();
            panic::resume_unwind(caught.unwrap_err())
        })
        .join();
        let payload = outcome.unwrap_err();
        assert_eq!(*payload.downcast::<String>().expect("the payload"), "the very one");
    });
}

/// Go's TestRecursivePanic5: after a panic that was replaced by another, the other one arrives.
#[test]
fn a_panic_replaced_by_another() {
    in_a_crowd(|| {
        let outcome = thread::spawn(|| {
            if panic::catch_unwind(|| panic!("first")).is_err() {
                wait();
                panic!("second");
            }
        })
        .join();
        assert_eq!(text(outcome.unwrap_err()), "second");
    });
}

/// A deferred call starts a scope, one of whose threads panics: the scope's panic is caught while the first unwinds.
#[test]
fn a_scoped_thread_panics_while_its_parent_unwinds() {
    in_a_crowd(|| {
        let first = panic::catch_unwind(|| {
            let _deferred = Defer(|| {
                let scope = panic::catch_unwind(|| {
                    thread::scope(|s| {
                        s.spawn(|| panic!("in the child"));
                    });
                });
                assert_eq!(text(scope.unwrap_err()), "a scoped thread panicked");
            });
            panic!("first");
        });
        assert_eq!(text(first.unwrap_err()), "first");
    });
}

/// The frames of a thread that panicked are unwound before `join` returns.
#[test]
fn unwinding_is_over_when_join_returns() {
    run(|| {
        for _ in 0..100 {
            let unwound = AtomicUsize::new(0);
            thread::scope(|s| {
                let handle = s.spawn(|| {
                    let _deferred = Defer(|| {
                        thread::yield_now();
                        unwound.fetch_add(1, Ordering::Relaxed);
                    });
                    panic!("on purpose");
                });
                assert!(handle.join().is_err());
                assert_eq!(unwound.load(Ordering::Relaxed), 1);
            });
        }
    });
}

/// Go prints both panics and dies. Rust aborts where a destructor panics while unwinding, on a green thread as on any.
#[test]
fn a_panic_that_leaves_a_destructor_aborts() {
    let finished = Finished::of(program(env!("CARGO_BIN_EXE_scenario")).arg("double-panic"));
    finished.dies_of(libc::SIGABRT).says("first of two").says("second of two");
}
