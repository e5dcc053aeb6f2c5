//! Where output goes: what happens when nobody reads it, and what only a terminal gets.

use std::fs;
use std::process::Command;

use sward_tests::Finished;
use tempfile::TempDir;

use crate::command::{has, in_shell, sward};
use crate::tree::{self, reference};

/// Runs it with a standard output that nobody reads, and never will.
const UNREAD: &str = r#"mkfifo unread; exec 3<>unread 4>unread 3>&-; exec "$@" >&4 4>&-"#;

/// Commands that print something. They run in a directory with a tree.
const PRINTING: [&str; 8] = [
    "list",
    "run sieve 10",
    "run wc tree",
    "run digest tree",
    "run philosophers",
    "run hog --ticks 5",
    "run mandelbrot --size 10",
    "bench yield1 --n 10",
];

/// Runs a command in a line of shell, in a directory with a tree.
#[track_caller]
fn run_in_shell(line: &str, command: &str) -> Finished {
    let root = tree::plant();
    Finished::of(in_shell(line, &sward(command)).current_dir(root.path()))
}

#[test]
fn output_that_nobody_reads_is_no_failure() {
    for command in PRINTING {
        let finished = run_in_shell(UNREAD, command).exits_with(0);
        assert_eq!(finished.stderr, "", "{command}");
    }
}

#[test]
fn output_cut_short_is_no_failure() {
    for command in PRINTING {
        let finished = run_in_shell(r#"{ "$@"; echo "exit code $?" >&2; } | head -n 1"#, command).exits_with(0);
        assert_eq!(finished.stderr, "exit code 0\n", "{command}");
        assert_eq!(finished.stdout.lines().count(), 1, "{command}");
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    for command in PRINTING {
        let finished = run_in_shell(r#"exec "$@" >/dev/full"#, command).exits_with(1);
        let (_, said) = finished.stderr.split_once(": ").expect("who says it");
        assert_eq!(said, "standard output: No space left on device (os error 28)\n", "{command}");
    }
}

#[test]
fn reports_that_nobody_reads_change_no_exit_code() {
    for (command, code) in [
        ("run wc /missing", 1),
        ("run pingpong 10", 0),
        ("run sieve 0", 2),
        ("bench all --n 5", 2),
        ("bench chanbuf --n 6", 2),
    ] {
        run_in_shell(&UNREAD.replace(">&4", "2>&4"), command).exits_with(code);
        run_in_shell(r#"exec "$@" 2>/dev/full"#, command).exits_with(code);
    }
}

/// Without a terminal, there is neither colour nor a bar that is drawn over and over, whatever is said of colours.
#[test]
fn nothing_but_a_terminal_gets_colours_or_bars() {
    let root = big_files();
    let quiet = ["--help", "run --help", "run wc --help", "bench --help", "run digest .", "run wc .", "run sieve 20"];
    let failing = ["run", "nonsense", "run sieve 0", "run overflow", "run wc /missing", "run panic", "bench nonsense"];
    for line in quiet.into_iter().chain(failing).chain(["list", "run pingpong 20000", "bench yield1 --n 10"]) {
        for no_colour in [None, Some("1")] {
            let mut command = sward(line);
            command.current_dir(root.path()).env("TERM", "xterm-256color").env_remove("NO_COLOR");
            command.envs(no_colour.map(|value| ("NO_COLOR", value)));
            let finished = Finished::of(&mut command);
            let plain = |text: &str| !text.contains(['\x1b', '\r', '█']);
            assert!(plain(&finished.stdout) && plain(&finished.stderr), "{line}; {:?}", finished);
        }
    }
}

/// A directory with enough in it for a progress bar to move.
fn big_files() -> TempDir {
    let root = tempfile::tempdir().expect("a directory for the test");
    let files = root.path().join("files");
    fs::create_dir(&files).expect("a directory");
    for name in ["a", "b", "c"] {
        fs::write(files.join(name), vec![b'x'; 4 << 20]).expect("a file");
    }
    root
}

/// Runs a command, of words without spaces, whose standard error is a terminal, and returns what comes there as standard
/// output. Its own standard output goes to the file `out`.
#[track_caller]
fn run_on_a_terminal(command: &Command) -> Finished {
    let mut shell = in_shell(r#"exec script --quiet --return --command "$* >out" /dev/null"#, command);
    Finished::of(shell.env("TERM", "xterm").env_remove("NO_COLOR"))
}

#[test]
fn a_terminal_gets_a_progress_bar() {
    if !has("script") {
        return;
    }
    let root = big_files();
    let shown = run_on_a_terminal(sward("run digest files").current_dir(root.path())).exits_with(0);
    assert!(shown.stdout.contains('█'), "no bar; {shown:?}");
    assert!(shown.stdout.contains(" of 12.00 MiB, "), "no figures; {shown:?}");
    assert!(shown.stdout.ends_with("\r\x1b[2K"), "the bar is still there at the end; {shown:?}");
    let digests = fs::read_to_string(root.path().join("out")).expect("the digests");
    assert_eq!(digests, reference(root.path(), "sha256sum files/*").stdout);
}
