//! What reports say of threads that wait in `sward::sync`: for what, and for a lock, who has it.

use sward_tests::{Finished, is_emulated, program};

/// Checks that a scenario is a deadlock, in which the thread "waiter" is reported like this.
#[track_caller]
fn waiter_is(scenario: &str, doing: &str) {
    // An emulator has threads of its own, so there is no verdict.
    if is_emulated() {
        return;
    }
    for procs in ["1", "2"] {
        Finished::of(program(env!("CARGO_BIN_EXE_waits")).arg(scenario).env("SWARD_PROCS", procs))
            .exits_with(2)
            .says("fatal: all green threads are asleep - deadlock!")
            .says(&format!("\"waiter\" [{doing}]:\n"));
    }
}

#[test]
fn a_mutex_is_reported_with_its_holder() {
    waiter_is("mutex", "mutex lock, held by green thread 1 \"main\"");
    waiter_is("mutex-of-an-os-thread", "mutex lock, held by an OS thread");
}

/// Three philosophers, each with one fork: the report shows the ring.
#[test]
fn a_ring_of_mutexes_is_reported() {
    if is_emulated() {
        return;
    }
    let finished = Finished::of(program(env!("CARGO_BIN_EXE_waits")).arg("ring")).exits_with(2);
    let holder_of = |name: &str| {
        let line = finished.stderr.lines().find(|line| line.contains(&format!(" \"{name}\" [mutex lock, held by ")));
        line.unwrap_or_else(|| panic!("{name} is not there; {finished}"))
            .split('"')
            .nth(3)
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(["one", "two", "three"].map(holder_of), ["two", "three", "one"], "{finished}");
}

#[test]
fn an_rw_lock_is_reported_with_the_writer() {
    waiter_is("rwlock-read", "rwlock read, after green thread 1 \"main\"");
    waiter_is("rwlock-write-after-a-writer", "rwlock write, after green thread 1 \"main\"");
    waiter_is("rwlock-write-after-a-reader", "rwlock write");
}

#[test]
fn an_initialization_is_reported_with_who_is_at_it() {
    waiter_is("once", "once, run by green thread 1 \"main\"");
    waiter_is("once-lock", "once, run by green thread 1 \"main\"");
    waiter_is("once-lock-that-nobody-writes", "once");
}

#[test]
fn all_else_is_reported_with_its_reason() {
    waiter_is("condvar", "condvar");
    waiter_is("barrier", "barrier");
    waiter_is("semaphore", "semaphore");
    waiter_is("wait-group", "wait group");
    waiter_is("mpsc", "chan receive");
}

/// Where the panic was, and whose it is.
#[test]
fn a_mutex_that_is_locked_twice_ends_main() {
    let finished = Finished::of(program(env!("CARGO_BIN_EXE_waits")).arg("locked-twice"));
    finished
        .exits_with(101)
        .says("green thread 1 \"main\" locks a mutex that it has locked already")
        .says("panicked at tests/src/bin/waits.rs:");
}
