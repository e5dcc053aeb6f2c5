//! Waiting until a number of tasks have ended.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// A counter whose last decrement wakes the one waiter. Never freed: no task counts references.
pub struct Countdown {
    left: AtomicU64,
    zero: Notify,
}

impl Countdown {
    pub fn new(left: u64) -> &'static Self {
        Box::leak(Box::new(Countdown { left: AtomicU64::new(left), zero: Notify::new() }))
    }

    /// Counts `more` tasks. Only for the waiter, while it does not wait.
    pub fn add(&self, more: u64) {
        self.left.fetch_add(more, Ordering::Relaxed);
    }

    /// One task has done its work.
    pub fn done(&self) {
        // Release pairs with the Acquire load in `wait`.
        if self.left.fetch_sub(1, Ordering::Release) == 1 {
            self.zero.notify_one();
        }
    }

    /// Waits until every task has called `done`.
    pub async fn wait(&self) {
        while self.left.load(Ordering::Acquire) != 0 {
            self.zero.notified().await;
        }
    }
}
