//! Timers: each P has its own.
//!
//! A timer does one thing: it ends a wait of a G, if that wait is still on. It names the wait by the G and its
//! ticket ([`Claim`]), so cancelling needs no access to the timers: a wait that ends otherwise takes the claim, and the entry,
//! found stale when its time comes, is dropped. When half of the entries are stale, they are swept.
//!
//! The owner runs what is due on its way to the next G. A thief that has found no G runs a victim's timers, so a P that is busy
//! for long delays nobody while another one is idle. When no P is idle, sysmon takes the P away from the G that holds things up.
//!
//! The order is kept in a wheel of short slots with heaps at both ends (`timer/wheel.rs`).

mod heap;
mod wheel;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arrayvec::ArrayVec;

use crate::clock::{self, NEVER, Nanos};
use crate::g::G;
use crate::sleeper::Claim;
use crate::spin::SpinLock;

use wheel::Wheel;

/// How many due timers are run at a time at most. They are taken together, so that the memory of their Gs, which have slept since, is fetched
/// at the same time; and not more of them than run soon.
pub(crate) const BATCH: usize = 16;
/// Fewer entries are never swept.
const SWEEP_FROM: usize = 64;

/// The timers of a P.
#[derive(Debug)]
pub(crate) struct Timers {
    wheel: SpinLock<Wheel>,
    /// The time of the first entry; `NEVER` without one. Written under the lock, read without.
    next: AtomicU64,
    /// How many entries have gone stale since the last sweep.
    stale: AtomicUsize,
}

/// A wait to be ended at a time.
#[derive(Debug, Clone, Copy)]
struct Entry {
    when: Nanos,
    claim: Claim,
}

impl Timers {
    pub(crate) fn new() -> Self {
        Timers { wheel: SpinLock::default(), next: AtomicU64::new(NEVER), stale: AtomicUsize::new(0) }
    }

    /// When the first timer is due; `NEVER` without one.
    #[inline]
    pub(crate) fn next(&self) -> Nanos {
        // SeqCst: the load of the idle handshake; the store is in `publish`.
        self.next.load(Ordering::SeqCst)
    }

    /// Arms a timer.
    pub(crate) fn add(&self, when: Nanos, claim: Claim) {
        let mut wheel = self.wheel.lock();
        // Relaxed: a count that decides only when to sweep.
        if wheel.len() >= SWEEP_FROM && self.stale.load(Ordering::Relaxed) > wheel.len() / 2 {
            self.stale.store(0, Ordering::Relaxed);
            wheel.sweep();
        }
        wheel.add(Entry { when, claim }, clock::coarse());
        self.publish(&wheel);
    }

    /// Notes that an entry has gone stale.
    pub(crate) fn note_stale(&self) {
        // Relaxed: see `add`.
        self.stale.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends waits that are due at `now`, `limit` of them at most: returns the claims, whose Gs are to be woken.
    pub(crate) fn take_due(&self, now: Nanos, limit: usize) -> ArrayVec<Claim, BATCH> {
        let mut due = ArrayVec::<Claim, BATCH>::new();
        if self.next() > now {
            return due;
        }
        let mut wheel = self.wheel.lock();
        while due.len() < limit
            && let Some(entry) = wheel.pop_due(now)
        {
            due.push(entry.claim);
        }
        self.publish(&wheel);
        drop(wheel);
        // One after the other and nothing else in between, so that the memory is fetched all at the same time.
        due.iter().filter_map(|claim| claim.g()).for_each(G::prefetch);
        // SAFETY: claims of Gs, and Gs live for ever.
        due.retain(|claim| unsafe { claim.take() });
        due.iter().filter_map(|claim| claim.g()).for_each(G::prefetch_stack);
        due
    }

    /// Drops stale entries that come first: nobody shall wait for their time.
    pub(crate) fn drop_stale(&self) {
        if self.next() == NEVER {
            return;
        }
        let mut wheel = self.wheel.lock();
        wheel.drop_stale();
        self.publish(&wheel);
    }

    /// Takes all entries out, for another P.
    pub(crate) fn move_to(&self, other: &Timers) {
        let mut wheel = self.wheel.lock();
        let entries = wheel.take();
        self.publish(&wheel);
        drop(wheel);
        for entry in entries.filter(|entry| entry.claim.is_open()) {
            other.add(entry.when, entry.claim);
        }
    }

    /// How many timers are armed, stale ones included.
    pub(crate) fn len(&self) -> usize {
        self.wheel.lock().len()
    }

    fn publish(&self, wheel: &Wheel) {
        // SeqCst: a P that goes idle after this sees it, or who arms the timer sees the idle P.
        self.next.store(wheel.first(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sleeper::Sleeper;

    /// A ticket that the test's thread does not come to: its claim is stale.
    const NO_WAIT: u64 = 1 << 40;

    /// Claims of the calling thread that only their number tells apart.
    fn claim(ticket: u64) -> Claim {
        Claim::of(Sleeper::this_os_thread(), ticket)
    }

    #[test]
    fn due_timers_fire_once_and_stale_ones_never() {
        let timers = Timers::new();
        let open = Sleeper::this_os_thread().claim();
        timers.add(10, open);
        timers.add(5, claim(NO_WAIT));
        assert_eq!(timers.next(), 5);
        assert_eq!(timers.take_due(4, BATCH).len(), 0);
        assert_eq!((timers.take_due(10, BATCH).len(), timers.next()), (1, NEVER));
    }

    #[test]
    fn stale_entries_are_swept() {
        let timers = Timers::new();
        for i in 0..10 * SWEEP_FROM as u64 {
            timers.add(NEVER - 1 - i, claim(NO_WAIT));
            timers.note_stale();
        }
        assert!(timers.len() <= 2 * SWEEP_FROM, "{} entries", timers.len());
    }
}
