//! `sward run deadlock`: exit code 2, and a report of who waits for what.

use sward_tests::{Finished, is_emulated};

use crate::command::{in_shell, run, sward};
use crate::report::{GreenThread, green_threads};

/// What the report begins with.
const FATAL: &str = "fatal: all green threads are asleep - deadlock!\n";

/// Whether a deadlock can be noticed: the detector counts threads, and an emulator has some of its own.
fn can_be_noticed() -> bool {
    if is_emulated() {
        eprintln!("skipped: under an emulator no deadlock is certain");
    }
    !is_emulated()
}

/// The threads of the report, by their names.
#[track_caller]
fn reported(finished: &Finished) -> [GreenThread; 3] {
    let threads: [_; 3] = green_threads(finished).try_into().unwrap_or_else(|_| panic!("three threads; {finished}"));
    let names = [0, 1, 2].map(|index: usize| threads[index].name.as_deref());
    assert_eq!(names, [Some("main"), Some("left"), Some("right")], "{finished}");
    threads
}

#[test]
fn it_is_noticed_and_everybody_reported() {
    if !can_be_noticed() {
        return;
    }
    for settings in ["--procs 1", "--procs 2", "--procs 8", "--procs 2 --stack-size 16K"] {
        let finished = run(&format!("run deadlock {settings}")).exits_with(2);
        assert!(finished.stderr.starts_with(FATAL), "{finished}");
        assert_eq!(finished.stdout, "");

        let [main, left, right] = reported(&finished);
        assert_eq!(main.state, "join", "{finished}");
        main.comes_from("cli.rs").is_traced_to("sward::samples::deadlock::run");
        for speaker in [left, right] {
            assert_eq!(speaker.state, "chan receive", "{finished}");
            speaker.comes_from("samples/deadlock.rs").is_traced_to("sward::samples::deadlock::start::{{closure}}");
        }
    }
}

#[test]
fn the_system_backtrace_has_the_runtimes_frames_and_its_ps_and_ms() {
    if !can_be_noticed() {
        return;
    }
    let finished = Finished::of(sward("run deadlock --procs 3").env("SWARD_BACKTRACE", "system")).exits_with(2);
    assert!(finished.stderr.starts_with(FATAL), "{finished}");
    for thread in reported(&finished) {
        thread.comes_from(".rs");
        assert!(thread.innards().iter().any(|name| name.starts_with("sward_sched::park::")), "{thread}");
    }
    let details = |kind: char| {
        let of_kind = |line: &&str| line.strip_prefix("  ").is_some_and(|line| line.starts_with(kind));
        finished.stderr.lines().filter(of_kind).map(|line| line.trim_start().to_owned()).collect::<Vec<_>>()
    };
    for (id, line) in details('P').iter().enumerate() {
        assert!(line.starts_with(&format!("P{id}: Idle ")), "{line}");
    }
    assert_eq!(details('P').len(), 3, "{finished}");
    assert!(!details('M').is_empty(), "{finished}");
    assert!(
        details('M').iter().all(|line| line.contains(" tid=") && line.ends_with("thread=none locked=none")),
        "{finished}"
    );
}

#[test]
fn a_report_that_cannot_be_written_changes_no_exit_code() {
    if can_be_noticed() {
        Finished::of(&mut in_shell(r#"exec "$@" 2>/dev/full"#, &sward("run deadlock"))).exits_with(2);
    }
}
