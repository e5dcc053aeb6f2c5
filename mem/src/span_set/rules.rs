//! The decisions of the protocol that have been got wrong in history, apart from it, so that models and tests can run it with the mistakes
//! and show that they would be found.

use crate::atomic::{AtomicUsize, Ordering};

/// Which decisions are taken.
pub(crate) trait Rules: 'static {
    /// How many blocks a pusher installs at most before it looks for its own.
    const INSTALLS: usize;

    /// Counts a push, before the slot is filled.
    fn pushed(count: &AtomicUsize);

    /// Counts a pop, after the slot has been cleared. Returns whether the caller is to free the block, of `entries` slots.
    fn popped(count: &AtomicUsize, slot: usize, entries: usize) -> bool;
}

/// The right ones.
#[derive(Debug)]
pub(crate) struct Ours;

impl Rules for Ours {
    const INSTALLS: usize = usize::MAX;

    fn pushed(_: &AtomicUsize) {}

    fn popped(count: &AtomicUsize, _: usize, entries: usize) -> bool {
        // AcqRel: release for the acquire of who makes it the last pop, which thereby sees all the slots cleared before it frees the block.
        count.fetch_add(1, Ordering::AcqRel) + 1 == entries
    }
}

/// Counts entries in use, and has the block freed by who pops its last slot: see the essay of `span_set`.
#[cfg(test)]
pub(super) struct CountsUsed;

#[cfg(test)]
impl Rules for CountsUsed {
    const INSTALLS: usize = Ours::INSTALLS;

    fn pushed(count: &AtomicUsize) {
        count.fetch_add(1, Ordering::AcqRel);
    }

    fn popped(count: &AtomicUsize, slot: usize, entries: usize) -> bool {
        count.fetch_sub(1, Ordering::AcqRel) - 1 == 0 && slot == entries - 1
    }
}

/// Has a pusher that finds the spine too short install one block: see the essay of `spine`.
#[cfg(all(test, loom))]
pub(super) struct InstallsOne;

#[cfg(all(test, loom))]
impl Rules for InstallsOne {
    const INSTALLS: usize = 1;

    fn pushed(count: &AtomicUsize) {
        Ours::pushed(count);
    }

    fn popped(count: &AtomicUsize, slot: usize, entries: usize) -> bool {
        Ours::popped(count, slot, entries)
    }
}
