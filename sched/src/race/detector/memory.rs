//! What is known by address: the clocks of objects, the accesses to memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::clock::{Clock, Epoch};
use super::granule::{Access, GRANULE, Granule, Race};
use super::timeline::Timeline;

/// A shard has whole blocks of this many bytes, so that a range of addresses is in few of them.
const BLOCK: usize = 4096;
const SHARDS: usize = 64;

/// See the [module](self).
pub(super) struct Memory([Mutex<Shard>; SHARDS]);

/// What is known of the addresses in some of the blocks.
struct Shard {
    objects: BTreeMap<usize, Clock>,
    /// By the address of their first byte.
    granules: BTreeMap<usize, Granule>,
}

impl Memory {
    pub(super) const fn new() -> Memory {
        Memory([const { Mutex::new(Shard { objects: BTreeMap::new(), granules: BTreeMap::new() }) }; SHARDS])
    }

    fn shard(&self, address: usize) -> MutexGuard<'_, Shard> {
        // Fibonacci hashing: neighbouring blocks are in different shards, and so are those at the same place of different slabs.
        let hash = (address / BLOCK).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        locked(&self.0[hash >> (usize::BITS - SHARDS.ilog2())])
    }

    pub(super) fn acquire(&self, object: usize, timeline: &mut Timeline) {
        if let Some(clock) = self.shard(object).objects.get(&object) {
            timeline.acquire(clock);
        }
    }

    pub(super) fn release(&self, object: usize, timeline: &mut Timeline) {
        timeline.release(self.shard(object).objects.entry(object).or_default());
    }

    pub(super) fn release_store(&self, object: usize, timeline: &mut Timeline) {
        timeline.release_store(self.shard(object).objects.entry(object).or_default());
    }

    pub(super) fn hand_over(&self, object: usize, timeline: &mut Timeline) {
        timeline.hand_over(self.shard(object).objects.entry(object).or_default());
    }

    /// For two objects that nobody else uses meanwhile.
    pub(super) fn exchange(&self, one: usize, other: usize) {
        let [of_one, of_other] = [one, other].map(|object| self.shard(object).objects.remove(&object));
        for (object, clock) in [(one, of_other), (other, of_one)] {
            if let Some(clock) = clock {
                self.shard(object).objects.insert(object, clock);
            }
        }
    }

    /// Whether an access of this kind, in this epoch, to all these bytes is known already.
    pub(super) fn knows(&self, epoch: Epoch, place: usize, bytes: usize, is_write: bool) -> bool {
        pieces(place, bytes, BLOCK).all(|piece| {
            let shard = self.shard(piece.start);
            pieces(piece.start, piece.len(), GRANULE).all(|part| {
                let start = granule_of(part.start);
                shard.granules.get(&start).is_some_and(|granule| granule.knows(epoch, mask(start, &part), is_write))
            })
        })
    }

    /// Adds an access by the thread of that timeline. Returns the races that it is in, one for each access before.
    pub(super) fn access(&self, access: &Access, timeline: &Timeline) -> Vec<Race> {
        let mut races: Vec<Race> = Vec::new();
        for piece in pieces(access.place, access.bytes, BLOCK) {
            let mut shard = self.shard(piece.start);
            for part in pieces(piece.start, piece.len(), GRANULE) {
                let start = granule_of(part.start);
                shard.granules.entry(start).or_default().add(mask(start, &part), access, timeline, |race| {
                    // A wide access meets another one in many granules.
                    if races.last().is_none_or(|last| !std::ptr::eq(last.previous.trace, race.previous.trace)) {
                        races.push(race);
                    }
                });
            }
        }
        races
    }

    /// Forgets what was known of these bytes, and the objects in them.
    pub(super) fn forget(&self, place: usize, bytes: usize) {
        if bytes < SHARDS * BLOCK {
            pieces(place, bytes, BLOCK).for_each(|piece| self.shard(piece.start).forget(piece));
        } else {
            let range = place..place.saturating_add(bytes);
            self.0.iter().for_each(|shard| locked(shard).forget(range.clone()));
        }
    }
}

impl Shard {
    fn forget(&mut self, range: Range<usize>) {
        self.objects.extract_if(range.clone(), |_, _| true).for_each(drop);
        let granules = granule_of(range.start)..range.end;
        self.granules.extract_if(granules, |&start, granule| granule.forget(mask(start, &range))).for_each(drop);
    }
}

fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The parts of these bytes that lie between multiples of `unit`.
fn pieces(place: usize, bytes: usize, unit: usize) -> impl Iterator<Item = Range<usize>> {
    let end = place.saturating_add(bytes);
    let mut start = place;
    std::iter::from_fn(move || {
        let piece = start..end.min((start / unit + 1).saturating_mul(unit));
        start = piece.end;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Where the granule begins that `address` is in.
fn granule_of(address: usize) -> usize {
    address / GRANULE * GRANULE
}

/// Which bytes of the granule that begins at `start` are in `range`, a bit for each.
fn mask(start: usize, range: &Range<usize>) -> u8 {
    (0..GRANULE).filter(|byte| range.contains(&(start + byte))).fold(0, |mask, byte| mask | 1 << byte)
}
