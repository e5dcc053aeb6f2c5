//! Waiting until a number of tasks have ended, at the price of one atomic subtraction a task.

use std::sync::atomic::{AtomicU64, Ordering};

use sward::thread::{self, Thread};

/// A counter whose last decrement wakes the one waiter.
///
/// It lives as long as the process. A task may still be inside [`done`](Countdown::done) when the
/// waiter goes on, and counting references to guard against that would cost each task two more
/// atomic operations, which the workloads would then measure.
pub struct Countdown {
    left: AtomicU64,
    waiter: Thread,
}

impl Countdown {
    /// A counter of `left` tasks, which the calling green thread will wait for.
    pub fn new(left: u64) -> &'static Self {
        Box::leak(Box::new(Countdown { left: AtomicU64::new(left), waiter: thread::current() }))
    }

    /// Counts `more` tasks. Only for the waiter, while it does not wait.
    pub fn add(&self, more: u64) {
        // Relaxed: the spawn that follows orders this before the new tasks' decrements.
        self.left.fetch_add(more, Ordering::Relaxed);
    }

    /// One task has done its work.
    pub fn done(&self) {
        // Release pairs with the Acquire load in `wait`: the waiter sees what the tasks wrote.
        if self.left.fetch_sub(1, Ordering::Release) == 1 {
            self.waiter.unpark();
        }
    }

    /// Parks until every task has called [`done`](Countdown::done).
    pub fn wait(&self) {
        // Acquire pairs with the decrements in `done`. A left-over unpark only costs one more look.
        while self.left.load(Ordering::Acquire) != 0 {
            thread::park();
        }
    }
}
