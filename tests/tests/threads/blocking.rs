//! `unblock`: code that blocks its OS thread holds no other green thread up.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sward::thread;
use sward_tests::{run, run_on, yield_until};

#[test]
fn it_returns_the_value_and_may_borrow() {
    run(|| {
        let words = [String::from("a"), String::from("b")];
        assert_eq!(sward::unblock(|| words.len()), 2);
        assert_eq!(sward::unblock(|| [7u8; 5000])[4999], 7);
    });
}

/// More blocking calls at once than there are Ps; none returns before all have been made.
#[test]
fn many_block_at_once() {
    run(|| {
        let barrier = Barrier::new(40);
        thread::scope(|s| {
            for _ in 0..40 {
                s.spawn(|| sward::unblock(|| barrier.wait()));
            }
        });
    });
}

/// On one P, others run while one blocks: it waits for what they do.
#[test]
fn others_go_on_meanwhile() {
    run_on(1, || {
        let turns = AtomicUsize::new(0);
        thread::scope(|s| {
            s.spawn(|| {
                for _ in 0..50 {
                    thread::yield_now();
                    turns.fetch_add(1, Ordering::AcqRel);
                }
            });
            sward::unblock(|| {
                while turns.load(Ordering::Acquire) < 50 {
                    std::thread::yield_now();
                }
            });
        });
    });
}

#[test]
fn short_calls_in_a_row() {
    run(|| {
        let count = AtomicUsize::new(0);
        thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| {
                    for n in 0..2000 {
                        sward::unblock(|| count.fetch_add(1, Ordering::Relaxed));
                        if n % 16 == 0 {
                            thread::yield_now();
                        }
                    }
                });
            }
        });
        assert_eq!(count.into_inner(), 16_000);
    });
}

/// Inside, it is an OS thread that runs.
#[test]
fn it_nests_and_the_runtime_can_be_used_inside() {
    run(|| {
        let nested = sward::unblock(|| {
            let sum: i32 = sward::unblock(|| thread::spawn(|| 20).join().unwrap());
            sum + sward::run(|| thread::spawn(|| 22).join().unwrap())
        });
        assert_eq!(nested, 42);
    });
}

#[test]
fn a_panic_inside_comes_out() {
    run(|| {
        for _ in 0..20 {
            let payload = panic::catch_unwind(|| sward::unblock(|| panic!("inside"))).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"inside"));
            assert!(!thread::panicking());
            thread::yield_now();
            assert!(!thread::panicking());
        }
        let payload = thread::spawn(|| sward::unblock(|| panic!("inside"))).join().unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"inside"));
    });
}

/// The P has been taken meanwhile, so what is dropped while unwinding has to wait for one.
#[test]
fn a_panic_inside_meets_waits_while_it_unwinds() {
    struct Waits;
    impl Drop for Waits {
        fn drop(&mut self) {
            thread::spawn(|| ()).join().unwrap();
            assert!(thread::panicking());
        }
    }
    run_on(1, || {
        let (turns, done) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|s| {
            s.spawn(|| {
                let caught = panic::catch_unwind(AssertUnwindSafe(|| {
                    let _waits = Waits;
                    sward::unblock(|| {
                        let before = turns.load(Ordering::Acquire);
                        while turns.load(Ordering::Acquire) < before + 10 {
                            std::thread::yield_now();
                        }
                        panic!("inside");
                    });
                }));
                done.store(true, Ordering::Release);
                assert!(caught.is_err() && !thread::panicking());
            });
            s.spawn(|| {
                yield_until(|| {
                    turns.fetch_add(1, Ordering::AcqRel);
                    done.load(Ordering::Acquire)
                });
            });
        });
    });
}

#[test]
fn on_an_os_thread_it_only_calls() {
    let id = std::thread::current().id();
    assert_eq!(sward::unblock(|| std::thread::current().id()), id);
    assert!(panic::catch_unwind(|| sward::unblock(|| panic!("outside"))).is_err());
}
