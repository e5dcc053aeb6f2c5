//! Eight bytes of memory, and the last accesses to them.
//!
//! Of all accesses only those are kept that a later one could race with and not race with a younger one too. One is dropped, byte by byte,
//! when a younger one to the same bytes comes that is ordered after it and would race with all that it would: a write, or, in the place of a read, a read;
//! and when it has just been found to race with a write, as one report is enough.
//! For the same thread that is nearly always so, and what remains is, as in FastTrack, one write, or the last reads of several threads.

use super::clock::Epoch;
use super::timeline::Timeline;
use super::traces::Trace;

/// Bytes that share a list of accesses: a power of two, and no more than a mask has bits.
pub(super) const GRANULE: usize = 8;

/// A load or store that was reported.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    pub(super) epoch: Epoch,
    pub(super) place: usize,
    pub(super) bytes: usize,
    pub(super) is_write: bool,
    pub(super) trace: Trace,
}

impl Access {
    fn conflicts_with(&self, other: &Access) -> bool {
        self.is_write || other.is_write
    }

    /// Whether whatever would race with `other`, at the same bytes, would race with this one, which is ordered after it.
    fn stands_for(&self, other: &Access) -> bool {
        self.is_write || !other.is_write
    }
}

/// Two accesses that nothing orders.
#[derive(Debug, Clone, Copy)]
pub(super) struct Race {
    pub(super) present: Access,
    pub(super) previous: Access,
}

/// The last accesses to a granule, with the bytes of it that each is remembered for.
#[derive(Debug, Default)]
pub(super) struct Granule(Vec<(u8, Access)>);

impl Granule {
    /// Whether the thread of this epoch has accessed all of `bytes` in it, by writing if `is_write`: nothing new can come of doing so once more.
    pub(super) fn knows(&self, epoch: Epoch, bytes: u8, is_write: bool) -> bool {
        self.0
            .iter()
            .any(|(old_bytes, old)| old.epoch == epoch && bytes & !old_bytes == 0 && (old.is_write || !is_write))
    }

    /// Adds an access by the thread of that timeline. Calls `found` with those that race with it.
    pub(super) fn add(&mut self, bytes: u8, access: &Access, timeline: &Timeline, mut found: impl FnMut(Race)) {
        self.0.retain_mut(|(old_bytes, old)| {
            if *old_bytes & bytes == 0 {
                return true;
            }
            let ordered = timeline.is_after(old.epoch);
            let races = !ordered && access.conflicts_with(old);
            if races {
                found(Race { present: *access, previous: *old });
            }
            if (ordered || races) && access.stands_for(old) {
                *old_bytes &= !bytes;
            }
            *old_bytes != 0
        });
        if self.0.is_empty() {
            // Mostly it stays at one.
            self.0.reserve_exact(1);
        }
        self.0.push((bytes, *access));
    }

    /// Forgets what was done to these bytes. Returns whether nothing is left.
    pub(super) fn forget(&mut self, bytes: u8) -> bool {
        self.0.retain_mut(|(old_bytes, _)| {
            *old_bytes &= !bytes;
            *old_bytes != 0
        });
        self.0.is_empty()
    }
}
