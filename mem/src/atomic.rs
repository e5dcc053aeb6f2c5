//! The atomics of every structure that has a loom model.
//!
//! Under `--cfg loom` they are loom's, which explores every interleaving and every value that the memory model lets a load
//! return; otherwise they are core's, at no cost.

#[cfg(loom)]
pub use loom::sync::atomic::*;
#[cfg(not(loom))]
pub use std::sync::atomic::*;

/// Tells the processor, or loom, that this thread waits for another one.
#[inline]
pub fn relax() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}
