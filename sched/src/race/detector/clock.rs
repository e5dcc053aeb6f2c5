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

/// Up to what time it has seen each slot: numbers and times, in the order of the numbers. Slots that are not there have not been seen.
///
/// A thread that is one of a hundred thousand has mostly heard of a few of them: that is why these are pairs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Clock(Vec<(usize, u64)>);

impl Clock {
    pub(super) const fn new() -> Clock {
        Clock(Vec::new())
    }

    fn find(&self, slot: usize) -> Result<usize, usize> {
        self.0.binary_search_by_key(&slot, |&(slot, _)| slot)
    }

    /// Up to what time it has seen the slot of this number: 0 is nothing at all.
    pub(super) fn get(&self, slot: usize) -> u64 {
        self.find(slot).map_or(0, |at| self.0[at].1)
    }

    pub(super) fn set(&mut self, slot: usize, time: u64) {
        match self.find(slot) {
            Ok(at) => self.0[at].1 = time,
            Err(at) => self.0.insert(at, (slot, time)),
        }
    }

    /// Whether what was done in that epoch so far is seen.
    pub(super) fn has_seen(&self, epoch: Epoch) -> bool {
        epoch.time <= self.get(epoch.slot.number)
    }

    /// Sees what the other one has seen, too.
    pub(super) fn join(&mut self, other: &Clock) {
        let known = self.0.len();
        let mut at = 0;
        for &(slot, time) in &other.0 {
            // Mostly it is the next, as both know the same slots.
            if self.0[at..known].first().is_none_or(|next| next.0 != slot) {
                at += self.0[at..known].partition_point(|next| next.0 < slot);
            }
            match self.0[at..known].first_mut() {
                Some(next) if next.0 == slot => {
                    next.1 = next.1.max(time);
                    at += 1;
                }
                _ => self.0.push((slot, time)),
            }
        }
        if known > 0 && self.0.get(known).is_some_and(|new| new.0 < self.0[known - 1].0) {
            // Two sorted parts, which this merges.
            self.0.sort_by_key(|&(slot, _)| slot);
        }
    }

    /// Becomes a copy of the other one, in the memory that it has.
    pub(super) fn copy(&mut self, other: &Clock) {
        self.0.clone_from(&other.0);
    }
}
