//! The built-in detector of happens-before.
//!
//! It is FastTrack's algorithm, on accesses that are reported to it: two accesses to the same byte, one of them a write, are a race if neither is
//! ordered before the other by a chain of edges. How far apart they were in time does not matter, so a verdict depends on what the
//! program did, and not on luck.
//!
//! # Pieces
//! - Each thread, green or OS, has a [`Timeline`]: a number, its **slot**, and a vector clock, which says for each slot up to what time of that
//!   thread's it has seen ([`clock`], [`slots`]). A thread's own time goes on with each release.
//! - [`memory`] has a clock for each object that edges go through, and for each eight bytes of memory the last accesses, as **epochs**: the slot and its
//!   time ([`granule`]). An access is ordered before what a thread does if that thread's clock has seen its epoch.
//! - [`traces`] has the stack of each access, found by the runtime's own walker.
//! - [`report`] prints.
//!
//! # Who owns what
//! A timeline belongs to its thread. Code on an M's own stack inside a foreign call is the green thread that made the call. What helps with
//! the work and belongs to no thread (the walker's memory, the stacks seen last) belongs to the P, and is used without a lock: that is
//! why no hook may run without one.
//!
//! Locks are held for a look into a tree, and one inside another only in this order: a timeline's, one of the memory's. Nothing is printed under them.
//!
//! A hook's work is done on the M's own stack. A green stack may be small, and neither trees nor symbols ask how much is left of it.
//!
//! # OS threads
//! The detector is not told who starts or joins an OS thread. So it takes everything that was done before an OS thread's first hook to be ordered before
//! it, and an OS thread that has ended to be ordered before everything that comes: races are missed, none is made up. (An M is
//! no such thread: it runs nobody's code but that of its green threads, and begins knowing nothing.)
//!
//! # Rejected
//! - Full vector clocks for each place: an epoch is enough as long as accesses are ordered, which is nearly always.
//! - A shadow at a fixed distance from each address, as ThreadSanitizer has it: much faster, but it needs the address space to be laid out for it. What is reported
//!   here are the accesses of `race::Cell`s and of the runtime itself, not each load of the program.

mod clock;
mod granule;
mod memory;
mod report;
mod slots;
#[cfg(all(test, not(loom)))]
mod tests;
mod timeline;
mod traces;

use std::cell::RefCell;

use super::Thread;
use crate::context;
use crate::g::G;
use crate::m::{self, M};
use crate::spin::SpinLock;
use crate::traceback::Registers;
use granule::Access;
use memory::Memory;
use timeline::Timeline;
use traces::Walker;

pub use report::reports;

/// What the detector keeps of a G: the timeline of the last thread that it was. It outlives that thread, whose end is not its last hook.
#[derive(Debug, Default)]
pub(crate) struct OfG(SpinLock<Option<Timeline>>);

/// What the detector keeps of a P.
#[derive(Debug, Default)]
pub(crate) struct OfP(Walker);

/// What the detector keeps of an OS thread.
struct OfOs(RefCell<Option<Timeline>>);

impl Drop for OfOs {
    fn drop(&mut self) {
        if let Some(timeline) = self.0.take() {
            timeline.settle();
        }
    }
}

thread_local! {
    #[allow(clippy::disallowed_macros, reason = "used on OS threads, which never change under the code")]
    static OS_THREAD: OfOs = const { OfOs(RefCell::new(None)) };
}

static MEMORY: Memory = Memory::new();

pub(crate) fn acquire(thread: Thread, object: usize) {
    thread.with_timeline(|timeline| MEMORY.acquire(object, timeline));
}

pub(crate) fn release(thread: Thread, object: usize) {
    thread.with_timeline(|timeline| MEMORY.release(object, timeline));
}

pub(crate) fn release_store(thread: Thread, object: usize) {
    thread.with_timeline(|timeline| MEMORY.release_store(object, timeline));
}

pub(crate) fn hand_over(thread: Thread, object: usize) {
    thread.with_timeline(|timeline| MEMORY.hand_over(object, timeline));
}

pub(crate) fn exchange(thread: Thread, one: usize, other: usize) {
    thread.on_roomy_stack(|| MEMORY.exchange(one, other));
}

pub(crate) fn forget(thread: Thread, place: usize, bytes: usize) {
    thread.on_roomy_stack(|| MEMORY.forget(place, bytes));
}

#[inline(never)]
pub(crate) fn read(thread: Thread, place: usize, bytes: usize) {
    access(thread, Registers::capture(), place, bytes, false);
}

#[inline(never)]
pub(crate) fn write(thread: Thread, place: usize, bytes: usize) {
    access(thread, Registers::capture(), place, bytes, true);
}

/// An access by the function of the runtime whose registers these are.
fn access(thread: Thread, registers: Registers, place: usize, bytes: usize, is_write: bool) {
    let found = thread.with_timeline(|timeline| {
        let epoch = timeline.epoch();
        if MEMORY.knows(epoch, place, bytes, is_write) {
            return Vec::new();
        }
        let trace = thread.trace(registers);
        MEMORY.access(&Access { epoch, place, bytes, is_write, trace }, timeline)
    });
    if let Some(races) = found.filter(|races| !races.is_empty()) {
        thread.on_roomy_stack(|| races.iter().for_each(report::report));
    }
}

pub(crate) fn spawned(thread: Thread, g: &'static G) {
    let child = thread.with_timeline(|parent| {
        MEMORY.forget(end_of(g), 1);
        parent.spawn(g)
    });
    if let Some(previous) = g.race.0.lock().replace(child.unwrap_or_else(|| Timeline::of_stranger(g))) {
        previous.end();
    }
}

pub(crate) fn ended(thread: Thread) {
    if let Some(g) = thread.g() {
        release_store(thread, end_of(g));
    }
}

pub(crate) fn joined(thread: Thread, g: &'static G) {
    acquire(thread, end_of(g));
}

/// The object that the end of a green thread goes through.
fn end_of(g: &'static G) -> usize {
    std::ptr::from_ref(g).addr()
}

impl Thread {
    /// The green thread that calls a hook, if it is one.
    fn g(self) -> Option<&'static G> {
        match self {
            Thread::Green(g, _) => Some(g),
            Thread::Os => m::current().and_then(M::current),
        }
    }

    /// Runs `f` where there is room.
    fn on_roomy_stack<R>(self, f: impl FnOnce() -> R) -> R {
        match self {
            // SAFETY: a hook of `g` runs on its stack; `f` is code of the detector, which suspends nobody.
            Thread::Green(g, _) => unsafe { context::on_m_stack(g, f) },
            Thread::Os => f(),
        }
    }

    /// Runs `f` with the caller's timeline, where there is room. `None`: an OS thread whose thread-locals are gone, which is past its end.
    fn with_timeline<R>(self, f: impl FnOnce(&mut Timeline) -> R) -> Option<R> {
        self.on_roomy_stack(|| match self.g() {
            Some(g) => Some(f(g.race.0.lock().get_or_insert_with(|| Timeline::of_stranger(g)))),
            None => OS_THREAD.try_with(|os| f(os.0.borrow_mut().get_or_insert_with(Timeline::of_os_thread))).ok(),
        })
    }

    /// The calls that led to a hook, from the function with these registers on.
    fn trace(self, registers: Registers) -> traces::Trace {
        match self {
            // SAFETY: a hook runs in a section, which keeps the P; nothing in a walk asks for what belongs to its owner.
            Thread::Green(_, p) => unsafe { p.owner() }.race.0.walk(registers),
            Thread::Os => traces::of_os_thread(registers),
        }
    }
}
