//! Slots: the places of threads in vector clocks.
//!
//! A clock gets as long as there are slots, so the slot of a thread that has ended serves another. That one goes on with the slot's time, and whatever
//! its predecessor did looks like its own past: a race of the two is missed, and so is one with the predecessor of a thread
//! that has seen something of the successor. None is made up. To make it rare, a slot waits until there are [`RESTING`] free ones,
//! and the one that has been free for longest is taken.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::timeline::Who;

/// How many slots are free before one is used again.
const RESTING: usize = 256;
/// Of how many of its threads a slot knows who they were.
const REMEMBERED: usize = 8;

/// The place of a thread in vector clocks. Slots are never freed.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) number: usize,
    /// Written by the thread that has the slot.
    now: AtomicU64,
    /// What was done up to this time is ordered before whatever is done now.
    settled: AtomicU64,
    /// Who has had it from when on, the last one last.
    tenants: Mutex<VecDeque<(u64, Arc<Who>)>>,
}

impl Slot {
    fn new(number: usize) -> Slot {
        Slot { number, now: AtomicU64::new(0), settled: AtomicU64::new(0), tenants: Mutex::default() }
    }

    pub(super) fn now(&self) -> u64 {
        // Relaxed: who starts an OS thread orders its own last store before that thread's look.
        self.now.load(Ordering::Relaxed)
    }

    /// Moves on to the next time, and returns it. For who has the slot.
    pub(super) fn tick(&self) -> u64 {
        let next = self.now() + 1;
        // Relaxed: see `now`.
        self.now.store(next, Ordering::Relaxed);
        next
    }

    /// Orders what has been done before whatever is done from now on.
    pub(super) fn settle(&self) {
        // Relaxed: who waits for the end of an OS thread, however that may be, is ordered after this by it.
        self.settled.store(self.now(), Ordering::Relaxed);
    }

    /// Whether what was done at `time` is ordered before whatever is done now.
    pub(super) fn is_settled(&self, time: u64) -> bool {
        // Relaxed: see `settle`.
        time <= self.settled.load(Ordering::Relaxed)
    }

    /// Who had the slot at that time, unless that is too long ago.
    pub(super) fn who(&self, time: u64) -> Option<Arc<Who>> {
        self.tenants().iter().rev().find(|(since, _)| *since <= time).map(|(_, who)| who.clone())
    }

    fn tenants(&self) -> MutexGuard<'_, VecDeque<(u64, Arc<Who>)>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All slots.
pub(super) struct Slots {
    all: Vec<&'static Slot>,
    /// The one that has been free for longest comes first.
    free: VecDeque<&'static Slot>,
}

static SLOTS: Mutex<Slots> = Mutex::new(Slots::new());

/// The slots of this process.
pub(super) fn slots() -> MutexGuard<'static, Slots> {
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slots {
    pub(super) const fn new() -> Slots {
        Slots { all: Vec::new(), free: VecDeque::new() }
    }

    /// Takes a slot for a new thread, at a time at which nothing has been done yet.
    pub(super) fn take(&mut self, who: Arc<Who>) -> &'static Slot {
        let rested = if self.free.len() > RESTING { self.free.pop_front() } else { None };
        let slot = match rested {
            Some(slot) => slot,
            None => {
                let slot = &*Box::leak(Box::new(Slot::new(self.all.len())));
                self.all.push(slot);
                slot
            }
        };
        let since = slot.tick();
        let mut tenants = slot.tenants();
        if tenants.len() == REMEMBERED {
            tenants.pop_front();
        }
        tenants.push_back((since, who));
        slot
    }

    /// Gives back the slot of a thread that does nothing any more.
    pub(super) fn give_back(&mut self, slot: &'static Slot) {
        self.free.push_back(slot);
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'static Slot> {
        self.all.iter().copied()
    }
}
