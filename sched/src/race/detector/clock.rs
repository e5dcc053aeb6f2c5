//! Vector clocks: what a thread has seen of every other.

use super::slots::Slot;

/// A moment in the life of the thread in `slot`: between its release number `time - 1` there and the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch {
    pub(super) slot: &'static Slot,
    pub(super) time: u64,
}

impl PartialEq for Epoch {
    fn eq(&self, other: &Epoch) -> bool {
        self.time == other.time && self.slot.number == other.slot.number
    }
}

/// For each slot, by its number, up to what time it has been seen: 0 is nothing at all. Those past the end have not been.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Clock(Vec<u64>);

impl Clock {
    pub(super) const fn new() -> Clock {
        Clock(Vec::new())
    }

    /// Up to what time it has seen the slot of this number.
    pub(super) fn get(&self, slot: usize) -> u64 {
        self.0.get(slot).copied().unwrap_or(0)
    }

    pub(super) fn set(&mut self, slot: usize, time: u64) {
        if self.0.len() <= slot {
            self.0.resize(slot + 1, 0);
        }
        self.0[slot] = time;
    }

    /// Whether what was done in that epoch so far is seen.
    pub(super) fn has_seen(&self, epoch: Epoch) -> bool {
        epoch.time <= self.get(epoch.slot.number)
    }

    /// Sees what the other one has seen, too.
    pub(super) fn join(&mut self, other: &Clock) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// Becomes a copy of the other one, in the memory that it has.
    pub(super) fn copy(&mut self, other: &Clock) {
        self.0.clone_from(&other.0);
    }
}
