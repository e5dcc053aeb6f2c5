//! A queue of threads that wait for a primitive, first in, first out.
//!
//! A node lies on the stack of the thread that waits, so queueing allocates nothing. The list is a ring of links through the nodes, known
//! by its first one.
//!
//! A primitive keeps the queue in a [`SpinLock`](sward_sched::SpinLock), and its waiter gives that lock up in the commit of its park.
//! Who has taken a node out has the node until it wakes it, without the lock too; after that, the node is gone.
//!
//! A wait that may be ended otherwise, by the time or a cancellation, has a [`Claim`], which that takes instead of a waker. A node whose claim the waker finds gone is
//! dropped from the queue and left alone. It is there as long as the lock is held: its owner takes the lock, to remove it, before it
//! returns.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::ptr::NonNull;

use sward_sched::{Claim, Section, Sleeper};

/// A thread that waits: a node of the queue.
pub(super) struct Waiter<N = ()> {
    sleeper: Sleeper,
    claim: Cell<Option<Claim>>,
    /// What its waker has to tell it: for a mutex, that the lock is the waiter's already.
    granted: Cell<bool>,
    /// The neighbours; without any, it is in no queue. Where it is alone, it is its own neighbour.
    links: Cell<Option<Links<N>>>,
    /// What the primitive notes of it.
    note: N,
    /// Others point to it.
    _pinned: PhantomPinned,
}

struct Links<N> {
    before: NonNull<Waiter<N>>,
    after: NonNull<Waiter<N>>,
}

impl<N> Clone for Links<N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N> Copy for Links<N> {}

impl Waiter {
    /// The calling thread, which is about to wait.
    pub(super) fn current(section: &Section) -> Waiter {
        Waiter::with(section, ())
    }
}

impl<N> Waiter<N> {
    /// The calling thread, which is about to wait, with a note.
    pub(super) fn with(section: &Section, note: N) -> Waiter<N> {
        Waiter {
            sleeper: Sleeper::current(section),
            claim: Cell::new(None),
            granted: Cell::new(false),
            links: Cell::new(None),
            note,
            _pinned: PhantomPinned,
        }
    }

    /// Lets others than a waker end the wait, if there are any: the time, if it is `limited`, or who cancels it. For the owner, holding the
    /// queue's lock until it parks.
    pub(super) fn claim_if(&self, section: &Section, limited: bool) -> Option<Claim> {
        let claim = section.claim_if(limited);
        self.claim.set(claim);
        claim
    }

    /// What the waker has told. For the owner, once it has been woken, or under the queue's lock.
    pub(super) fn is_granted(&self) -> bool {
        self.granted.get()
    }

    pub(super) fn note(&self) -> &N {
        &self.note
    }

    fn neighbours(&self) -> Links<N> {
        self.links.get().expect("a waiter in a queue has neighbours")
    }
}

/// A waiter that has been taken out of its queue and is to be woken.
#[must_use = "nobody else will wake it"]
pub(super) struct Woken<N = ()>(NonNull<Waiter<N>>);

impl<N> Woken<N> {
    fn waiter(&self) -> &Waiter<N> {
        // SAFETY: it waits for this to be used up, so the node is there.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn note(&self) -> &N {
        &self.waiter().note
    }

    /// Wakes it, and tells it that what it waits for is its own.
    pub(super) fn grant(self, section: &Section) {
        self.waiter().granted.set(true);
        self.wake(section);
    }

    /// Wakes it.
    pub(super) fn wake(self, section: &Section) {
        // The node is not touched after the wake.
        let sleeper = self.waiter().sleeper;
        // SAFETY: it was queued under the lock that its park gave up, and taken out once.
        unsafe { sleeper.wake(section) };
    }

    /// Tells it that what it waits for is its own. It has not parked, and will look under the lock, which the caller holds.
    pub(super) fn grant_unparked(self) {
        self.waiter().granted.set(true);
    }
}

/// See the [module](self).
pub(super) struct Waiters<N = ()> {
    first: Option<NonNull<Waiter<N>>>,
}

// SAFETY: the nodes belong to whoever has the queue, and a `Sleeper` may be woken from any thread.
unsafe impl<N: Send> Send for Waiters<N> {}

impl<N> Default for Waiters<N> {
    fn default() -> Self {
        Waiters::new()
    }
}

impl<N> Waiters<N> {
    pub(super) const fn new() -> Self {
        Waiters { first: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let after = |&waiter: &NonNull<Waiter<N>>| {
            // SAFETY: as in `push_back`.
            Some(unsafe { waiter.as_ref() }.neighbours().after).filter(|&after| Some(after) != self.first)
        };
        std::iter::successors(self.first, after).count()
    }

    /// Queues a waiter behind all others.
    ///
    /// # Safety
    /// It is in no queue, and stays where it is until it has been taken out and woken, or removed.
    pub(super) unsafe fn push_back(&mut self, waiter: &Waiter<N>) {
        let new = NonNull::from(waiter);
        let first = *self.first.get_or_insert(new);
        if first == new {
            waiter.links.set(Some(Links { before: new, after: new }));
            return;
        }
        // SAFETY: a queued node is there, by the promise of whoever queued it.
        let before = unsafe { first.as_ref() }.neighbours().before;
        waiter.links.set(Some(Links { before, after: first }));
        // SAFETY: as above, for both, which are neighbours.
        unsafe {
            link(before, waiter.into());
            link(waiter.into(), first);
        }
    }

    /// Queues a waiter before all others.
    ///
    /// # Safety
    /// As [`push_back`](Self::push_back).
    pub(super) unsafe fn push_front(&mut self, waiter: &Waiter<N>) {
        // SAFETY: as the caller promises.
        unsafe { self.push_back(waiter) };
        self.first = Some(waiter.into());
    }

    /// Takes out the first one.
    pub(super) fn pop_front(&mut self) -> Option<Woken<N>> {
        self.pop_front_if(|_| true)
    }

    /// Takes out the first one, if its note is as wished.
    pub(super) fn pop_front_if(&mut self, wished: impl Fn(&N) -> bool) -> Option<Woken<N>> {
        loop {
            let first = self.first?;
            // SAFETY: as in `push_back`.
            let waiter = unsafe { first.as_ref() };
            if !wished(&waiter.note) {
                return None;
            }
            // SAFETY: it is in this queue.
            unsafe { self.remove(waiter) };
            // SAFETY: its owner is alive: it is to be woken, or must take the lock before its wait returns.
            if waiter.claim.get().is_none_or(|claim| unsafe { claim.take() }) {
                return Some(Woken(first));
            }
        }
    }

    /// Takes all out.
    pub(super) fn pop_all(&mut self) -> AllWoken<N> {
        let mut all = AllWoken::new();
        while let Some(woken) = self.pop_front() {
            all.push(woken);
        }
        all
    }

    /// Takes this waiter out, if it still is in the queue.
    ///
    /// # Safety
    /// It is in no other queue.
    pub(super) unsafe fn remove(&mut self, waiter: &Waiter<N>) {
        let Some(Links { before, after }) = waiter.links.take() else { return };
        let this = NonNull::from(waiter);
        if after == this {
            self.first = None;
            return;
        }
        // SAFETY: as in `push_back`, for both.
        unsafe { link(before, after) };
        if self.first == Some(this) {
            self.first = Some(after);
        }
    }
}

/// Makes two nodes neighbours.
///
/// # Safety
/// Both are there, and in the queue.
unsafe fn link<N>(before: NonNull<Waiter<N>>, after: NonNull<Waiter<N>>) {
    // SAFETY: as the caller promises.
    let (left, right) = unsafe { (before.as_ref(), after.as_ref()) };
    left.links.set(Some(Links { after, ..left.neighbours() }));
    right.links.set(Some(Links { before, ..right.neighbours() }));
}

/// Waiters that have been taken out and are to be woken, in this order. Their links are free until then.
#[must_use = "nobody else will wake them"]
pub(super) struct AllWoken<N = ()> {
    queue: Waiters<N>,
    len: usize,
}

impl<N> AllWoken<N> {
    pub(super) fn new() -> Self {
        AllWoken { queue: Waiters::new(), len: 0 }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, woken: Woken<N>) {
        // SAFETY: it has been taken out, and is there until it is woken.
        unsafe { self.queue.push_back(woken.0.as_ref()) };
        self.len += 1;
    }

    /// Wakes all, and tells them that what they wait for is their own.
    pub(super) fn grant(mut self, section: &Section) {
        while let Some(first) = self.queue.first {
            // SAFETY: it is in this queue, as it has not been woken yet.
            unsafe { self.queue.remove(first.as_ref()) };
            Woken(first).grant(section);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes<const N: usize>() -> [Waiter; N] {
        let section = Section::enter();
        std::array::from_fn(|_| Waiter::current(&section))
    }

    /// Empties a queue of nodes that never wait: what comes out, in order.
    fn drain(waiters: &mut Waiters) -> Vec<*const Waiter> {
        std::iter::from_fn(|| waiters.pop_front()).map(|woken| woken.0.as_ptr().cast_const()).collect()
    }

    #[test]
    fn is_first_in_first_out_but_for_those_in_front() {
        let nodes = nodes::<5>();
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

    #[test]
    fn any_can_be_removed() {
        let nodes = nodes::<4>();
        for gone in 0..4 {
            let mut waiters = Waiters::new();
            // SAFETY: the nodes outlive the queue, and are in no other.
            unsafe {
                nodes.iter().for_each(|node| waiters.push_back(node));
                waiters.remove(&nodes[gone]);
                waiters.remove(&nodes[gone]);
            }
            let left: Vec<_> = (0..4).filter(|&i| i != gone).map(|i| &raw const nodes[i]).collect();
            assert_eq!(drain(&mut waiters), left);
        }
        let mut waiters = Waiters::new();
        // SAFETY: as above.
        unsafe {
            waiters.push_back(&nodes[0]);
            waiters.remove(&nodes[0]);
        }
        assert!(waiters.is_empty());
    }

    #[test]
    fn one_whose_claim_is_gone_is_passed_over() {
        let nodes = nodes::<2>();
        let mut waiters = Waiters::new();
        // SAFETY: the nodes outlive the queue; the claim is this thread's.
        unsafe {
            waiters.push_back(&nodes[0]);
            waiters.push_back(&nodes[1]);
            assert!(nodes[0].claim_if(&Section::enter(), true).unwrap().take());
        }
        assert_eq!(drain(&mut waiters), [&raw const nodes[1]]);
        assert!(nodes[0].links.get().is_none());
    }

    #[test]
    fn nobody_overtakes_one_that_is_not_wished() {
        let section = Section::enter();
        let nodes = [3, 1].map(|n| Waiter::with(&section, n));
        let mut waiters = Waiters::new();
        // SAFETY: the nodes outlive the queue.
        unsafe { nodes.iter().for_each(|node| waiters.push_back(node)) };
        assert!(waiters.pop_front_if(|&n| n < 3).is_none());
        assert_eq!(waiters.pop_front_if(|&n| n == 3).map(|woken| *woken.note()), Some(3));
        assert_eq!(waiters.pop_front_if(|&n| n < 3).map(|woken| *woken.note()), Some(1));
    }
}
