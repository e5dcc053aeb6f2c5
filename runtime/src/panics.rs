//! Panic messages that name the green thread.
//!
//! std's hook names the OS thread, which says nothing. Ours prints a line with the green thread first, and leaves the rest to the hook that
//! was there: std's with its backtrace, or the program's own. A program that sets its hook later replaces both, as it should.

use std::panic;

use sward_sched::GRef;

/// Puts the line in front of the present hook.
pub(crate) fn install_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if let Some(g) = GRef::current() {
            let name = g.name().unwrap_or("<unnamed>");
            match g.spawned_at() {
                Some(site) => eprintln!("\ngreen thread {} '{name}', spawned at {site}, panicked:", g.id()),
                None => eprintln!("\ngreen thread {} '{name}' panicked:", g.id()),
            }
        }
        if panic.payload_as_str() == Some(NO_WAY_OUT)
            && let Some(caller) = GRef::calling_out()
        {
            // std's message has the stacks of both sides: of foreign code, down to the callback, and of the green thread that called it.
            eprintln!(
                "\nthe panic of a callback cannot pass through foreign code to its caller, green thread {}:",
                caller.id()
            );
        }
        previous(panic);
    }));
}

/// What std says of a panic that has reached a function of the ABI `"C"`.
const NO_WAY_OUT: &str = "panic in a function that cannot unwind";
