//! Tokens: who cancels whom, and who is told.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sward::cancel::{CancelToken, Cancelled};
use sward::{channel, thread};
use sward_tests::{run, yield_until};

#[test]
fn a_parent_cancels_its_children_and_not_the_reverse() {
    let parent = CancelToken::new();
    let (child, other) = (parent.child_token(), parent.child_token());
    let grandchild = child.child_token();
    child.cancel();
    assert!(child.is_cancelled() && grandchild.is_cancelled());
    assert!(!parent.is_cancelled() && !other.is_cancelled());
    parent.cancel();
    assert!(other.is_cancelled() && parent.child_token().is_cancelled(), "one that is made late, too");
}

#[test]
fn clones_are_the_same_token() {
    let token = CancelToken::new();
    let clone = token.clone();
    drop(token);
    let guard = clone.clone().drop_guard();
    assert!(!clone.is_cancelled());
    let again = guard.disarm();
    assert!(!clone.is_cancelled());
    drop(again.drop_guard());
    assert!(clone.is_cancelled());
    assert_eq!(format!("{clone:?}"), "CancelToken { is_cancelled: true, .. }");
    assert_eq!(Cancelled.to_string(), "cancelled");
}

/// The run whose token it was returns; those within are unwound.
#[test]
fn the_outer_token_ends_the_inner_run() {
    run(|| {
        let (outer, inner) = (CancelToken::new(), CancelToken::new());
        let result = outer.run_until_cancelled(|| {
            let unrelated = inner.run_until_cancelled(|| {
                outer.cancel();
                thread::sleep(Duration::MAX);
            });
            unreachable!("{unrelated:?}");
        });
        assert_eq!(result, Err::<(), _>(Cancelled));
        assert!(!inner.is_cancelled());
        // The inner one ends its own, and the outer goes on, and waits.
        let outer = CancelToken::new();
        let result = outer.run_until_cancelled(|| {
            let result = inner.run_until_cancelled(|| {
                inner.cancel();
                thread::park();
            });
            assert_eq!(result, Err(Cancelled));
            thread::sleep(Duration::from_millis(1));
            7
        });
        assert_eq!(result, Ok(7));
        thread::sleep(Duration::from_millis(1));
    });
}

/// Destructors run, and may wait; a panic is not taken for a cancellation.
#[test]
fn unwinding_is_as_of_a_panic() {
    struct Tidy<'a>(&'a AtomicUsize);
    impl Drop for Tidy<'_> {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(1));
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    run(|| {
        let tidied = AtomicUsize::new(0);
        let token = CancelToken::new();
        let result = token.run_until_cancelled(|| {
            let _tidy = Tidy(&tidied);
            token.cancel();
            thread::sleep(Duration::MAX);
        });
        assert_eq!((result, tidied.load(Ordering::Relaxed)), (Err(Cancelled), 1));
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            CancelToken::new().run_until_cancelled(|| panic::resume_unwind(Box::new(3)))
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&3));
    });
}

/// Who stops the unwinding half-way is unwound again at the next wait.
#[test]
fn catching_it_only_delays_it() {
    run(|| {
        let token = CancelToken::new();
        let mut caught = 0;
        let result = token.run_until_cancelled(|| {
            token.cancel();
            for _ in 0..3 {
                caught += usize::from(panic::catch_unwind(|| thread::sleep(Duration::MAX)).is_err());
            }
            thread::park();
        });
        assert_eq!((result, caught), (Err(Cancelled), 3));
    });
}

#[test]
fn threads_that_are_not_in_a_scope_are_on_their_own() {
    run(|| {
        let token = CancelToken::new();
        let (tx, rx) = channel::bounded(0);
        let result = token.run_until_cancelled(|| {
            thread::spawn(move || tx.send(7));
            token.cancel();
            thread::park();
        });
        assert_eq!(result, Err(Cancelled));
        assert_eq!(rx.recv(), Ok(7));
    });
}

#[test]
fn waiting_for_a_cancellation() {
    run(|| {
        let token = CancelToken::new();
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| token.cancelled());
            }
            token.cancel();
        });
        token.cancelled();
    });
    // An OS thread may wait for it too.
    let token = CancelToken::new();
    std::thread::scope(|s| {
        s.spawn(|| token.cancelled());
        token.cancel();
    });
}

/// A message whose send is cancelled is dropped, once.
#[test]
fn messages_are_dropped_with_their_send() {
    struct Message<'a>(&'a AtomicUsize);
    impl Drop for Message<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    run(|| {
        let dropped = AtomicUsize::new(0);
        let (tx, rx) = channel::bounded(0);
        let (token, begun) = (CancelToken::new(), AtomicBool::new(false));
        thread::scope(|s| {
            let send = s.spawn(|| {
                token.run_until_cancelled(|| {
                    let message = Message(&dropped);
                    begun.store(true, Ordering::Release);
                    tx.send(message)
                })
            });
            yield_until(|| begun.load(Ordering::Acquire));
            token.cancel();
            assert!(send.join().unwrap().is_err());
        });
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        assert!(rx.try_recv().is_err());
    });
}

/// Threads of a scope that a token outside of the scope covers: they end, the scope does not.
#[test]
fn a_token_of_threads_is_not_one_of_their_scope() {
    run(|| {
        let token = CancelToken::new();
        let value = thread::scope(|s| {
            let result = token.run_until_cancelled(|| {
                let handle = s.spawn(thread::park);
                token.cancel();
                drop(handle.join());
                unreachable!("the wait for it is cancelled too");
            });
            assert_eq!(result, Err::<(), _>(Cancelled));
            7
        });
        assert_eq!(value, 7);
    });
}

/// A panic is not hidden by a cancellation beside it.
#[test]
fn a_panic_beside_a_cancellation_is_heard() {
    run(|| {
        let token = CancelToken::new();
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            token.run_until_cancelled(|| {
                thread::scope(|s| {
                    s.spawn(|| thread::sleep(Duration::MAX));
                    s.spawn(|| {
                        token.cancel();
                        panic::resume_unwind(Box::new(3));
                    });
                });
            })
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"a scoped thread panicked"));
    });
}

#[test]
fn a_long_chain_of_tokens() {
    run(|| {
        for cancels in [true, false] {
            let first = CancelToken::new();
            let last = (0..20_000).fold(first.clone(), |token, _| token.child_token());
            if cancels {
                first.cancel();
                assert!(last.is_cancelled());
            }
        }
    });
}

/// A thread whose variables are being dropped may run within a token, and wait for it.
#[test]
fn in_the_destructor_of_a_thread_local() {
    struct Late(channel::Sender<bool>);
    impl Drop for Late {
        fn drop(&mut self) {
            let token = CancelToken::new();
            let result = token.run_until_cancelled(|| {
                token.cancel();
                thread::park();
            });
            self.0.send(result == Err(Cancelled)).unwrap();
        }
    }
    sward::thread_local! {
        static LATE: std::cell::OnceCell<Late> = const { std::cell::OnceCell::new() };
    }
    run(|| {
        let (tx, rx) = channel::bounded(1);
        thread::spawn(|| {
            drop(LATE.with(|late| late.set(Late(tx))));
            CancelToken::new().run_until_cancelled(thread::yield_now).unwrap();
        });
        assert_eq!(rx.recv(), Ok(true));
    });
}
