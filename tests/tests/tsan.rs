//! That a build with ThreadSanitizer finds races. In any other there is nothing here.
#![cfg(feature = "tsan")]

use sward_tests::{Finished, program};

/// With the frames of both accesses, who made them, and who spawned those.
#[test]
fn a_race_of_green_threads_on_two_ps_is_reported() {
    let finished = Finished::of(&mut program(env!("CARGO_BIN_EXE_unordered"))).exits_with(66);
    let mut finished = finished.says("WARNING: ThreadSanitizer: data race");
    for part in [
        "unordered::write_one",
        "unordered::write_two",
        "'green thread 2 one'",
        "'green thread 3 two'",
        "unordered::main",
    ] {
        finished = finished.says(part);
    }
}
