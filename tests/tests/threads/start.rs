//! Starting: `run` and `spawn` from anywhere but where they make no sense.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::thread;
use sward_tests::{Watchdog, run};

#[test]
fn run_returns_the_value_and_may_borrow() {
    let word = String::from("borrowed");
    assert_eq!(run(|| word.len()), 8);
}

#[test]
fn run_from_many_os_threads_at_once() {
    let _watchdog = Watchdog::start();
    let sum = AtomicUsize::new(0);
    std::thread::scope(|s| {
        for n in 0..16 {
            let sum = &sum;
            s.spawn(move || {
                for _ in 0..50 {
                    let doubled = sward::run(|| thread::spawn(move || 2 * n).join().unwrap());
                    sum.fetch_add(doubled, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(sum.into_inner(), 2 * 120 * 50);
}

#[test]
fn run_on_a_green_thread_panics_and_says_so() {
    run(|| {
        for call in [|| sward::run(|| ()), || sward::Config::new().run(|| ())] {
            let payload = panic::catch_unwind(AssertUnwindSafe(call)).unwrap_err();
            let message = payload.downcast_ref::<String>().expect("a formatted message");
            assert!(message.contains("was called on green thread"), "{message}");
        }
    });
}

#[test]
fn spawn_from_os_threads() {
    let _watchdog = Watchdog::start();
    std::thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| {
                let threads: Vec<_> = (0..200).map(|n| thread::spawn(move || n)).collect();
                let sum: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
                assert_eq!(sum, 199 * 100);
            });
        }
    });
}

/// The macro's form: a body on a green thread.
#[sward::test]
fn the_attribute_runs_the_body_on_a_green_thread() {
    assert_eq!(thread::current().name(), Some("main"));
    assert!(panic::catch_unwind(|| sward::run(|| ())).is_err());
}

#[sward::test]
#[should_panic(expected = "through the attribute")]
fn the_attribute_passes_panics_on() {
    thread::yield_now();
    panic!("through the attribute");
}

#[sward::test]
fn the_attribute_passes_errors_on() -> Result<(), std::num::ParseIntError> {
    let number: u32 = thread::spawn(|| "42").join().unwrap().parse()?;
    assert_eq!(number, 42);
    Ok(())
}
