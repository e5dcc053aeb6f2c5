//! The environment: a malformed value is an error that names the variable, the value and what is accepted.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use sward_tests::Finished;

use crate::command::sward;

/// Values that aren't accepted, and what is said of them.
const MALFORMED: [(&str, &str, &str); 17] = [
    ("SWARD_PROCS", "many", "not a number of processors; accepted: a whole number from 1 to 1024"),
    ("SWARD_PROCS", "0", "there must be at least one processor; accepted: a whole number from 1 to 1024"),
    ("SWARD_PROCS", "99999", "too many processors; accepted: a whole number from 1 to 1024"),
    ("SWARD_PROCS", "-1", "not a number of processors; accepted: a whole number from 1 to 1024"),
    ("SWARD_PROCS", "", "not a number of processors; accepted: a whole number from 1 to 1024"),
    ("SWARD_STACK", "1K", "too small for a stack; accepted: a number of bytes from 16K to 1G"),
    ("SWARD_STACK", "2G", "too large for a stack; accepted: a number of bytes from 16K to 1G"),
    ("SWARD_STACK", "abc", "not a size; accepted: a number of bytes from 16K to 1G"),
    ("SWARD_STACK", "64KB", "not a size; accepted: a number of bytes from 16K to 1G"),
    ("SWARD_BACKTRACE", "x", "not a kind of backtrace; accepted: single, all or system"),
    ("SWARD_BACKTRACE", "", "not a kind of backtrace; accepted: single, all or system"),
    ("SWARD_FFICHECK", "on", "not a level of checks; accepted: 0 (nothing), 1 (arguments"),
    ("SWARD_DEBUG", "foo=1", "unknown name in the list; accepted: a list, separated by commas, of schedtrace=MS"),
    ("SWARD_DEBUG", "schedtrace=x", "schedtrace is not a number of milliseconds; accepted: a list"),
    ("SWARD_DEBUG", "schedtrace=-1", "schedtrace is not a number of milliseconds; accepted: a list"),
    ("SWARD_DEBUG", "schedtrace", "not a list of name=value; accepted: a list"),
    ("SWARD_DEBUG", "schedtrace=1,scheddetail=yes", "scheddetail is neither 0 nor 1; accepted: a list"),
];

/// Checks that the command refuses its environment, in one line that begins like this.
#[track_caller]
fn refuses(finished: Finished, wanted: &str) {
    let finished = finished.exits_with(2);
    assert!(finished.stderr.starts_with(wanted), "{wanted:?} is not said; {finished}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished}");
    assert_eq!(finished.stdout, "");
}

#[test]
fn malformed_values_are_named() {
    for (variable, value, said) in MALFORMED {
        for (line, who) in [("run sieve 5", "sward"), ("bench yield1 --n 1", "sward bench")] {
            let finished = Finished::of(sward(line).env(variable, value));
            refuses(finished, &format!("{who}: {variable}={value}: {said}"));
        }
    }
}

#[test]
fn a_value_that_is_no_text_is_refused() {
    let finished = Finished::of(sward("run sieve 5").env("SWARD_PROCS", OsStr::from_bytes(b"2\xff")));
    refuses(finished, "sward: SWARD_PROCS=2\u{fffd}: not a number of processors; accepted: ");
}

#[test]
fn a_value_cannot_break_the_line() {
    let finished = Finished::of(sward("run sieve 5").env("SWARD_PROCS", "2\n3"));
    refuses(finished, "sward: SWARD_PROCS=2\\n3: not a number of processors; accepted: ");
}

#[test]
fn options_do_not_hide_a_malformed_value() {
    let finished = Finished::of(sward("run sieve 5 --procs 2").env("SWARD_PROCS", "many"));
    refuses(finished, "sward: SWARD_PROCS=many: ");
}

#[test]
fn well_formed_values_are_heeded_and_options_win() {
    for (line, stack, wanted) in [
        ("run overflow", "64K", "its stack of 64 KiB"),
        ("run overflow", "100k", "its stack of 128 KiB"),
        ("run overflow --stack-size 32K", "64K", "its stack of 32 KiB"),
    ] {
        Finished::of(sward(line).env("SWARD_STACK", stack)).dies_of(libc::SIGABRT).says(wanted);
    }
    for (line, procs, last, none) in [
        ("run overflow", "1", "  P0:", "  P1:"),
        ("run overflow", "5", "  P4:", "  P5:"),
        ("run overflow --procs 3", "5", "  P2:", "  P3:"),
    ] {
        let mut command = sward(line);
        let finished = Finished::of(command.env("SWARD_PROCS", procs).env("SWARD_BACKTRACE", "system"));
        finished.dies_of(libc::SIGABRT).says(last).does_not_say(none);
    }
    for (variable, value) in [("SWARD_BACKTRACE", "single"), ("SWARD_BACKTRACE", "all"), ("SWARD_DEBUG", "")] {
        Finished::of(sward("run sieve 5").env(variable, value)).exits_with(0);
    }
}
