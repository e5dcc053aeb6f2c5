//! SIGQUIT: a dump of every green thread, and exit code 2.

use std::fs::OpenOptions;
use std::process::Command;

use sward_tests::{Finished, Watchdog};

use crate::command::{Running, sward};
use crate::report::{GreenThread, green_threads};

/// The threads of the dump.
#[track_caller]
fn dumped(finished: Finished) -> Vec<GreenThread> {
    let finished = finished.exits_with(2).says("SIGQUIT: quit\n\ngreen thread 1 \"main\" [");
    green_threads(&finished)
}

/// Lets a sample run until its trace says that it has so many green threads, then dumps them.
#[track_caller]
fn dump_of(line: &str, threads: usize) -> Vec<GreenThread> {
    let mut running = Running::start(sward(line).args(["--schedtrace", "1"]));
    running.wait_for_line(|line| line.contains(&format!(" greenthreads={threads} ")));
    let dumped = dumped(running.quit());
    assert_eq!(dumped.len(), threads, "{dumped:#?}");
    dumped
}

#[test]
fn everybody_in_a_ring_is_dumped() {
    for procs in [1, 2, 8] {
        let threads = dump_of(&format!("run ring --nodes 5 --hops 1000000000000 --procs {procs}"), 6);
        let (main, nodes) = threads.split_first().expect("main is the first");
        main.comes_from("cli.rs");
        is_in_a_channel(main, "sward::samples::ring::run");
        for node in nodes {
            node.comes_from("samples/ring.rs");
            is_in_a_channel(node, "sward::samples::ring::pass_on");
        }
    }
}

/// Checks that a thread which does nothing but send and receive does that, and if it waits, in this function.
#[track_caller]
fn is_in_a_channel(thread: &GreenThread, function: &str) {
    match &*thread.state {
        "chan receive" | "chan send" => {
            thread.is_traced_to(function);
        }
        // What runs, or is about to, can't be traced.
        "runnable" | "runnable, not begun" | "running" => {}
        state => panic!("it is {state}: {thread}"),
    }
}

#[test]
fn hogs_do_not_hold_up_a_dump() {
    for procs in [1, 2, 8] {
        let threads = dump_of(&format!("run hog --ticks 10000000 --hogs 3 --procs {procs}"), 4);
        let (main, hogs) = threads.split_first().expect("main is the first");
        // Where it takes long, main is one, too.
        assert!(["sleep", "runnable", "running", "running without a P"].contains(&&*main.state), "{main}");
        main.comes_from("cli.rs");
        for hog in hogs {
            hog.comes_from("samples/hog.rs");
            let states = ["running", "running without a P", "runnable", "runnable, not begun"];
            assert!(states.contains(&&*hog.state), "{hog}");
        }
    }
}

#[test]
fn a_thread_in_a_blocking_call_is_traced() {
    // A sample that doesn't open the pipe leaves this test waiting at its other end.
    let _watchdog = Watchdog::start();
    let root = tempfile::tempdir().expect("a directory for the test");
    let pipe = root.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let running = Running::start(sward("run wc").arg(&pipe));
    // Opening comes to an end when the sample opens the other end. Nothing is written: it then waits in `read`.
    let _writer = OpenOptions::new().write(true).open(&pipe).expect("a pipe");
    let threads = dumped(running.quit());
    let readers: Vec<_> = threads.iter().filter(|thread| thread.spawned_at.contains("tree.rs:")).collect();
    assert!(!readers.is_empty(), "{threads:#?}");
    for reader in readers {
        match &*reader.state {
            "blocking call" => {
                reader.is_traced_to("sward::tree::each_chunk");
            }
            // It is on its way from `open` to `read`.
            "running" | "running without a P" | "runnable" => {}
            state => panic!("it is {state}: {reader}"),
        }
    }
    let main = threads.iter().find(|thread| thread.name.as_deref() == Some("main")).expect("main is there");
    main.comes_from("cli.rs");
}
