//! What is refused, and what ends the process: messages and exit codes. Deadlocks, dumps and exits with callbacks under way.

use sward_tests::{Finished, is_emulated, program};

fn foreign(name: &str, procs: &str) -> Finished {
    Finished::of(program(env!("CARGO_BIN_EXE_foreign")).arg(name).env("SWARD_PROCS", procs))
}

/// Checks that a program aborts with such a message.
#[track_caller]
fn aborts(name: &str, message: &str) -> Finished {
    foreign(name, "2").dies_of(libc::SIGABRT).says(message)
}

const VERDICT: &str = "fatal: all green threads are asleep - deadlock!";

#[test]
fn a_null_function() {
    let message = "fatal: a null function was called by green thread 1 \"main\"";
    aborts("null-function", message).says("foreign::null_function");
    aborts("null-function-in-a-callback", message).says("foreign::call_null");
    // Where from, nobody has noted.
    aborts("null-function-quickly", message);
}

#[test]
fn a_callback_before_the_start() {
    aborts("before-the-start", "before the runtime has been started");
}

#[test]
fn a_callback_out_of_a_quick_call() {
    aborts("out-of-quick", "a callback into green thread 1, which is in ffi::quick");
}

#[test]
fn a_handle_that_has_been_dropped() {
    aborts("stale-handle", "for the handle of a u32: it has been dropped, or is none");
    aborts("stale-handle-of-another", "for the handle of a u32: it has been dropped, or is none");
    aborts("null-handle", "a callback has 0x0 for the handle of a u32: it has been dropped, or is none");
}

#[test]
fn a_handle_of_another_type() {
    aborts("handle-of-another-type", "for the handle of a i32, which is of another type");
}

#[test]
fn a_callback_in_a_signal_handler() {
    aborts("callback-in-a-handler", "a callback into green thread 1 from a signal handler");
    aborts("callback-in-a-handler-in-c", "a callback into green thread 1 from a signal handler");
    // ThreadSanitizer handles SIGSEGV, so that std gives its threads no signal stack, by which a handler is known.
    if !cfg!(feature = "tsan") {
        aborts("callback-in-a-handler-of-a-c-thread", "a callback into green-thread code from a signal handler");
    }
}

#[test]
fn a_call_in_a_signal_handler() {
    aborts("call-in-a-handler", "a foreign call in a signal handler, by ffi::call or unblock").does_not_say("called\n");
}

#[test]
fn a_panic_that_c_cannot_let_through() {
    aborts("panic-into-c", "panicked at").says("into C").says("panic in a function that cannot unwind");
    // Go's TestExternalThreadPanic.
    aborts("panic-into-a-c-thread", "panicked at").says("into C").says("panic in a function that cannot unwind");
}

#[test]
fn a_callbacks_own_stack_overflows() {
    aborts("overflows", "fatal: stack overflow in green thread 1 \"main\"").says("foreign::overflows::dive");
}

#[test]
fn a_callback_ends_the_process() {
    for procs in ["1", "2", "4"] {
        foreign("exit-in-a-callback", procs).exits_with(7);
        foreign("exit-in-a-callback-of-a-c-thread", procs).exits_with(7).does_not_say("panicked");
    }
}

/// With the exit code that it was given before.
#[test]
fn callbacks_at_exit() {
    for procs in ["1", "2", "4"] {
        foreign("callbacks-at-exit", procs).exits_with(3).says("4 at exit");
    }
}

#[test]
fn the_process_ends_while_c_threads_call_back() {
    for procs in ["1", "2", "4"] {
        foreign("main-ends-before-c-threads", procs).exits_with(5).does_not_say("fatal");
    }
}

#[test]
fn callbacks_that_wait_for_ever_are_a_deadlock() {
    if is_emulated() {
        return;
    }
    for procs in ["1", "2", "4"] {
        foreign("waits-for-ever", procs).exits_with(2).says(VERDICT).says("\"main\" [park, locked to its OS thread]:");
        foreign("c-thread-waits-for-ever", procs).exits_with(2).says(VERDICT).says("\"main\" [park]:");
        foreign("deadlock-with-callbacks-at-exit", procs).exits_with(2).says(VERDICT);
    }
}

/// Whatever is to be done at exit, and whoever would have to run for it.
#[test]
fn a_dump_comes_to_an_end() {
    for procs in ["1", "2", "4"] {
        foreign("quit-with-callbacks-at-exit", procs).exits_with(2).says("\"main\" [blocking call]:");
    }
}

/// The verdict waits for the end of a thread that might call back, and not for longer.
#[test]
fn a_c_thread_between_callbacks_holds_the_verdict_back() {
    for procs in ["1", "2", "4"] {
        foreign("c-thread-rests", procs).exits_with(0).does_not_say(VERDICT);
        if !is_emulated() {
            foreign("c-thread-has-ended", procs).exits_with(2).says("last sign of life\nfatal: all green threads");
        }
    }
}

/// Go's TestEnsureDropM: a hundred threads, one after the other, need few Ms.
#[test]
fn a_thread_gives_its_m_back() {
    for name in ["c-threads-one-after-the-other", "c-threads-call-back-at-their-end"] {
        let mut command = program(env!("CARGO_BIN_EXE_foreign"));
        let finished = Finished::of(command.arg(name).env("SWARD_BACKTRACE", "system")).exits_with(2).says("SIGQUIT");
        let ms = finished.stderr.lines().filter(|line| line.starts_with("  M")).count();
        assert!((1..30).contains(&ms), "{ms} Ms; {finished}");
    }
}

/// A dump shows all stacks of a thread: the callback's, and below it the one that it called from.
#[test]
#[cfg_attr(feature = "tsan", ignore = "functions have short names in that build")]
fn a_dump_shows_both_stacks() {
    for procs in ["1", "2", "4"] {
        let finished = foreign("quit", procs).exits_with(2).says("SIGQUIT: quit\n\n");
        let threads: Vec<_> = finished.stderr.split("\n\n").collect();
        let of = |title: &str| {
            let found = threads.iter().find(|thread| thread.starts_with("green thread ") && thread.contains(title));
            *found.unwrap_or_else(|| panic!("no {title}; {finished}"))
        };
        let caller = of(" \"caller\" [park, locked to its OS thread]:\n");
        let place = |function: &str| caller.find(function).unwrap_or_else(|| panic!("{function} is missing: {caller}"));
        assert!(place("foreign::innermost_wait") < place("foreign::outermost_call"), "{caller}");
        of(" \"blocked\" [blocking call]:\n");
        // The green thread of a C thread's callback has no name, and comes from the callback.
        let nameless = |thread: &&&str| thread.contains("[park, locked") && !thread.contains('"');
        let foreign = threads.iter().find(nameless).unwrap_or_else(|| panic!("the C thread's; {finished}"));
        assert!(foreign.contains("foreign::innermost_wait") && foreign.contains("spawned at"), "{foreign}");
    }
}
