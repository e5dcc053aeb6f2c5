//! How a G spends the time between one blocking call and the next: what decides whether it needs a P in between.
//!
//! A G that comes back from a blocking call and finds its P taken, and all others busy, would queue for one, wait for its turn, and then, maybe, do
//! nothing but enter the next call, and give the P away again. Two OS threads are woken for nothing, and somebody's time slice is cut.
//! If its last **stretch**, from the return of a call to whatever it entered the runtime for, was short, it goes on without a P instead, like a hog that has lost its own.
//! A call needs no P to begin with; anything else in the runtime gets it one.
//!
//! So at most one short stretch too much runs beside the Ps, for each G that blocks in C, and one that turns out long is the last of its kind.
//! tokio's `block_in_place` does the same for stretches of any length.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{self, Nanos};

/// What counts as short: what queueing for a P takes, with the switches of OS threads that it brings.
const SHORT: Nanos = 20_000;

/// See the [module](self). A word of the G's own.
///
/// Bit 0: the last stretch was short. Bit 1: a mark that is the stack's, whose header has no other room, and stays. Above: when the present stretch
/// began; 0 if that is not of interest.
///
/// Written by who runs on the stack, or is about to. Others look for the mark meanwhile, hence the atomic.
#[derive(Default)]
pub(crate) struct Stretch(AtomicU64);

const WAS_SHORT: u64 = 1;
const MARK: u64 = 2;
const FLAGS: u64 = WAS_SHORT | MARK;

impl Stretch {
    /// Forgets what was.
    pub(crate) fn reset(&self) {
        self.set(self.get() & MARK);
    }

    /// Sets the mark.
    pub(crate) fn mark(&self) {
        self.set(self.get() | MARK);
    }

    /// Whether the mark has been set.
    pub(crate) fn is_marked(&self) -> bool {
        self.get() & MARK != 0
    }

    /// Whether the last stretch was short.
    pub(crate) fn was_short(&self) -> bool {
        self.get() & WAS_SHORT != 0
    }

    /// For a G that comes back from a call.
    pub(crate) fn begin(&self) {
        self.set(clock::now() & !FLAGS | self.get() & FLAGS);
    }

    /// For a G that enters the runtime.
    #[inline]
    pub(crate) fn end(&self) {
        if self.get() > FLAGS {
            self.judge();
        }
    }

    #[inline]
    fn get(&self) -> u64 {
        // Relaxed: the writer's own, and to others the mark alone means something, by itself.
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    fn set(&self, word: u64) {
        // Relaxed: see `get`.
        self.0.store(word, Ordering::Relaxed);
    }

    #[cold]
    fn judge(&self) {
        let began = self.get() & !FLAGS;
        self.set(u64::from(clock::now() - began < SHORT) | self.get() & MARK);
    }
}
