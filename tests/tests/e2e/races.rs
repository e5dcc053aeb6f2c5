//! The race detector, as the command has it: `sward run race-demo`, and other samples with `SWARD_DEBUG=race=1`.

use sward_tests::Finished;

use crate::command::{run, sward};

#[test]
fn a_race_is_reported_whatever_the_outcome() {
    for procs in [1, 2, 8] {
        let finished = run(&format!("run race-demo --procs {procs}")).exits_with(1);
        assert!(finished.stdout.starts_with("two green threads counted 1000 each, and came to "), "{finished}");
        let reports = finished.stderr.matches("WARNING: DATA RACE\n").count();
        // One thread's reads with the other's writes, and the writes of both.
        assert_eq!(reports, 2, "{finished}");
        assert!(finished.stderr.ends_with("\nsward: 2 data races were reported\n"), "{finished}");
        for said in
            ["samples/race_demo.rs:", "Previous write of 8 bytes at 0x", " was spawned at ", " is on the stack of "]
        {
            assert!(finished.stderr.contains(said), "{said:?} is not said; {finished}");
        }
    }
}

#[test]
fn a_lock_leaves_no_race() {
    for procs in [1, 2, 8] {
        let finished = run(&format!("run race-demo --fixed --procs {procs}")).exits_with(0);
        assert_eq!(finished.stdout, "two green threads counted 1000 each, and came to 2000\n");
        assert_eq!(finished.stderr, "");
    }
}

/// No sample has a race but the one that is about that.
#[test]
fn other_samples_have_no_race() {
    for line in [
        "run sieve 100",
        "run skynet 1000",
        "run philosophers --meals 100",
        "run usleep --threads 10 --times 3",
        "run ffi-sqlite --threads 10 --rows 10",
        "run ffi-zlib",
        "bench mutex --n 100",
    ] {
        let finished = Finished::of(sward(line).env("SWARD_DEBUG", "race=1")).exits_with(0);
        assert!(!finished.stderr.contains("RACE"), "{finished}");
    }
}
