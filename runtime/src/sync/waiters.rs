//! A queue of threads that wait for a primitive, first in, first out.
//!
//! A node lies on the stack of the thread that waits, so queueing allocates nothing. The list is a ring that is known by its last
//! node: one word finds both ends.
//!
//! A primitive keeps the queue in a [`SpinLock`](sward_sched::SpinLock), and its waiter gives that lock up in the commit of its park.
//! Who has taken a node out has the node until it wakes it; after that, the node is gone.

use std::cell::Cell;
use std::ptr::NonNull;

use sward_sched::{Section, Sleeper};

/// A thread that waits: a node of the queue.
#[derive(Debug)]
pub(super) struct Waiter {
    sleeper: Sleeper,
    /// What its waker has to tell it: for a mutex, that the lock is the waiter's already.
    granted: Cell<bool>,
    next: Cell<Option<NonNull<Waiter>>>,
}

impl Waiter {
    /// The calling thread, which is about to wait.
    pub(super) fn current(section: &Section) -> Waiter {
        Waiter { sleeper: Sleeper::current(section), granted: Cell::new(false), next: Cell::new(None) }
    }

    /// What the waker has told, once it has woken this thread.
    pub(super) fn is_granted(&self) -> bool {
        self.granted.get()
    }
}

/// A waiter that has been taken out of its queue and is to be woken.
#[derive(Debug)]
#[must_use = "nobody else will wake it"]
pub(super) struct Woken(NonNull<Waiter>);

impl Woken {
    /// Wakes it, and tells it that what it waits for is its own.
    pub(super) fn grant(self, section: &Section) {
        // SAFETY: it waits for this call, so the node is there.
        unsafe { self.0.as_ref() }.granted.set(true);
        self.wake(section);
    }

    /// Wakes it.
    pub(super) fn wake(self, section: &Section) {
        // SAFETY: it waits for this call, so the node is there; it is not touched after.
        let sleeper = unsafe { self.0.as_ref() }.sleeper;
        // SAFETY: it was queued under the lock that its park gave up, and taken out once.
        unsafe { sleeper.wake(section) };
    }
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// The last node; its `next` is the first.
    last: Option<NonNull<Waiter>>,
}

// SAFETY: the nodes belong to whoever has the queue, and a `Sleeper` may be woken from any thread.
unsafe impl Send for Waiters {}

impl Waiters {
    pub(super) const fn new() -> Waiters {
        Waiters { last: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// Queues a waiter behind all others.
    ///
    /// # Safety
    /// The node stays where it is until the waiter has been taken out and woken.
    pub(super) unsafe fn push_back(&mut self, waiter: &Waiter) {
        // SAFETY: as the caller promises.
        unsafe { self.push_front(waiter) };
        self.last = Some(NonNull::from(waiter));
    }

    /// Queues a waiter before all others.
    ///
    /// # Safety
    /// As [`push_back`](Self::push_back).
    pub(super) unsafe fn push_front(&mut self, waiter: &Waiter) {
        let node = NonNull::from(waiter);
        // SAFETY: a queued node is there, by the promise of whoever queued it.
        let last = unsafe { self.last.get_or_insert(node).as_ref() };
        // Alone, it is its own next.
        waiter.next.set(Some(last.next.get().unwrap_or(node)));
        last.next.set(Some(node));
    }

    /// Takes out the one that is first.
    pub(super) fn pop_front(&mut self) -> Option<Woken> {
        let last = self.last?;
        // SAFETY: as in `push_front`.
        let first = unsafe { last.as_ref() }.next.get()?;
        if first == last {
            self.last = None;
        } else {
            // SAFETY: as in `push_front`, for both.
            unsafe { last.as_ref().next.set(first.as_ref().next.get()) };
        }
        Some(Woken(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Queues of nodes that never wait: what comes out, in order.
    fn drain(waiters: &mut Waiters) -> Vec<*const Waiter> {
        std::iter::from_fn(|| waiters.pop_front()).map(|woken| woken.0.as_ptr().cast_const()).collect()
    }

    #[test]
    fn is_first_in_first_out_but_for_those_in_front() {
        let section = Section::enter();
        let nodes: [Waiter; 5] = std::array::from_fn(|_| Waiter::current(&section));
        let mut waiters = Waiters::new();
        assert!(waiters.is_empty() && waiters.pop_front().is_none());
        // SAFETY: the nodes outlive the queue.
        unsafe {
            waiters.push_back(&nodes[1]);
            waiters.push_back(&nodes[2]);
            waiters.push_front(&nodes[0]);
            waiters.push_back(&nodes[3]);
        }
        assert_eq!(drain(&mut waiters), [0, 1, 2, 3].map(|i| &raw const nodes[i]));
        assert!(waiters.is_empty());
        // SAFETY: as above.
        unsafe {
            waiters.push_front(&nodes[4]);
            waiters.push_front(&nodes[3]);
        }
        assert_eq!(drain(&mut waiters), [3, 4].map(|i| &raw const nodes[i]));
        assert!(waiters.is_empty());
    }
}
