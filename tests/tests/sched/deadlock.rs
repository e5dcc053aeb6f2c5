//! Go's TestSimpleDeadlock and its like: a program in which nobody can go on says so and exits with 2, and no other program does.

use sward_tests::{Finished, is_emulated, program};

const VERDICT: &str = "fatal: all green threads are asleep - deadlock!";

fn scenario(name: &str, procs: &str) -> Finished {
    Finished::of(program(env!("CARGO_BIN_EXE_scenario")).arg(name).env("SWARD_PROCS", procs))
}

/// Checks the verdict, and that it is said after `sign`.
fn is_a_deadlock_after(name: &str, sign: &str) {
    // An emulator has threads of its own.
    if is_emulated() {
        return;
    }
    for procs in ["1", "2", "4"] {
        scenario(name, procs).exits_with(2).says(sign).says(VERDICT).says("\"main\"");
    }
}

fn is_a_deadlock(name: &str) {
    is_a_deadlock_after(name, "");
}

fn is_no_deadlock(name: &str) {
    for procs in ["1", "2", "4"] {
        scenario(name, procs).exits_with(0).does_not_say(VERDICT);
    }
}

/// Go's TestSimpleDeadlock.
#[test]
fn main_waits_for_ever() {
    is_a_deadlock("park-for-ever");
}

/// The dump says who waits for what, and where it was spawned.
#[test]
fn the_report_names_threads_reasons_and_sites() {
    is_a_deadlock_after("park-for-ever", "\"main\" [park]:");
    is_a_deadlock_after("park-for-ever", "spawned at tests/src/bin/scenario.rs");
}

/// Go's TestInitDeadlock: on a channel that only the thread itself could send to.
#[test]
fn main_waits_for_itself() {
    is_a_deadlock("receive-from-oneself");
}

#[test]
fn threads_wait_for_each_other() {
    is_a_deadlock("wait-in-a-ring");
}

#[test]
fn a_select_of_nothing() {
    is_a_deadlock_after("select-nothing", "\"main\" [chan nobody serves]:");
}

#[test]
fn a_select_that_only_it_could_serve() {
    is_a_deadlock_after("select-in-vain", "\"main\" [select]:");
}

#[test]
fn timer_channels_that_have_no_more_messages() {
    is_a_deadlock_after("wait-for-never", "\"main\" [chan nobody serves]:");
}

#[test]
fn a_join_of_a_thread_that_never_ends() {
    is_a_deadlock("join-a-sleeper");
}

/// Go's TestLockedDeadlock.
#[test]
fn a_locked_main_waits_for_ever() {
    is_a_deadlock("locked");
}

/// Go's TestLockedDeadlock2.
#[test]
fn a_locked_main_and_another_wait_for_ever() {
    is_a_deadlock("locked-and-another");
}

/// Go's TestGoexitDeadlock has no `main` left that could come back; here `run` waits for one that never ends though all others did.
#[test]
fn others_have_ended() {
    is_a_deadlock("others-end");
}

/// A blocking call, a timer: somebody may come back. The verdict comes when they have, and nobody is left.
#[test]
fn the_verdict_waits_for_calls_and_timers() {
    for name in ["deadlock-after-a-call", "deadlock-after-a-sleep", "deadlock-after-an-os-thread"] {
        is_a_deadlock_after(name, "last sign of life");
    }
}

/// Where main returns, the process ends, whoever still waits.
#[test]
fn main_returns_while_others_wait() {
    is_no_deadlock("daemons");
}

/// An OS thread that the runtime knows nothing of wakes a green one, after everything looked dead for long.
#[test]
fn an_os_thread_comes_to_help() {
    is_no_deadlock("rescue");
}

/// An OS thread and a green one wake each other: at each moment at least one of them runs, or has been woken and is about to.
#[test]
fn an_os_thread_and_a_green_one_chat() {
    is_no_deadlock("chat-with-an-os-thread");
}
