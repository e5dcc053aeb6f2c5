//! Timers: a 4-ary heap in each P.
//!
//! A timer of this heap does one thing: it ends a wait of a G, if that wait is still on. It names the wait by the G and its
//! ticket ([`Claim`]), so cancelling needs no access to the heap: a wait that ends otherwise takes the claim, and the entry,
//! found stale when its time comes, is dropped. A heap that is half stale is swept when it next grows.
//!
//! The owner runs what is due on its way to the next G. A thief that has found no G runs a victim's timers, so a P that is busy
//! for long delays nobody while another one is idle. When no P is idle, sysmon takes the P away from the G that holds things up.
//!
//! Four children a node instead of two: half the levels, and the children of a node lie in one or two cache lines.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::clock::{NEVER, Nanos};
use crate::sleeper::Claim;
use crate::spin::SpinLock;

const ARITY: usize = 4;
/// A heap smaller than this is never swept.
const SWEEP_FROM: usize = 64;

/// The timers of a P.
#[derive(Debug)]
pub(crate) struct Timers {
    heap: SpinLock<Heap>,
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
        Timers { heap: SpinLock::new(Heap(Vec::new())), next: AtomicU64::new(NEVER), stale: AtomicUsize::new(0) }
    }

    /// When the first timer is due; `NEVER` without one.
    #[inline]
    pub(crate) fn next(&self) -> Nanos {
        // SeqCst: the load of the idle handshake; the store is in `publish`.
        self.next.load(Ordering::SeqCst)
    }

    /// Arms a timer.
    pub(crate) fn add(&self, when: Nanos, claim: Claim) {
        let mut heap = self.heap.lock();
        // Relaxed: a count that decides only when to sweep.
        if heap.0.len() >= SWEEP_FROM && self.stale.load(Ordering::Relaxed) > heap.0.len() / 2 {
            self.stale.store(0, Ordering::Relaxed);
            heap.sweep();
        }
        heap.push(Entry { when, claim });
        self.publish(&heap);
    }

    /// Notes that an entry has gone stale.
    pub(crate) fn note_stale(&self) {
        // Relaxed: see `add`.
        self.stale.fetch_add(1, Ordering::Relaxed);
    }

    /// Claims the waits that are due at `now`, and calls `wake` with each.
    pub(crate) fn run_due(&self, now: Nanos, mut wake: impl FnMut(Claim)) {
        while self.next() <= now {
            let mut heap = self.heap.lock();
            let due = heap.0.first().is_some_and(|entry| entry.when <= now).then(|| heap.pop());
            self.publish(&heap);
            drop(heap);
            match due {
                // SAFETY: timers are armed for green threads only, which live for ever.
                Some(entry) if unsafe { entry.claim.take() } => wake(entry.claim),
                Some(_) => {}
                None => return,
            }
        }
    }

    /// Drops stale entries that come first: nobody shall wait for their time.
    pub(crate) fn drop_stale(&self) {
        if self.next() == NEVER {
            return;
        }
        let mut heap = self.heap.lock();
        while heap.0.first().is_some_and(|entry| !entry.claim.is_open()) {
            heap.pop();
        }
        self.publish(&heap);
    }

    /// Takes all entries out, for another P.
    pub(crate) fn move_to(&self, other: &Timers) {
        let mut heap = self.heap.lock();
        let entries = std::mem::take(&mut heap.0);
        self.publish(&heap);
        drop(heap);
        for entry in entries.into_iter().filter(|entry| entry.claim.is_open()) {
            other.add(entry.when, entry.claim);
        }
    }

    /// How many timers are armed, stale ones included.
    pub(crate) fn len(&self) -> usize {
        self.heap.lock().0.len()
    }

    fn publish(&self, heap: &Heap) {
        // SeqCst: a P that goes idle after this sees it, or who arms the timer sees the idle P.
        self.next.store(heap.0.first().map_or(NEVER, |entry| entry.when), Ordering::SeqCst);
    }
}

/// Entries, each no later than its children `4i + 1 ..= 4i + 4`.
#[derive(Debug)]
struct Heap(Vec<Entry>);

impl Heap {
    fn push(&mut self, entry: Entry) {
        self.0.push(entry);
        self.sift_up(self.0.len() - 1);
    }

    /// Takes the first entry of a heap that has one.
    fn pop(&mut self) -> Entry {
        let entry = self.0.swap_remove(0);
        self.sift_down(0);
        entry
    }

    fn sweep(&mut self) {
        self.0.retain(|entry| entry.claim.is_open());
        for i in (0..self.0.len().div_ceil(ARITY)).rev() {
            self.sift_down(i);
        }
    }

    fn sift_up(&mut self, mut i: usize) {
        while i > 0 {
            let parent = (i - 1) / ARITY;
            if self.0[parent].when <= self.0[i].when {
                return;
            }
            self.0.swap(i, parent);
            i = parent;
        }
    }

    fn sift_down(&mut self, mut i: usize) {
        loop {
            let children = i * ARITY + 1..(i * ARITY + 1 + ARITY).min(self.0.len());
            let Some(least) = children.min_by_key(|&child| self.0[child].when) else { return };
            if self.0[i].when <= self.0[least].when {
                return;
            }
            self.0.swap(i, least);
            i = least;
        }
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
    fn entries_come_out_in_order() {
        let mut heap = Heap(Vec::new());
        let mut x = 1u64;
        let mut times: Vec<u64> = (0..1000)
            .map(|_| {
                x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                x >> 40
            })
            .collect();
        for &when in &times {
            heap.push(Entry { when, claim: claim(0) });
        }
        times.sort_unstable();
        assert!(times.into_iter().all(|when| heap.pop().when == when));
    }

    #[test]
    fn due_timers_fire_once_and_stale_ones_never() {
        let timers = Timers::new();
        let open = Sleeper::this_os_thread().claim();
        timers.add(10, open);
        timers.add(5, claim(NO_WAIT));
        assert_eq!(timers.next(), 5);
        let mut fired = 0;
        timers.run_due(4, |_| fired += 1);
        assert_eq!(fired, 0);
        timers.run_due(10, |_| fired += 1);
        assert_eq!((fired, timers.next()), (1, NEVER));
    }

    #[test]
    fn a_heap_of_stale_entries_is_swept() {
        let timers = Timers::new();
        for i in 0..10 * SWEEP_FROM as u64 {
            timers.add(NEVER - 1 - i, claim(NO_WAIT));
            timers.note_stale();
        }
        assert!(timers.len() <= 2 * SWEEP_FROM, "{} entries", timers.len());
    }
}
