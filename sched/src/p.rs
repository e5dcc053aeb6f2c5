//! P: the right to run green threads, and what belongs to who holds it.
//!
//! A P is held by one M at a time; what is behind [`P::owner`] belongs to that M (and, between Ms, to whoever holds the scheduler's
//! lock or has won the status word). The rest may be looked at by everybody: thieves, sysmon, dumps.
//!
//! ```text
//!            acquire                enter_syscall
//!   idle ───────────────► running ───────────────► syscall
//!    ▲ ▲                     │  ▲                     │ │
//!    │ └────── release ──────┘  └──── exit_syscall ───┘ │
//!    └────────────────────── retake ────────────────────┘
//! ```
//! A P above the number that [`set_procs`](crate::set_procs) asks for is *retired* instead of idle.

use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

use crate::g::{self, G};
use crate::race;
use crate::run_queue::{self, RunQueue, Shared};
use crate::sched::Sched;
use crate::stack::{self, Slot};
use crate::timer::Timers;
use sward_mem::fatal;

/// Dead Gs that a P keeps for its next threads; half of them go to and come from the common list at a time.
const FREE_GS: usize = 64;
/// Warm stacks of the default size that a P keeps.
const FREE_STACKS: usize = 64;
/// How many thread numbers a P takes at a time.
const ID_BATCH: u64 = 64;

/// The most offers of `run_next` that are skipped between two wake-ups: about a millisecond's worth.
const MAX_OFFERS_SKIPPED: u32 = (1 << 14) - 1;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Takes `n` thread numbers; returns the first.
pub(crate) fn take_ids(n: u64) -> u64 {
    // Relaxed: only uniqueness counts.
    NEXT_ID.fetch_add(n, Ordering::Relaxed)
}

/// What a P is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum PState {
    /// On the idle list.
    Idle,
    /// Held by an M that runs.
    Running,
    /// Left by an M that is in a foreign or blocking call; whoever moves it on has it.
    Syscall,
    /// Not used: there are more Ps than asked for.
    Retired,
}

/// See the [module](self).
pub(crate) struct P {
    pub(crate) id: usize,
    owner: UnsafeCell<Owner>,
    pub(crate) shared: CachePadded<Shared>,
    pub(crate) timers: CachePadded<Timers>,
    state: CachePadded<AtomicU8>,
    /// Time slices begun.
    pub(crate) slices: AtomicU32,
    /// Syscalls entered.
    pub(crate) syscalls: AtomicU32,
    /// Threads spawned here, and threads that ended here.
    pub(crate) spawned: AtomicU64,
    pub(crate) ended: AtomicU64,
    /// After how many offers of `run_next` the next one is worth a wake-up: see [`offer_run_next`](P::offer_run_next).
    pub(crate) offer_every: AtomicU32,
    /// The M that holds it, by number, or 0: for dumps.
    pub(crate) held_by: AtomicUsize,
}

// SAFETY: `owner` is reached through the unsafe `P::owner` only; all else is made of atomics and locks.
unsafe impl Sync for P {}
// SAFETY: as above.
unsafe impl Send for P {}

/// What belongs to the holder of a P.
pub(crate) struct Owner {
    pub(crate) queue: RunQueue,
    free_gs: Vec<&'static G>,
    stacks: Vec<Slot>,
    ids: std::ops::Range<u64>,
    /// How many offers of `run_next` are still to be skipped.
    offers_to_skip: u32,
    #[cfg(feature = "race")]
    pub(crate) race: crate::race::OfP,
}

impl P {
    pub(crate) fn new(id: usize) -> P {
        let (queue, shared) = run_queue::new();
        P {
            id,
            owner: UnsafeCell::new(Owner {
                queue,
                free_gs: Vec::with_capacity(FREE_GS),
                stacks: Vec::new(),
                ids: 0..0,
                offers_to_skip: 0,
                #[cfg(feature = "race")]
                race: crate::race::OfP::default(),
            }),
            shared: CachePadded::new(shared),
            timers: CachePadded::new(Timers::new()),
            state: CachePadded::new(AtomicU8::new(PState::Retired as u8)),
            slices: AtomicU32::new(0),
            syscalls: AtomicU32::new(0),
            spawned: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            offer_every: AtomicU32::new(0),
            held_by: AtomicUsize::new(0),
        }
    }

    /// Wakes an M to steal `run_next`, in case the running G goes on for long. For the holder.
    ///
    /// Mostly it does not: two Gs that talk to each other put one another into `run_next` every few dozen nanoseconds, and an M woken for
    /// that finds nothing, at the cost of a system call here and a core there. So a wake-up that came to nothing doubles the number of
    /// offers that are skipped until the next, and one that was of use puts it back to none. What is skipped wrongly, when
    /// a program stops chatting and starts to compute, sysmon notices within a slice.
    #[cold]
    #[inline(never)]
    pub(crate) fn offer_run_next(&self, sched: &Sched) {
        // SAFETY: for the holder.
        let owner = unsafe { self.owner() };
        if owner.offers_to_skip > 0 {
            owner.offers_to_skip -= 1;
        } else if sched.handshake.claim_spinning() {
            // Relaxed: a heuristic.
            owner.offers_to_skip = self.offer_every.load(Ordering::Relaxed);
            sched.wake_spinning_m(Some(self));
        }
    }

    /// Learns whether the M that was woken by an offer found anything to do.
    pub(crate) fn note_offer(&self, useful: bool) {
        // Relaxed: a heuristic.
        let every = self.offer_every.load(Ordering::Relaxed);
        self.offer_every.store(if useful { 0 } else { (2 * every + 1).min(MAX_OFFERS_SKIPPED) }, Ordering::Relaxed);
    }

    /// What belongs to the holder.
    ///
    /// # Safety
    /// The caller holds this P, and the borrow ends before it gives it up or calls anything that borrows it again.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn owner(&self) -> &mut Owner {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.owner.get() }
    }

    pub(crate) fn state(&self) -> PState {
        // Acquire pairs with the release of `set_state` and `transition`.
        match self.state.load(Ordering::Acquire) {
            0 => PState::Idle,
            1 => PState::Running,
            2 => PState::Syscall,
            _ => PState::Retired,
        }
    }

    /// Moves on a P that the caller has to itself.
    #[inline]
    pub(crate) fn set_state(&self, to: PState) {
        // Release pairs with the acquire of who moves it on next: what the holder did with the P is seen.
        self.state.store(to as u8, Ordering::Release);
    }

    /// Tries to move it on. `true`: the caller has the P.
    #[inline]
    pub(crate) fn transition(&self, from: PState, to: PState) -> bool {
        // AcqRel: acquire pairs with the release of the last holder, release with the acquire of the next.
        self.state.compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Takes a dead G for a new thread. For the holder.
    #[inline]
    pub(crate) fn take_g(&self) -> &'static G {
        // SAFETY: for the holder.
        let owner = unsafe { self.owner() };
        owner.free_gs.pop().unwrap_or_else(|| {
            g::take_free(FREE_GS / 2, &mut owner.free_gs);
            owner.free_gs.pop().unwrap_or_else(|| fatal!("no free green thread after making some"))
        })
    }

    /// Keeps a G that nobody refers to any more. For the holder.
    #[inline]
    pub(crate) fn free_g(&self, g: &'static G) {
        // SAFETY: for the holder.
        let owner = unsafe { self.owner() };
        if owner.free_gs.len() == FREE_GS {
            g::give_free(owner.free_gs.drain(..FREE_GS / 2));
        }
        owner.free_gs.push(g);
    }

    /// Takes a number for a new thread. For the holder.
    #[inline]
    pub(crate) fn take_id(&self) -> u64 {
        // SAFETY: for the holder.
        let owner = unsafe { self.owner() };
        owner.ids.next().unwrap_or_else(|| {
            let first = take_ids(ID_BATCH);
            owner.ids = first + 1..first + ID_BATCH;
            first
        })
    }

    /// Takes a stack of `1 << shift` bytes. For the holder.
    #[inline]
    pub(crate) fn take_stack(&self, shift: u32) -> std::io::Result<Slot> {
        // SAFETY: for the holder.
        let owner = unsafe { self.owner() };
        match owner.stacks.pop_if(|slot| slot.shift() == shift) {
            Some(slot) => Ok(slot),
            None => Slot::take(shift),
        }
    }

    /// Keeps the stack of a thread that has ended, if it is of the size that most ask for, `1 << usual_shift`. For the holder.
    #[inline]
    pub(crate) fn free_stack(&self, slot: Slot, usual_shift: u32) {
        // The next thread to use it is in no order with this one.
        race::hook(|race| {
            let usable = slot.usable();
            race.forget(ptr::without_provenance::<u8>(usable.start), usable.len());
        });
        if slot.shift() != usual_shift {
            Slot::give_back(std::iter::once(slot));
            return;
        }
        // SAFETY: for the holder.
        let owner = unsafe { self.owner() };
        if owner.stacks.len() == FREE_STACKS {
            Slot::give_back(owner.stacks.drain(..FREE_STACKS / 2));
        }
        owner.stacks.push(slot);
    }

    /// Gives all it has to others: what a P does that is retired. For the holder, whose run queue is empty.
    pub(crate) fn hand_down(&self, heir: &P) {
        // SAFETY: for the holder.
        let owner = unsafe { self.owner() };
        g::give_free(owner.free_gs.drain(..));
        stack::Slot::give_back(owner.stacks.drain(..));
        self.timers.move_to(&heir.timers);
    }

    /// Counts, for the holder: a load and a store, no atomic addition.
    #[inline]
    pub(crate) fn count(counter: &AtomicU64) {
        // Relaxed: a statistic with one writer.
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Counts a time slice or a syscall, for the holder.
    #[inline]
    pub(crate) fn tick(counter: &AtomicU32) -> u32 {
        // Relaxed: sysmon compares it with what it saw before.
        let ticks = counter.load(Ordering::Relaxed).wrapping_add(1);
        counter.store(ticks, Ordering::Relaxed);
        ticks
    }
}
