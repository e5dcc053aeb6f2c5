//! The runnable Gs of one P.
//!
//! Three places, looked at in this order:
//!
//! 1. **`run_next`**, one G: the one that the running G has just woken. It runs next, on the rest of the running G's time slice,
//!    while the message that it was woken for is in the cache.
//! 2. **`started`**, first in, first out: Gs with a stack.
//! 3. **`fresh`**, last in, first out: Gs that have not begun, hence have no stack.
//!
//! Why two queues: a fresh G that begins and parks turns a record of a few hundred bytes into a stack. Taken oldest first, a tree
//! of spawned threads is walked breadth first, and a whole level of it stands there parked; taken newest first, and after the
//! started ones, it is walked depth first, and as much stack is in use as the tree is deep. (Blumofe and Leiserson,
//! *Scheduling Multithreaded Computations by Work Stealing*, 1999, prove the bound for such an order.) Thieves take the oldest fresh
//! G, the root of the largest piece of work.
//!
//! Nobody starves: every fourth pick looks at `fresh` first, and once in a time slice sysmon asks for a **fair turn**: the global queue
//! gives a batch, `run_next` joins the tail of `started`, which ends the inheriting of slices, and the oldest fresh G runs.
//!
//! The queues are crossbeam's Chase-Lev deques; `run_next` is an atomic pointer that its owner swaps and a thief takes by CAS.
//! A thief takes it last and only from a P that has not switched for some microseconds: otherwise two Gs that wake each other
//! would be torn apart at each message.

use std::cell::Cell;
use std::ptr;
use std::time::Duration;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};

use crate::context;
use crate::g::G;
use crate::stack;
use sward_mem::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

/// A runnable G in a queue.
#[derive(Clone, Copy)]
pub(crate) struct Task(pub(crate) &'static G);

/// How long a thief watches a P before it takes its `run_next`. Longer than the futex call by which that P may be waking the thief.
const RUN_NEXT_GRACE: Duration = Duration::from_micros(15);

/// The slot for the G that runs next: one owner, many thieves.
#[derive(Debug)]
pub(crate) struct RunNext(AtomicPtr<G>);

impl RunNext {
    pub(crate) fn new() -> Self {
        RunNext(AtomicPtr::new(ptr::null_mut()))
    }

    /// Puts `g` there; returns the one that it pushes out.
    #[inline]
    pub(crate) fn put(&self, g: *mut G) -> *mut G {
        // Relaxed: only the owner fills the slot. An empty one stays so, and needs no swap.
        if self.0.load(Ordering::Relaxed).is_null() {
            // Release pairs with the acquire of who takes it.
            self.0.store(g, Ordering::Release);
            return ptr::null_mut();
        }
        // AcqRel: release for the acquire of who takes it; acquire for what is pushed out, if another M put it there.
        self.0.swap(g, Ordering::AcqRel)
    }

    /// Takes what is there; null for nothing.
    #[inline]
    pub(crate) fn take(&self) -> *mut G {
        // Relaxed: only the owner fills the slot, so it sees its own store; a thief can only empty it, which the swap sees.
        if self.0.load(Ordering::Relaxed).is_null() {
            return ptr::null_mut();
        }
        // Acquire pairs with the release of `put`, which another M did if the P has changed hands.
        self.0.swap(ptr::null_mut(), Ordering::Acquire)
    }

    /// What is there, without taking it.
    pub(crate) fn peek(&self) -> *mut G {
        // Relaxed: who takes it synchronises.
        self.0.load(Ordering::Relaxed)
    }

    /// Takes `g` if it is still there: a thief's way.
    pub(crate) fn steal(&self, g: *mut G) -> bool {
        // Acquire pairs with the release of `put`. A slot that was emptied and filled with the same G again is as good.
        self.0.compare_exchange(g, ptr::null_mut(), Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}

/// The owner's side: used by the M that has the P.
pub(crate) struct RunQueue {
    started: Worker<Task>,
    fresh: Worker<Task>,
    picks: Cell<u32>,
}

/// The side that everybody may use.
pub(crate) struct Shared {
    run_next: RunNext,
    started: Stealer<Task>,
    fresh: Stealer<Task>,
    /// Set by sysmon: the next pick is a fair turn.
    fair_turn: AtomicBool,
    /// How often the P has switched: tells a thief whether it is stuck.
    switches: AtomicU32,
}

/// A picked G, and whether it goes on in the time slice of the one before.
pub(crate) struct Pick {
    pub(crate) g: &'static G,
    pub(crate) inherits_slice: bool,
}

impl Pick {
    fn new_slice(task: Task) -> Pick {
        Pick { g: task.0, inherits_slice: false }
    }
}

/// Makes the two sides of an empty queue.
pub(crate) fn new() -> (RunQueue, Shared) {
    let queue = RunQueue { started: Worker::new_fifo(), fresh: Worker::new_lifo(), picks: Cell::new(0) };
    let shared = Shared {
        run_next: RunNext::new(),
        started: queue.started.stealer(),
        fresh: queue.fresh.stealer(),
        fair_turn: AtomicBool::new(false),
        switches: AtomicU32::new(0),
    };
    (queue, shared)
}

impl RunQueue {
    /// Appends a G that has run before.
    #[inline]
    pub(crate) fn push_started(&self, g: &'static G) {
        push(&self.started, g);
    }

    /// Adds a G that has not run yet.
    #[inline]
    pub(crate) fn push_fresh(&self, g: &'static G) {
        push(&self.fresh, g);
    }

    /// Makes `g` the next to run; the one that was to be so joins the tail. Tells whether there was one.
    #[inline]
    pub(crate) fn push_next(&self, shared: &Shared, g: &'static G) -> bool {
        let old = shared.run_next.put(ptr::from_ref(g).cast_mut());
        // SAFETY: what is in the slot is null or a G, and Gs live for ever.
        let Some(old) = (unsafe { old.as_ref() }) else { return false };
        old.status.pushed_out();
        self.push_started(old);
        true
    }

    /// Takes the next G.
    #[inline]
    pub(crate) fn pop(&self, shared: &Shared) -> Option<Pick> {
        if shared.fair_turn_is_due() {
            return self.pop_fairly(shared);
        }
        // SAFETY: as in `push_next`.
        if let Some(g) = unsafe { shared.run_next.take().as_ref() } {
            return Some(Pick { g, inherits_slice: true });
        }
        let picks = self.picks.get().wrapping_add(1);
        self.picks.set(picks);
        let task = if picks.is_multiple_of(4) {
            self.fresh.pop().or_else(|| self.started.pop())
        } else {
            self.started.pop().or_else(|| self.fresh.pop())
        };
        task.map(Pick::new_slice)
    }

    #[cold]
    fn pop_fairly(&self, shared: &Shared) -> Option<Pick> {
        // Relaxed: a request, ordered with nothing.
        shared.fair_turn.store(false, Ordering::Relaxed);
        // SAFETY: as in `push_next`.
        if let Some(g) = unsafe { shared.run_next.take().as_ref() } {
            g.status.pushed_out();
            self.push_started(g);
        }
        let oldest_fresh = std::iter::repeat_with(|| shared.fresh.steal()).find(|steal| !steal.is_retry());
        oldest_fresh.and_then(Steal::success).or_else(|| self.started.pop()).map(Pick::new_slice)
    }

    /// Whether there is nothing to run.
    #[inline]
    pub(crate) fn is_empty(&self, shared: &Shared) -> bool {
        shared.run_next.peek().is_null() && self.started.is_empty() && self.fresh.is_empty()
    }

    /// Empties the queue into the global one.
    pub(crate) fn drain(&self, shared: &Shared, global: &Injector<Task>) {
        shared.ask_fair_turn();
        while let Some(pick) = self.pop(shared) {
            global.push(Task(pick.g));
        }
    }

    /// Counts a switch, for thieves that wait whether `run_next` is stuck.
    #[inline]
    pub(crate) fn count_switch(&self, shared: &Shared) {
        // Relaxed: only the owner writes, thieves compare.
        shared.switches.store(shared.switches.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// Takes half of another P's Gs: one to run now, the rest into this queue.
    pub(crate) fn steal_half(&self, victim: &Shared) -> Option<Pick> {
        loop {
            let steal = victim
                .started
                .steal_batch_and_pop(&self.started)
                .or_else(|| victim.fresh.steal_batch_and_pop(&self.fresh));
            if !steal.is_retry() {
                return steal.success().map(Pick::new_slice);
            }
        }
    }

    /// The queue into which a batch from the global queue goes.
    pub(crate) fn started(&self) -> &Worker<Task> {
        &self.started
    }
}

/// Appends `g`. A deque that grows does so on the M's stack: crossbeam's memory reclamation takes kilobytes of it in a debug build, more
/// than a small green stack has left.
#[inline]
fn push(deque: &Worker<Task>, g: &'static G) {
    let len = deque.len();
    if len >= LEAST_CAPACITY && len.is_power_of_two() {
        push_growing(deque, g);
    } else {
        deque.push(Task(g));
    }
}

/// crossbeam's capacities are powers of two from here.
const LEAST_CAPACITY: usize = 64;

#[cold]
fn push_growing(deque: &Worker<Task>, g: &'static G) {
    match stack::current_g() {
        // SAFETY: the caller runs on that stack, and pushing suspends nobody.
        Some(caller) => unsafe { context::on_m_stack(caller, || deque.push(Task(g))) },
        None => deque.push(Task(g)),
    }
}

impl Shared {
    /// Whether there is nothing to run.
    pub(crate) fn is_empty(&self) -> bool {
        self.run_next.peek().is_null() && self.started.is_empty() && self.fresh.is_empty()
    }

    /// Whether Gs wait here that others should take: not `run_next`, which the owner is about to run.
    pub(crate) fn has_surplus(&self) -> bool {
        !self.started.is_empty() || !self.fresh.is_empty()
    }

    /// How many Gs wait here.
    pub(crate) fn len(&self) -> usize {
        usize::from(!self.run_next.peek().is_null()) + self.started.len() + self.fresh.len()
    }

    /// Takes `run_next` from a P that does not get round to it. `patient`: after watching the P for a while.
    pub(crate) fn steal_run_next(&self, patient: bool) -> Option<Pick> {
        let g = self.run_next.peek();
        if g.is_null() {
            return None;
        }
        if patient {
            // Relaxed: compared only with itself.
            let switches = self.switches.load(Ordering::Relaxed);
            let begin = std::time::Instant::now();
            while begin.elapsed() < RUN_NEXT_GRACE {
                std::hint::spin_loop();
            }
            if self.switches.load(Ordering::Relaxed) != switches {
                return None;
            }
        }
        // SAFETY: as in `push_next`.
        self.run_next.steal(g).then(|| Pick::new_slice(Task(unsafe { &*g })))
    }

    /// Whether a fair turn was asked for.
    #[inline]
    pub(crate) fn fair_turn_is_due(&self) -> bool {
        // Relaxed: a request, ordered with nothing.
        self.fair_turn.load(Ordering::Relaxed)
    }

    /// Asks for a fair turn.
    pub(crate) fn ask_fair_turn(&self) {
        // Relaxed: see `pop`.
        self.fair_turn.store(true, Ordering::Relaxed);
    }

    /// How often the P has switched.
    pub(crate) fn switches(&self) -> u32 {
        // Relaxed: compared only with itself.
        self.switches.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    /// Owner and thief: each G that goes in comes out once.
    #[test]
    fn loom_run_next_hands_each_g_to_one_taker() {
        loom::model(|| {
            let slot = Arc::new(RunNext::new());
            let (a, b) = (8 as *mut G, 16 as *mut G);
            let thief = {
                let slot = slot.clone();
                thread::spawn(move || {
                    let seen = slot.peek();
                    (!seen.is_null() && slot.steal(seen)).then_some(seen)
                })
            };
            let mut out = vec![slot.put(a), slot.put(b), slot.take()];
            out.extend(thief.join().unwrap());
            out.push(slot.take());
            out.retain(|g| !g.is_null());
            out.sort_unstable();
            assert_eq!(out, [a, b]);
        });
    }
}
