//! The gate that all but the shortest paths of the heap go through: closing it leaves the heap at rest, for `fork` and for checks.
//!
//! A thread raises the flag of its own cache when it passes, and lowers it behind itself; that costs a fence, once in dozens of allocations. Who closes
//! the gate waits until all flags are down. What goes on behind a closed gate is what owners do with their own bins.
//!
//! ```text
//!   thread that passes            thread that closes
//!   1 flag := up                  1 closed := true
//!   2 fence                       2 fence
//!   3 closed? then flag := down,  3 waits for every flag
//!     waits, and from 1 again
//! ```
//! With a full fence between 1 and 2 on both sides, at least one of them sees what the other did.
//!
//! Rejected: a reader-writer lock, whose count of readers would be the one cache line that all threads of the heap fight for; stopping the threads by
//! signal, which the programs that use only the allocator would have to bear.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::atomic::{AtomicBool, Ordering, fence};
use crate::os;

pub(crate) struct Gate {
    closed: AtomicBool,
    /// Held while the gate is closed: who must wait waits for it.
    closing: Mutex<()>,
}

/// A thread's flag.
pub(crate) struct Flag(AtomicBool);

/// Evidence that the gate has been passed, until it is dropped.
pub(crate) struct Passage<'a>(&'a Flag);

/// Evidence that the gate is closed, until it is dropped.
pub(crate) struct Closed<'a> {
    gate: &'a Gate,
    _closing: MutexGuard<'a, ()>,
}

impl Flag {
    pub(crate) const fn new() -> Flag {
        Flag(AtomicBool::new(false))
    }
}

impl Gate {
    pub(crate) const fn new() -> Gate {
        Gate { closed: AtomicBool::new(false), closing: Mutex::new(()) }
    }

    /// Passes the gate, when it is open.
    #[inline]
    pub(crate) fn pass<'a>(&self, flag: &'a Flag) -> Passage<'a> {
        loop {
            // Relaxed, both: the fence orders them, see the module.
            flag.0.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            // Acquire pairs with the release that opened the gate.
            if !self.closed.load(Ordering::Acquire) {
                return Passage(flag);
            }
            self.wait(flag);
        }
    }

    #[cold]
    fn wait(&self, flag: &Flag) {
        // Release, as when a passage ends.
        flag.0.store(false, Ordering::Release);
        drop(self.closing.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Closes the gate and waits until nobody is behind it who has one of the flags. Those that are made later find it closed.
    ///
    /// The caller must not have passed it.
    pub(crate) fn close<'a>(&self, flags: impl Iterator<Item = &'a Flag>) -> Closed<'_> {
        let closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        // Relaxed: the fence orders it, see the module.
        self.closed.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        for flag in flags {
            // Acquire pairs with the release that lowers it: what was done behind the gate is seen.
            while flag.0.load(Ordering::Acquire) {
                os::yield_now();
            }
        }
        Closed { gate: self, _closing: closing }
    }
}

impl Drop for Passage<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release pairs with the acquire in `close`.
        self.0.0.store(false, Ordering::Release);
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        // Release pairs with the acquire in `pass`.
        self.gate.closed.store(false, Ordering::Release);
    }
}
