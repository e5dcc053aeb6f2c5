//! A task that waits: the third kind of [`Sleeper`](crate::Sleeper), beside green threads and OS threads.
//!
//! A task has no stack of its own to park; all that is known of it is a waker. What that does is the user's code: an executor's locks and
//! queues. Sleepers are woken in sections, and often under the lock of a primitive, where none of that may run. So a task's wake is a new green
//! thread, which calls the waker and ends.
//!
//! *Rejected*: a list of wakers to be called once the lock and the section are left, which every operation of every primitive
//! would have to look at; one thread that calls the wakers of all, which a single slow one would hold up; a thread for each wait of a task
//! instead of each wake, which costs a stack for as long as the task waits.

use std::cell::Cell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::task::Waker;

use crate::spawn::{Birth, spawn};
use sward_mem::fatal;

/// A task's waker, as long as it is to be called.
pub struct Task(Cell<Option<Waker>>);

impl Task {
    /// A task that is not to be woken.
    pub const fn new() -> Task {
        Task(Cell::new(None))
    }

    /// Has the task woken by `waker`, next time.
    pub fn set(&self, waker: &Waker) {
        let mut own = self.0.take();
        match &mut own {
            Some(own) => own.clone_from(waker),
            None => own = Some(waker.clone()),
        }
        self.0.set(own);
    }

    /// Has the waker called.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.0.take() {
            // SAFETY: a waker borrows nothing.
            drop(unsafe { spawn(Birth::default(), move || call(waker)) });
        }
    }
}

/// Calls a waker. Nobody would hear of its panic, and its payload must not be dropped where the thread's handle is: under a lock.
fn call(waker: Waker) {
    if panic::catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err() {
        fatal!("the waker of a task that waits for a channel panicked");
    }
}

impl Default for Task {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}
