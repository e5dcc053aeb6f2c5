//! The queue of threads that wait for a channel, first come first served.
//!
//! An entry, a [`Waiter`], lies on the stack of the thread that waits; the queue is a ring of pointers through the entries. Its life:
//!
//! ```text
//!                        ┌─ taken out (lock), its claim taken ──► completed ──► woken: the owner reads the outcome
//!   enqueued (lock) ─────┤
//!                        ├─ taken out (lock), its claim gone: left alone ─┐
//!                        └─ its time is up: the owner takes the claim ────┴──► (lock) the owner takes it out, if it still is in
//! ```
//!
//! - A wait that several parties may end carries a [`Claim`], and who takes the entry out must win that too: a wait with a time limit, which the
//!   timer may end, or one of the waits of a select, of which another channel may have ended another. A plain wait has none, and saves
//!   the CAS.
//! - Who has taken an entry out, claim included, is a [`Taken`]: the only one to touch the entry until it completes it. That may be after
//!   unlocking, since the owner waits for just this.
//! - The wake is the end of the entry: its owner's frame may be gone the moment after. So the outcome is written, and all else read, before.
//! - An entry whose claim was lost is alive as long as the lock is held: its owner must lock to see whether it is still in the queue.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::ptr::NonNull;

use sward_sched::{Claim, Section, Sleeper};

/// How a wait ended, other than by time-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The message has been moved.
    Done,
    /// Nobody is left on the other side.
    Disconnected,
}

/// One wait of one thread, on one channel.
pub(super) struct Waiter {
    sleeper: Sleeper,
    claim: Option<Claim>,
    /// Where the message is, or shall be.
    slot: NonNull<()>,
    outcome: Cell<Option<Outcome>>,
    /// The neighbours in the queue. They point to the entry itself where it is the only one; no entry, no neighbours.
    links: Cell<Option<Links>>,
    /// Others point to it.
    _pinned: PhantomPinned,
}

#[derive(Clone, Copy)]
struct Links {
    before: NonNull<Waiter>,
    after: NonNull<Waiter>,
}

impl Waiter {
    /// The caller, about to wait. With a `claim`, who wants to end the wait must win it.
    pub(super) fn new<T>(sleeper: Sleeper, claim: Option<Claim>, slot: NonNull<T>) -> Waiter {
        let (outcome, links) = (Cell::new(None), Cell::new(None));
        Waiter { sleeper, claim, slot: slot.cast(), outcome, links, _pinned: PhantomPinned }
    }

    /// How the wait has ended. For the owner, after it has been woken.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.outcome.get()
    }

    fn links(&self) -> Links {
        self.links.get().expect("a waiter in a queue has neighbours")
    }
}

/// The waiting senders, or the waiting receivers, of a channel. Under its lock.
#[derive(Default)]
pub(super) struct Waiters {
    first: Option<NonNull<Waiter>>,
}

// SAFETY: who has the queue may touch the entries' links, from any thread; the rest of an entry is its taker's.
unsafe impl Send for Waiters {}

impl Waiters {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Enqueues a waiter, as the last.
    ///
    /// # Safety
    /// It is in no queue, and stays where it is until it has been woken, or removed from this queue.
    pub(super) unsafe fn push(&mut self, waiter: &Waiter) {
        let new = NonNull::from(waiter);
        let Some(first) = self.first else {
            waiter.links.set(Some(Links { before: new, after: new }));
            self.first = Some(new);
            return;
        };
        let last = link(first).before;
        waiter.links.set(Some(Links { before: last, after: first }));
        set_after(last, new);
        set_before(first, new);
    }

    /// Takes the first waiter out whose wait has not been ended by somebody else.
    pub(super) fn take_first(&mut self) -> Option<Taken> {
        loop {
            let first = self.first?;
            // SAFETY: an entry of the queue is alive.
            let waiter = unsafe { first.as_ref() };
            // SAFETY: it is in this queue.
            unsafe { self.remove(waiter) };
            // SAFETY: the waiter's owner is alive: it is to be woken, or must take the lock before its wait returns.
            if waiter.claim.is_none_or(|claim| unsafe { claim.take() }) {
                return Some(Taken(first));
            }
        }
    }

    /// Takes all waiters out whose waits have not been ended by somebody else.
    pub(super) fn take_all(&mut self) -> AllTaken {
        let mut taken = Waiters::default();
        while let Some(Taken(waiter)) = self.take_first() {
            // SAFETY: just taken out; it waits to be woken.
            unsafe { taken.push(waiter.as_ref()) };
        }
        AllTaken(taken)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let next = |&waiter: &NonNull<Waiter>| Some(link(waiter).after).filter(|&after| Some(after) != self.first);
        std::iter::successors(self.first, next).count()
    }

    /// Takes this waiter out, if it still is in the queue.
    ///
    /// # Safety
    /// It is in no other queue.
    pub(super) unsafe fn remove(&mut self, waiter: &Waiter) {
        let Some(Links { before, after }) = waiter.links.take() else { return };
        let this = NonNull::from(waiter);
        if after == this {
            self.first = None;
            return;
        }
        set_after(before, after);
        set_before(after, before);
        if self.first == Some(this) {
            self.first = Some(after);
        }
    }
}

fn link(waiter: NonNull<Waiter>) -> Links {
    // SAFETY: an entry of a queue is alive.
    unsafe { waiter.as_ref() }.links()
}

fn set_before(waiter: NonNull<Waiter>, before: NonNull<Waiter>) {
    // SAFETY: an entry of a queue is alive.
    let waiter = unsafe { waiter.as_ref() };
    waiter.links.set(Some(Links { before, ..waiter.links() }));
}

fn set_after(waiter: NonNull<Waiter>, after: NonNull<Waiter>) {
    // SAFETY: an entry of a queue is alive.
    let waiter = unsafe { waiter.as_ref() };
    waiter.links.set(Some(Links { after, ..waiter.links() }));
}

/// A waiter that has been taken out, and is completed and woken by whoever holds this, soon: it waits for nobody else.
#[must_use = "nobody else will wake it"]
pub(super) struct Taken(NonNull<Waiter>);

impl Taken {
    /// Where its message is, or shall be. `T` is the channel's type of messages.
    pub(super) fn slot<T>(&self) -> NonNull<T> {
        // SAFETY: the waiter waits for `complete`.
        unsafe { self.0.as_ref() }.slot.cast()
    }

    /// Ends the wait. Outside the lock, since waking takes its time.
    pub(super) fn complete(self, section: &Section, outcome: Outcome) {
        let sleeper = {
            // SAFETY: the waiter waits for the wake below.
            let waiter = unsafe { self.0.as_ref() };
            waiter.outcome.set(Some(outcome));
            waiter.sleeper
        };
        // SAFETY: it was queued under the lock that its park gave up, and taken out once.
        unsafe { sleeper.wake(section) };
    }
}

/// All waiters of a queue, taken out. They form a queue of their own, which nobody else sees: their links are free until they are woken.
#[must_use = "nobody else will wake them"]
pub(super) struct AllTaken(Waiters);

impl AllTaken {
    /// Ends all of the waits.
    pub(super) fn complete(mut self, section: &Section, outcome: Outcome) {
        while let Some(first) = self.0.first {
            // SAFETY: it is in this queue, as it has not been woken yet.
            unsafe { self.0.remove(first.as_ref()) };
            Taken(first).complete(section, outcome);
        }
    }
}
