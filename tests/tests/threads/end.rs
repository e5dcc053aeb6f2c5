//! Panics: they end one thread, and come out of `join`.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sward::thread;
use sward_tests::{Finished, program, run, yield_until};

fn scenario(name: &str) -> Finished {
    Finished::of(program(env!("CARGO_BIN_EXE_scenario")).arg(name))
}

#[test]
fn join_returns_the_payload() {
    run(|| {
        let literal = thread::spawn(|| panic!("plain")).join().unwrap_err();
        assert_eq!(literal.downcast_ref(), Some(&"plain"));
        let number = 7;
        let formatted = thread::spawn(move || panic!("number {number}")).join().unwrap_err();
        assert_eq!(formatted.downcast_ref(), Some(&String::from("number 7")));
        let value = thread::spawn(|| panic::panic_any([1u64; 20])).join().unwrap_err();
        assert_eq!(value.downcast_ref(), Some(&[1u64; 20]));
    });
}

#[test]
fn others_do_not_notice() {
    run(|| {
        let go = Arc::new(AtomicBool::new(false));
        let neighbour = thread::spawn({
            let go = go.clone();
            move || {
                yield_until(|| go.load(Ordering::Acquire));
                thread::panicking()
            }
        });
        for _ in 0..50 {
            thread::spawn(|| panic!("on purpose")).join().unwrap_err();
            assert!(!thread::panicking());
        }
        go.store(true, Ordering::Release);
        assert!(!neighbour.join().unwrap());
    });
}

#[test]
fn a_panic_of_run_comes_out_of_run() {
    let payload = panic::catch_unwind(|| run(|| panic!("through run"))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"through run"));
}

#[test]
fn the_payload_may_be_thrown_on() {
    run(|| {
        let outer = thread::spawn(|| {
            let payload = thread::spawn(|| panic!("from below")).join().unwrap_err();
            panic::resume_unwind(payload)
        });
        let payload: Box<dyn Any + Send> = outer.join().unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"from below"));
    });
}

/// `panicking` tells about the thread, and the OS threads that it passes through do not confuse it.
#[test]
fn panicking_is_the_threads_own_across_waits() {
    struct WaitsInDrop;
    impl Drop for WaitsInDrop {
        fn drop(&mut self) {
            assert!(thread::panicking());
            thread::yield_now();
            thread::spawn(|| assert!(!thread::panicking())).join().unwrap();
            thread::sleep(std::time::Duration::from_micros(100));
            assert!(thread::panicking());
        }
    }
    run(|| {
        let threads: Vec<_> = (0..20)
            .map(|_| {
                thread::spawn(|| {
                    for _ in 0..5 {
                        let caught = panic::catch_unwind(AssertUnwindSafe(|| {
                            let _waits = WaitsInDrop;
                            panic!("on purpose");
                        }));
                        assert!(caught.is_err() && !thread::panicking());
                        thread::yield_now();
                        assert!(!thread::panicking());
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn the_message_names_the_thread() {
    let finished = scenario("panic").exits_with(0);
    finished.says("'baker'").says("burnt").says("<unnamed>").says("nameless");
}

#[test]
fn a_panic_of_main_ends_the_process_as_in_std() {
    scenario("panic-in-main").exits_with(101).says("'main'").says("the end of it");
}

/// std aborts too: nobody is there to take that panic.
#[test]
fn a_detached_result_that_panics_in_its_drop_aborts() {
    scenario("bad-result").dies_of(libc::SIGABRT).says("panicked in its drop");
}
