//! A test in a process of its own: the detector is switched on when the runtime starts, counts for the whole process, and prints to its standard error.

use std::env;

use sward_tests::{Finished, Watchdog, program};

/// Names the test that is to run in this process.
const ALONE: &str = "SWARD_TESTS_ALONE";

/// Runs `test`, the test of this name, in another process, which must succeed. Passes on what it prints, but for the race reports.
#[track_caller]
pub fn run(name: &str, test: impl FnOnce()) {
    if let Some(finished) = finished(name, test) {
        println!("{}", finished.stdout);
        finished.exits_with(0);
    }
}

/// Runs `test`, the test of this name, in another process, and returns how that ended; `None` in that process.
#[track_caller]
pub fn finished(name: &str, test: impl FnOnce()) -> Option<Finished> {
    if env::var(ALONE).is_ok_and(|alone| alone == name) {
        let _watchdog = Watchdog::start();
        test();
        return None;
    }
    let this = env::current_exe().expect("Linux knows the program");
    Some(Finished::of(program(this).args([name, "--exact", "--nocapture"]).env(ALONE, name)))
}
