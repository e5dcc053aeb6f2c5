//! Order in time, and in nothing else.

use std::sync::atomic::{AtomicBool, Ordering};

use sward_tests::yield_until;

/// Something that comes before something else, without any edge that a race detector knows of: it is not told of atomics, and yielding is none.
#[derive(Default)]
pub struct Turn(AtomicBool);

impl Turn {
    /// It has come.
    pub fn come(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Waits for that.
    pub fn wait(&self) {
        yield_until(|| self.0.load(Ordering::Acquire));
    }
}
