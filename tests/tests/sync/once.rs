//! `Once`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::channel;
use sward::sync::Once;
use sward::thread;
use sward_tests::{Watchdog, run, run_on};

/// Go's TestOnce, std's stampede_once: many come at once, one runs it, and all see it done.
#[test]
fn many_come_and_one_runs_it() {
    for procs in [1, 2] {
        run_on(procs, || {
            for _ in 0..50 {
                let (once, runs) = (Once::new(), AtomicUsize::new(0));
                thread::scope(|s| {
                    for _ in 0..10 {
                        s.spawn(|| {
                            once.call_once(|| {
                                thread::yield_now();
                                runs.fetch_add(1, Ordering::Relaxed);
                            });
                            assert_eq!(runs.load(Ordering::Relaxed), 1);
                        });
                    }
                });
                assert!(once.is_completed());
            }
        });
    }
}

#[test]
fn os_threads_and_green_threads_wait_for_each_other() {
    let _watchdog = Watchdog::start();
    for _ in 0..50 {
        let (once, runs) = (Once::new(), AtomicUsize::new(0));
        let call = || {
            once.call_once(|| {
                thread::yield_now();
                runs.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(runs.load(Ordering::Relaxed), 1);
        };
        std::thread::scope(|s| {
            s.spawn(call);
            s.spawn(call);
            sward::run(|| {
                thread::scope(|s| (0..4).for_each(|_| drop(s.spawn(call))));
            });
        });
    }
}

/// Go's TestOncePanic, which is std's poison_bad: there it counts as done, here it is poisoned.
#[test]
fn a_panic_poisons() {
    run(|| {
        let once = Once::new();
        for expected in ["on purpose", "Once instance has previously been poisoned"] {
            let payload = catch_unwind(AssertUnwindSafe(|| once.call_once(|| panic!("on purpose")))).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&expected));
            assert!(!once.is_completed());
        }
        let mut called = false;
        once.call_once_force(|state| {
            called = true;
            assert!(state.is_poisoned());
        });
        assert!(called && once.is_completed());
        once.call_once(|| unreachable!());
        once.call_once_force(|_| unreachable!());
        Once::new().call_once_force(|state| assert!(!state.is_poisoned()));
    });
}

/// std's wait_for_force_to_finish, and those who wait for a run that panics.
#[test]
fn waiters_see_how_the_run_ends() {
    run_on(1, || {
        let once = Once::new();
        let (go, wait) = channel::bounded(0);
        thread::scope(|s| {
            let runs = s.spawn(|| {
                once.call_once(|| {
                    wait.recv().unwrap();
                    wait.recv().unwrap();
                })
            });
            go.send(()).unwrap();
            let panics = s.spawn(|| once.call_once(|| unreachable!()));
            let forces = s.spawn(|| {
                let mut called = false;
                once.call_once_force(|state| called = state.is_poisoned());
                called
            });
            (0..10).for_each(|_| thread::yield_now());
            assert!(!panics.is_finished() && !forces.is_finished());
            drop(go);
            assert!(runs.join().is_err());
            // It finds it poisoned, or, if the other one is faster, done.
            let _ = panics.join();
            assert!(forces.join().unwrap());
        });
        assert!(once.is_completed());
    });
}

/// std's tests of `wait` and `wait_force`.
#[test]
fn waiting_runs_nothing() {
    run_on(1, || {
        let once = Once::new();
        thread::scope(|s| {
            let waits = s.spawn(|| once.wait());
            let forces = s.spawn(|| once.wait_force());
            (0..10).for_each(|_| thread::yield_now());
            assert!(!waits.is_finished() && !forces.is_finished());
            let _ = catch_unwind(AssertUnwindSafe(|| once.call_once(|| panic!("on purpose"))));
            assert!(waits.join().is_err());
            assert!(!forces.is_finished());
            assert!(catch_unwind(AssertUnwindSafe(|| once.wait())).is_err());
            once.call_once_force(|_| {});
            forces.join().unwrap();
            once.wait();
            once.wait_force();
        });
    });
}

#[test]
fn who_calls_it_from_within_is_told_so() {
    let calls = || {
        let once = Once::new();
        let payload =
            catch_unwind(AssertUnwindSafe(|| once.call_once(|| once.call_once(|| unreachable!())))).unwrap_err();
        let message = *payload.downcast::<String>().unwrap();
        assert!(message.ends_with(" waits for an initialization that it is in the middle of"), "{message}");
        once.call_once_force(|state| assert!(state.is_poisoned()));
    };
    run(calls);
    calls();
}
