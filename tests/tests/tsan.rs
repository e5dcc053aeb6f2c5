//! That a build with ThreadSanitizer finds races. In any other there is nothing here.
#![cfg(feature = "tsan")]

use sward_tests::{Finished, program};

/// With both accesses and both threads.
#[test]
fn a_race_of_green_threads_on_two_ps_is_reported() {
    let finished = Finished::of(&mut program(env!("CARGO_BIN_EXE_unordered"))).exits_with(66);
    let mut finished = finished.says("WARNING: ThreadSanitizer: data race");
    for part in ["write_one", "write_two", "'green thread 2 one'", "'green thread 3 two'"] {
        finished = finished.says(part);
    }
}
