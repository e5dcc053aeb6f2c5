//! `sward run overflow`: the green thread is named, its stack traced, and the process aborted.

use sward_tests::Finished;

use crate::command::{run, sward};
use crate::report::{GreenThread, green_threads};

/// Checks the report of a digger whose stack was this large, and returns the threads in it.
#[track_caller]
fn reported(finished: &Finished, kib: u32) -> Vec<GreenThread> {
    let (_, report) = finished.stderr.split_once("fatal: stack overflow in green thread ").expect("a report");
    let (_, size) = report.split_once(" \"digger\": its stack of ").expect("the thread's name");
    assert!(size.starts_with(&format!("{kib} KiB is used up\nspawned at ")), "{finished}");
    assert!(size.contains("samples/overflow.rs:"), "{finished}");
    let threads = green_threads(finished);
    assert_eq!(threads[0].name.as_deref(), Some("digger"), "{finished}");
    assert_eq!(threads[0].state, "running, stack overflow", "{finished}");
    threads
}

#[test]
fn it_is_reported_with_both_ends_of_the_traceback() {
    for (settings, kib) in [
        ("--procs 1", 256),
        ("--procs 2 --stack-size 64K", 64),
        ("--procs 8 --stack-size 16K", 16),
        ("--procs 2 --stack-size 1M", 1024),
    ] {
        let finished = run(&format!("run overflow {settings}")).dies_of(libc::SIGABRT);
        assert_eq!(finished.stdout, "");
        let [digger] = &reported(&finished, kib)[..] else { panic!("one thread; {finished}") };
        digger.is_traced_to("sward::samples::overflow::dig");
        let end = digger.functions.last().expect("a function");
        assert!(end.starts_with("sward::samples::overflow::run::{{closure}}"), "the thread's beginning; {finished}");
        assert!(digger.functions.len() < 50, "{} frames are too many to read", digger.functions.len());
        assert!(left_out(&finished) > 0, "{finished}");
    }
}

/// How many frames the report says are left out.
#[track_caller]
fn left_out(finished: &Finished) -> u64 {
    let line = finished.stderr.lines().find_map(|line| line.trim().strip_prefix("... "));
    let number = line.and_then(|line| line.strip_suffix(" frames left out ..."));
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no line of elision; {finished}"))
}

#[test]
fn a_larger_stack_takes_more_calls() {
    let [small, large] =
        ["64K", "256K"].map(|size| left_out(&run(&format!("run overflow --stack-size {size}")).dies_of(libc::SIGABRT)));
    assert!(large > 2 * small, "{small} and {large}");
}

#[test]
fn every_thread_is_reported_if_that_is_wanted() {
    let finished = Finished::of(sward("run overflow").env("SWARD_BACKTRACE", "all")).dies_of(libc::SIGABRT);
    let threads = reported(&finished, 256);
    let main = threads.iter().find(|thread| thread.name.as_deref() == Some("main")).expect("main is there");
    assert_eq!(main.state, "join", "{finished}");
    main.comes_from("cli.rs").is_traced_to("sward::samples::overflow::run");
}
