//! Where a green thread is: its call chain, found without stopping the world and without allocating.
//!
//! Two steps, apart because they may run in different places:
//!
//! 1. **Walking** ([`Unwinder::walk`]) turns registers and a stack into code addresses. It neither allocates nor locks
//!    nor faults, so a signal handler may do it. The [`Registers`] come from one of two places: [`Registers::capture`],
//!    which the parking code calls in the frame that is about to suspend (the coroutine library keeps its own saved
//!    stack pointer to itself), or [`Registers::from_ucontext`], for the code that a signal has interrupted.
//! 2. **Printing** ([`Traceback`]) turns code addresses into functions, files and lines. It opens the program's debug
//!    information, allocates and locks: never in a handler.
//!
//! # How a walk works
//! The compiler's unwind tables (`.eh_frame`) say for every instruction where its caller's registers are. They are
//! always in memory, in release builds too, and need no frame pointers. `framehop` evaluates them; we find them
//! through the loader ([`Unwinder::load`]) and read the stack for it. Rules once evaluated stay in the walker's
//! [`Cache`].
//!
//! # Invariants
//! - Only words of the stack handed in are read, whatever the tables or a damaged stack say.
//! - A walk ends where the green stack does. Its outermost frame is the coroutine library's trampoline, whose unwind rule
//!   continues on the stack of the scheduler, through a link in the two topmost words. A walk may not read these, so it
//!   stops there; and since nothing but the trampoline's rule asks for them, that names the frame to leave out.
//! - A loaded [`Unwinder`] is never freed: a handler may be using it.
//!
//! # Rejected
//! - Frame pointers: glibc and plain x86_64 release builds have none, so such a walk ends after one frame.
//! - `_Unwind_Backtrace`: takes the loader's lock, which deadlocks in a handler that interrupted `dlopen`, and walks on
//!   into the scheduler's stack.

mod modules;
mod registers;
mod symbols;
// Under ThreadSanitizer each stack is a green thread's; theirs are nobody's.
#[cfg(all(test, not(any(loom, feature = "tsan"))))]
mod tests;
mod unwinder;

pub use registers::Registers;
pub use symbols::Traceback;
pub use unwinder::{Cache, Unwinder};
