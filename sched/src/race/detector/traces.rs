//! The stacks of accesses: each is kept once, however many accesses come from it, and for ever.
//!
//! A walk costs about a microsecond; looking a stack up among all that were ever seen takes a lock. What a P's threads do most
//! they have mostly done before, so each P remembers the stacks that it saw last, by their hash.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::stack;
use crate::traceback::{Cache, Registers, Unwinder};

/// The frames of a stack, leaf first. Equal ones are the same.
pub(super) type Trace = &'static [usize];

/// The most frames that are kept.
const MAX_FRAMES: usize = 64;
/// How many stacks a P remembers: a power of two.
const SEEN: usize = 256;

static ALL: Mutex<BTreeSet<Trace>> = Mutex::new(BTreeSet::new());

/// The one stack with these frames.
fn intern(frames: &[usize]) -> Trace {
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    match all.get(frames) {
        Some(trace) => trace,
        None => {
            let trace: Trace = Box::leak(Box::from(frames));
            all.insert(trace);
            trace
        }
    }
}

/// What walks the stacks of a P's threads.
#[derive(Default)]
pub(super) struct Walker(Option<Box<Memory>>);

/// Made when it is first needed: mostly never, as the detector is off.
struct Memory {
    rules: Cache,
    /// Each at the place that its hash says.
    seen: [Trace; SEEN],
}

impl std::fmt::Debug for Walker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walker").finish_non_exhaustive()
    }
}

impl Walker {
    /// The calls on the green stack that the caller was on when it took these registers.
    pub(super) fn walk(&mut self, registers: Registers) -> Trace {
        let memory = self.0.get_or_insert_with(|| Box::new(Memory { rules: Cache::new(), seen: [&[]; SEEN] }));
        let mut frames = [0; MAX_FRAMES];
        let count = match (Unwinder::loaded(), stack::frames_at(registers.sp)) {
            // SAFETY: the part of the stack above its guard; its owner is in a function that the caller has not returned to.
            (Some(unwinder), Some(stack)) => unsafe { unwinder.walk(&mut memory.rules, registers, stack, &mut frames) },
            _ => 0,
        };
        let frames = &frames[..count];
        let seen = &mut memory.seen[hash(frames) % SEEN];
        if *seen != frames {
            *seen = intern(frames);
        }
        seen
    }
}

fn hash(frames: &[usize]) -> usize {
    let mixed =
        frames.iter().fold(0usize, |hash, frame| (hash.rotate_left(5) ^ frame).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed >> 32
}

/// The calls on the stack of the OS thread that calls this, from the function with these registers on. The stack's bounds are unknown, and there is no
/// P: the C library's unwinder does it.
pub(super) fn of_os_thread(registers: Registers) -> Trace {
    let mut frames = [0; MAX_FRAMES];
    frames[0] = registers.pc;
    let mut count = 1;
    backtrace::trace(|frame| {
        // Those below, the detector's own, come first; the outermost may have no address.
        if frame.sp().addr() > registers.sp && !frame.ip().is_null() {
            frames[count] = frame.ip().addr();
            count += 1;
        }
        count < MAX_FRAMES
    });
    intern(&frames[..count])
}
