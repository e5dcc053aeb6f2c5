//! The order of the entries: a wheel of short slots for what comes soon, heaps for the rest.
//!
//! ```text
//!     past         present        the next 255 slots        later
//!   ┌───────┐   ┌───────────┐   ┌───┬───┬───┬── ── ──┬───┐   ┌──────────┐
//!   │  due  │   │ near heap │   │   │   │   │        │   │   │ far heap │
//!   └───────┘   └───────────┘   └───┴───┴───┴── ── ──┴───┘   └──────────┘
//! ```
//! A slot is 131 µs. An entry of one of the next slots is appended there, in no order. When its time begins, it is moved to the near
//! heap, which so makes an order of a small part of what there is; when its time is over, to the tail of `due`: in which order those that are
//! late end matters little. So a hundred thousand threads that sleep for milliseconds cost no heap of a
//! hundred thousand entries, each operation of which takes a cache miss a level.
//!
//! What comes later than the last slot stays in the far heap until its time begins, too. Most such entries are time-outs, and stale by then.

use std::collections::VecDeque;

use super::Entry;
use super::heap::Heap;
use crate::clock::{NEVER, Nanos};

/// A slot is 2 to this power nanoseconds long.
const SLOT_BITS: u32 = 17;
const SLOTS: u64 = 256;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Wheel {
    /// The number of the present slot: those before are over.
    present: u64,
    due: VecDeque<Entry>,
    near: Heap,
    /// Not in here, as a wheel is moved on small green stacks.
    slots: Box<[Vec<Entry>]>,
    /// The first time in each slot that has entries.
    firsts: Box<[Nanos]>,
    /// A bit for each slot that has entries.
    occupied: [u64; SLOTS as usize / 64],
    far: Heap,
    len: usize,
}

impl Default for Wheel {
    fn default() -> Wheel {
        Wheel {
            present: 0,
            due: VecDeque::new(),
            near: Heap::default(),
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            firsts: (0..SLOTS).map(|_| NEVER).collect(),
            occupied: [0; SLOTS as usize / 64],
            far: Heap::default(),
            len: 0,
        }
    }
}

impl Wheel {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first time of all; `NEVER` without one. Of several that are over, any.
    pub(super) fn first(&self) -> Nanos {
        let heads = [self.due.front(), self.near.first(), self.far.first()];
        let first = heads.into_iter().flatten().map(|entry| entry.when).min().unwrap_or(NEVER);
        self.next_occupied().map_or(first, |slot| first.min(self.firsts[place(slot)]))
    }

    /// Adds an entry. `now` need not be exact, but is not in the future.
    pub(super) fn add(&mut self, entry: Entry, now: Nanos) {
        self.advance(now);
        self.len += 1;
        let slot = entry.when >> SLOT_BITS;
        if slot <= self.present {
            self.near.push(entry);
        } else if slot - self.present < SLOTS {
            let place = place(slot);
            self.firsts[place] = self.firsts[place].min(entry.when);
            self.occupied[place / 64] |= 1 << (place % 64);
            self.slots[place].push(entry);
        } else {
            self.far.push(entry);
        }
    }

    /// Takes an entry that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Nanos) -> Option<Entry> {
        self.advance(now);
        let entry = self.due.pop_front().or_else(|| self.near.pop_due(now)).or_else(|| self.far.pop_due(now))?;
        self.len -= 1;
        Some(entry)
    }

    /// Drops stale entries until the first one is not.
    pub(super) fn drop_stale(&mut self) {
        let is_stale = |entry: &Entry| !entry.claim.is_open();
        while self.due.front().is_some_and(is_stale) {
            self.due.pop_front();
            self.len -= 1;
        }
        for heap in [&mut self.near, &mut self.far] {
            while heap.first().is_some_and(is_stale) {
                heap.pop();
                self.len -= 1;
            }
        }
        while let Some(slot) = self.next_occupied() {
            self.sweep_slot(place(slot));
            if !self.slots[place(slot)].is_empty() {
                return;
            }
        }
    }

    /// Drops all stale entries.
    pub(super) fn sweep(&mut self) {
        self.due.retain(|entry| entry.claim.is_open());
        self.near.sweep();
        self.far.sweep();
        (0..SLOTS as usize).for_each(|place| self.sweep_slot(place));
        self.len = self.due.len() + self.near.len() + self.far.len() + self.slots.iter().map(Vec::len).sum::<usize>();
    }

    /// Takes all entries.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Entry> + use<> {
        let all = std::mem::take(self);
        all.due.into_iter().chain(all.near).chain(all.far).chain(all.slots.into_iter().flatten())
    }

    /// Moves the entries of slots that have begun.
    fn advance(&mut self, now: Nanos) {
        let present = now >> SLOT_BITS;
        if present <= self.present {
            return;
        }
        self.due.extend(self.near.drain());
        while let Some(slot) = self.next_occupied().filter(|&slot| slot <= present) {
            let entries = &mut self.slots[place(slot)];
            if slot < present {
                self.due.extend(entries.drain(..));
            } else {
                entries.drain(..).for_each(|entry| self.near.push(entry));
            }
            self.vacate(place(slot));
        }
        // Or those that keep coming sooner would keep it waiting for ever.
        while let Some(entry) = self.far.pop_due((present << SLOT_BITS) - 1) {
            self.due.push_back(entry);
        }
        self.present = present;
    }

    fn sweep_slot(&mut self, place: usize) {
        let entries = &mut self.slots[place];
        let before = entries.len();
        entries.retain(|entry| entry.claim.is_open());
        self.len -= before - entries.len();
        match entries.iter().map(|entry| entry.when).min() {
            Some(first) => self.firsts[place] = first,
            None => self.vacate(place),
        }
    }

    /// Notes that a slot has no entries.
    fn vacate(&mut self, place: usize) {
        self.firsts[place] = NEVER;
        self.occupied[place / 64] &= !(1 << (place % 64));
    }

    /// The next slot that has entries.
    fn next_occupied(&self) -> Option<u64> {
        let start = place(self.present + 1);
        // The word of the start comes twice: first its later bits, at the end the others.
        for i in 0..=self.occupied.len() {
            let word = (start / 64 + i) % self.occupied.len();
            let mut bits = self.occupied[word];
            if i == 0 {
                bits &= u64::MAX << (start % 64);
            }
            if bits != 0 {
                let place = word * 64 + bits.trailing_zeros() as usize;
                return Some(self.present + 1 + (place.wrapping_sub(start) as u64) % SLOTS);
            }
        }
        None
    }
}

/// Where a slot is in the wheel.
fn place(slot: u64) -> usize {
    (slot % SLOTS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sleeper::{Claim, Sleeper};

    /// Entries of the calling thread, of waits that it has not come to, or of its present one.
    fn entry(when: Nanos, open: bool) -> Entry {
        let sleeper = Sleeper::this_os_thread();
        Entry { when, claim: if open { sleeper.claim() } else { Claim::of(sleeper, 1 << 40) } }
    }

    fn random(x: &mut u64) -> u64 {
        *x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *x >> 20
    }

    /// Beside a sorted list: what is due comes out, all of it, and nothing else; and the first time is always the first.
    #[test]
    fn agrees_with_a_sorted_list() {
        let (mut wheel, mut list, mut now, mut x) = (Wheel::default(), Vec::new(), 1 << 50, 1);
        for _ in 0..2000 {
            for _ in 0..random(&mut x) % 20 {
                let range = [1 << 14, 1 << 22, 1 << 25, 1 << 32][random(&mut x) as usize % 4];
                let when = now + random(&mut x) % range - random(&mut x) % (1 << 18);
                wheel.add(entry(when, true), now - random(&mut x) % (1 << 20));
                list.push(when);
            }
            list.sort_unstable();
            assert_eq!(wheel.first(), list.first().copied().unwrap_or(NEVER));
            now += random(&mut x) % [1 << 15, 1 << 20, 1 << 28][random(&mut x) as usize % 3];
            let late = list.partition_point(|&when| when <= now);
            let mut taken: Vec<_> = std::iter::from_fn(|| wheel.pop_due(now)).map(|entry| entry.when).collect();
            taken.sort_unstable();
            assert!(taken.into_iter().eq(list.drain(..late)));
            assert_eq!(wheel.len(), list.len());
        }
    }

    /// However many come sooner, and are taken too slowly.
    #[test]
    fn nobody_waits_for_ever() {
        let (mut wheel, mut now) = (Wheel::default(), 1 << 50);
        let late = now + (1000 << SLOT_BITS);
        wheel.add(entry(late, true), now);
        for _ in 0..4000 {
            (0..3).for_each(|_| wheel.add(entry(now + (1 << SLOT_BITS), true), now));
            now += 1 << SLOT_BITS;
            if wheel.pop_due(now).is_some_and(|entry| entry.when == late) {
                return;
            }
        }
        panic!("the late one was never taken");
    }

    #[test]
    fn stale_entries_go() {
        let now = 1 << 50;
        let times = [now - 1, now, now + (1 << SLOT_BITS), now + (40 << SLOT_BITS), now + (1000 << SLOT_BITS)];
        let mut wheel = Wheel::default();
        times.iter().for_each(|&when| wheel.add(entry(when, false), now));
        wheel.drop_stale();
        assert_eq!((wheel.len(), wheel.first()), (0, NEVER));
        for open in [false, true] {
            times.iter().for_each(|&when| wheel.add(entry(when, open), now));
        }
        wheel.sweep();
        assert_eq!((wheel.len(), wheel.take().count(), wheel.first()), (5, 5, NEVER));
    }
}
