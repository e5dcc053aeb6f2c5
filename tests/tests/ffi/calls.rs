//! Calls out of green threads.

use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sward::ffi;
use sward::thread::{self, lock_os_thread};
use sward_tests::{os_thread, run, run_on, yield_until};

use crate::PROCS;

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().expect("of the system")
}

fn set_errno(errno: i32) {
    // SAFETY: the thread's own.
    unsafe { *libc::__errno_location() = errno };
}

/// Go's Test1560, of calls: they run at the same time, on one P too.
#[test]
fn calls_run_in_parallel() {
    for procs in PROCS {
        run_on(procs, || {
            let together = Barrier::new(10);
            thread::scope(|s| {
                for _ in 0..10 {
                    s.spawn(|| ffi::call(|| together.wait()));
                }
            });
        });
    }
}

/// Of the caller's choice, not of the OS thread that it comes back on. It is back on another one in some of the rounds.
#[test]
fn errno_goes_with_the_caller() {
    run_on(1, || {
        let (turns, moved) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|s| {
            for number in [libc::EXDEV, libc::EDOM] {
                let (turns, moved) = (&turns, &moved);
                s.spawn(move || {
                    while !moved.load(Ordering::Acquire) {
                        let before = os_thread();
                        ffi::call(|| {
                            set_errno(number);
                            let from = turns.load(Ordering::Acquire);
                            // Long enough for the P to be taken.
                            while turns.load(Ordering::Acquire) < from + 3 && !moved.load(Ordering::Acquire) {
                                set_errno(number);
                                std::thread::yield_now();
                            }
                            set_errno(number);
                        });
                        assert_eq!(errno(), number);
                        if os_thread() != before {
                            moved.store(true, Ordering::Release);
                        }
                        // What others find here.
                        set_errno(libc::EBUSY);
                    }
                });
            }
            s.spawn(|| {
                yield_until(|| {
                    turns.fetch_add(1, Ordering::AcqRel);
                    moved.load(Ordering::Acquire)
                });
            });
        });
    });
}

#[test]
fn errno_of_a_quick_call() {
    run(|| {
        // SAFETY: closes what is no descriptor.
        let closed = ffi::quick(|| unsafe { libc::close(-1) });
        assert_eq!((closed, errno()), (-1, libc::EBADF));
    });
}

/// There is room for what C puts on its stack: far more than a green one has.
#[test]
fn c_has_a_large_stack() {
    #[inline(never)]
    fn dive(depth: usize) -> usize {
        let frame = black_box([depth; 8 << 10]);
        if depth == 0 { frame[1] } else { dive(depth - 1) + frame[depth] - depth }
    }
    run(|| {
        assert_eq!(ffi::call(|| dive(60)), 0);
        assert_eq!(ffi::quick(|| dive(60)), 0);
        assert_eq!(crate::through_c(|| ffi::call(|| dive(40))), 0);
    });
}

#[test]
fn a_quick_call_borrows_returns_and_panics() {
    run(|| {
        let words = [String::from("a"), String::from("b")];
        assert_eq!(ffi::quick(|| words.len()), 2);
        assert_eq!(ffi::quick(|| ffi::call(|| ffi::quick(|| words.len()))), 2);
        assert_eq!(ffi::call(|| ffi::quick(|| ffi::call(|| words.len()))), 2);
        let payload = panic::catch_unwind(AssertUnwindSafe(|| ffi::quick(|| panic!("inside")))).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"inside"));
        thread::yield_now();
        assert!(!thread::panicking());
    });
}

/// A quick call stays where it is, whatever time has passed; so does its caller.
#[test]
fn a_quick_call_keeps_its_os_thread() {
    run(|| {
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..100 {
                        let (before, inside) = ffi::quick(|| (os_thread(), os_thread()));
                        assert_eq!(before, inside);
                        thread::yield_now();
                    }
                });
            }
        });
    });
}

/// Go's TestThreadLock: what C keeps by thread is there in the next call.
#[test]
fn a_locked_thread_calls_from_one_os_thread() {
    for procs in PROCS {
        run_on(procs, || {
            thread::scope(|s| {
                for _ in 0..4 {
                    s.spawn(|| {
                        let _locked = lock_os_thread();
                        let home = ffi::call(os_thread);
                        for _ in 0..20 {
                            thread::yield_now();
                            assert_eq!((ffi::call(os_thread), ffi::quick(os_thread)), (home, home));
                        }
                    });
                }
            });
        });
    }
}
