//! The command runs on sward's heap: a soak of it under each kind of checks, and the table of figures.

use std::collections::HashMap;

use sward_tests::Finished;

use crate::command::{run, sward};

/// The figures of the table that `--heapstats` prints: each in hundredths of a MiB.
fn table(finished: &Finished) -> HashMap<&str, i64> {
    let figures = finished.stderr.lines().filter_map(|line| {
        let (figure, _) = line.split_once(" MiB  ")?;
        let (name, size) = figure.rsplit_once(' ')?;
        Some((name.trim(), size.replace('.', "").parse().ok()?))
    });
    figures.collect()
}

/// Checks that the table is there, and adds up.
#[track_caller]
fn has_table(finished: &Finished) {
    let figures = table(finished);
    let figure = |name| figures.get(name).copied().unwrap_or_else(|| panic!("no {name:?}; {finished}"));
    let parts = ["in use", "cached", "idle", "free", "released"].map(figure).iter().sum::<i64>();
    assert!((parts - figure("committed")).abs() <= 3, "{parts} is not all; {finished}");
    assert!(
        figure("in use") > 0 && figure("committed") <= figure("reserved") && figure("persistent") > 0,
        "{finished}"
    );
    assert!(finished.stderr.lines().any(|line| line.trim_start().starts_with("class ")), "no classes; {finished}");
}

/// Checks a soak: what it says in the end, and each second.
#[track_caller]
fn check_soak(finished: Finished) {
    let finished = finished.exits_with(0).says(" 1 s: in use ").does_not_say("wrong");
    let totals = finished.stdout.trim_end().split(", ").map(|total| {
        let (name, number) = total.split_once(": ").unwrap_or_else(|| panic!("no total: {finished}"));
        (name, number.parse::<u64>().expect("a number"))
    });
    let totals: HashMap<_, _> = totals.collect();
    assert!(totals["blocks"] > 0 && totals["passed on"] <= totals["blocks"], "{finished}");
    assert_eq!((totals["wrong"], totals["looks at the heap"]), (0, 1), "{finished}");
}

#[test]
fn a_soak_finds_nothing() {
    for procs in [1, 2, 8] {
        check_soak(run(&format!("run soak --for 1s --procs {procs}")));
    }
}

#[test]
fn a_soak_finds_nothing_however_the_heap_checks() {
    for heapcheck in 0..=2 {
        let mut command = sward("run soak --for 1s --procs 4 --stack-size 32K");
        check_soak(Finished::of(command.env("SWARD_DEBUG", format!("heapcheck={heapcheck}"))));
    }
}

#[test]
fn figures_are_printed_when_asked_for() {
    for line in ["run sieve 50 --heapstats", "run --heapstats skynet 1000 --procs 1", "run soak --heapstats --for 1s"] {
        has_table(&run(line).exits_with(0));
    }
    has_table(&run("run wc nowhere --heapstats").exits_with(1).says("nowhere"));
    run("run sieve 50").exits_with(0).does_not_say("committed");
    // The runtime ends the process.
    run("run deadlock --heapstats").exits_with(2).does_not_say("committed");
}

/// The heap itself says so, before anything else has happened.
#[test]
fn a_check_that_there_is_not_is_refused() {
    for value in ["heapcheck=3", "heapcheck=", "schedtrace=1,heapcheck=yes"] {
        for line in ["list", "run sieve 5", "bench yield1 --n 1"] {
            let refused = Finished::of(sward(line).env("SWARD_DEBUG", value)).exits_with(2);
            assert!(refused.stderr.contains("SWARD_DEBUG") && refused.stderr.contains("accepted: 0, 1"), "{refused}");
            assert_eq!((refused.stderr.lines().count(), refused.stdout.as_str()), (1, ""), "{refused}");
        }
    }
}
