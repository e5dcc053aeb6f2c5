//! What happens when an invariant is broken: the process says which, with the values, and aborts. Going on would corrupt.

use std::fmt;
use std::io::Write;

use crate::stderr::RawStderr;

/// Prints `fatal: …` to stderr and aborts the process.
#[cold]
#[inline(never)]
pub fn abort(what: fmt::Arguments<'_>) -> ! {
    // Nothing is left to do about a stderr that takes no more.
    let _ = writeln!(RawStderr, "fatal: {what}");
    std::process::abort();
}

/// Aborts with a message: `fatal!("P {} is not idle", id)`.
#[macro_export]
macro_rules! fatal {
    ($($arg:tt)*) => { $crate::abort(::core::format_args!($($arg)*)) };
}
