//! Waiting until a number of coroutines have ended.

use std::sync::atomic::{AtomicU64, Ordering};

use may::sync::Semphore;

/// A counter whose last decrement wakes the one waiter. Never freed: no coroutine counts references.
pub struct Countdown {
    left: AtomicU64,
    zero: Semphore,
}

impl Countdown {
    pub fn new(left: u64) -> &'static Self {
        Box::leak(Box::new(Countdown { left: AtomicU64::new(left), zero: Semphore::new(0) }))
    }

    /// Counts `more` coroutines. Only for the waiter, while it does not wait.
    pub fn add(&self, more: u64) {
        self.left.fetch_add(more, Ordering::Relaxed);
    }

    /// One coroutine has done its work.
    pub fn done(&self) {
        // Release and Acquire: the last one has seen what all did, and hands it to the waiter.
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.zero.post();
        }
    }

    /// Waits until every coroutine has called `done`.
    pub fn wait(&self) {
        self.zero.wait();
    }
}
