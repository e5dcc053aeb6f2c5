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
//! - A select is in several queues, with one entry each, all with the same claim. What it wants to send it doesn't have yet: that is a
//!   [`Part::Promise`]. Who takes one out of the queue of a full buffer keeps a place for it; who takes one out at a rendezvous becomes an
//!   entry of its own, in no queue, which the select then completes: [`Outcome::Met`].
//! - Who only wants to know when there is something to do, [`Part::Watch`], is woken by whoever comes across it, and serves nobody.
//! - An entry whose claim was lost is alive as long as the lock is held: its owner must lock to see whether it is still in the queue.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::ptr::NonNull;

use sward_sched::race;
use sward_sched::{Claim, Section, Sleeper};

/// How a wait ended, other than by time-out.
pub(super) enum Outcome {
    /// The message has been moved; or, for a promise, a place in the buffer is kept for it.
    Done,
    /// Nobody is left on the other side.
    Disconnected,
    /// For a promise: this receiver waits for the message.
    Met(Taken),
    /// Who took the waiter out has nothing for it after all.
    Withdrawn,
}

/// What a waiter is there for.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// A message to be moved: it is here, or shall be.
    Move(NonNull<()>),
    /// A message to be sent that is made once it is certain that it will be.
    Promise,
    /// Nothing: it wants to be woken as soon as there may be something to do.
    Watch,
}

/// One wait of one thread, on one channel.
pub(super) struct Waiter {
    wake: Wake,
    stage: Cell<Stage>,
    /// The neighbours in the queue. They point to the entry itself where it is the only one; no entry, no neighbours.
    links: Cell<Option<Links>>,
    /// Others point to it.
    _pinned: PhantomPinned,
}

/// All that waiting touches of a stack beside the frames, so it had better be small.
const _: () = assert!(size_of::<Waiter>() <= 48);

/// How a waiter is woken.
#[derive(Clone, Copy)]
enum Wake {
    /// By who takes it out.
    Plain(Sleeper),
    /// By who takes it out and wins the claim.
    Claimed(Claim),
}

/// A [`Part`], then an [`Outcome`]. Flat, since one in the other takes more room. It changes once, when the entry is in no queue any more.
#[derive(Clone, Copy)]
enum Stage {
    Move(NonNull<()>),
    Promise,
    Watch,
    Done,
    Disconnected,
    Met(NonNull<Waiter>),
    Withdrawn,
}

#[derive(Clone, Copy)]
struct Links {
    before: NonNull<Waiter>,
    after: NonNull<Waiter>,
}

impl Waiter {
    /// The caller, about to wait. With a `claim`, who wants to end the wait must win it.
    pub(super) fn new(sleeper: Sleeper, claim: Option<Claim>, part: Part) -> Waiter {
        let stage = match part {
            Part::Move(place) => Stage::Move(place),
            Part::Promise => Stage::Promise,
            Part::Watch => Stage::Watch,
        };
        Waiter {
            wake: claim.map_or(Wake::Plain(sleeper), Wake::Claimed),
            stage: Cell::new(stage),
            links: Cell::new(None),
            _pinned: PhantomPinned,
        }
    }

    /// Hands what the owner has done to who meets it. For the owner, before it makes the waiter known.
    #[inline]
    pub(super) fn release(&self, section: &Section) {
        race::hook_in(section, |race| race.release_store(self));
    }

    /// How the wait has ended; `None`: nobody has ended it. For the owner, after it has been woken, once.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        race::hook(|race| {
            race.acquire(self);
            race.forget(self, size_of::<Waiter>());
        });
        match self.stage.get() {
            Stage::Move(_) | Stage::Promise | Stage::Watch => None,
            Stage::Done => Some(Outcome::Done),
            Stage::Disconnected => Some(Outcome::Disconnected),
            Stage::Met(receiver) => Some(Outcome::Met(Taken(receiver))),
            Stage::Withdrawn => Some(Outcome::Withdrawn),
        }
    }

    /// Tells the owner how its wait has ended.
    fn end(&self, outcome: Outcome) {
        self.stage.set(match outcome {
            Outcome::Done => Stage::Done,
            Outcome::Disconnected => Stage::Disconnected,
            Outcome::Met(Taken(receiver)) => Stage::Met(receiver),
            Outcome::Withdrawn => Stage::Withdrawn,
        });
    }

    fn is_watcher(&self) -> bool {
        matches!(self.stage.get(), Stage::Watch)
    }

    /// Takes the right to end the wait. For who has taken it out.
    fn claim(&self) -> bool {
        match self.wake {
            Wake::Plain(_) => true,
            // SAFETY: the owner is alive: it is to be woken, or must take the lock before its wait returns.
            Wake::Claimed(claim) => unsafe { claim.take() },
        }
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

    /// Takes the first waiter out whose wait has not been ended by somebody else, and wakes the watchers before it.
    #[inline]
    pub(super) fn take_first(&mut self, section: &Section) -> Option<Taken> {
        loop {
            let first = self.first?;
            // SAFETY: an entry of the queue is alive.
            let waiter = unsafe { first.as_ref() };
            // SAFETY: it is in this queue.
            unsafe { self.remove(waiter) };
            if !waiter.claim() {
                continue;
            }
            let taken = Taken(first);
            if !waiter.is_watcher() {
                return Some(taken);
            }
            taken.complete(section, Outcome::Done);
        }
    }

    /// Takes all waiters out whose waits have not been ended by somebody else.
    pub(super) fn take_all(&mut self, section: &Section) -> AllTaken {
        let mut taken = Waiters::default();
        while let Some(Taken(waiter)) = self.take_first(section) {
            // SAFETY: just taken out; it waits to be woken.
            unsafe { taken.push(waiter.as_ref()) };
        }
        AllTaken(taken)
    }

    /// Whether somebody waits who is not a watcher. One whose wait has ended elsewhere counts as long as it is in the queue.
    pub(super) fn has_other_than_watchers(&self) -> bool {
        // SAFETY: an entry of the queue is alive.
        self.iter().any(|waiter| !unsafe { waiter.as_ref() }.is_watcher())
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.iter().count()
    }

    fn iter(&self) -> impl Iterator<Item = NonNull<Waiter>> {
        let next = |&waiter: &NonNull<Waiter>| Some(link(waiter).after).filter(|&after| Some(after) != self.first);
        std::iter::successors(self.first, next)
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
    /// A waiter in no queue, whose wait nobody else ends.
    ///
    /// # Safety
    /// It stays where it is until it has been completed. It is completed only when it waits.
    pub(super) unsafe fn at_once(waiter: &Waiter) -> Taken {
        Taken(NonNull::from(waiter))
    }

    /// What was taken out.
    pub(super) fn waiter(&self) -> NonNull<Waiter> {
        self.0
    }

    /// Where its message is, or shall be; `None`: it is a promise. `T` is the channel's type of messages.
    pub(super) fn place<T>(&self) -> Option<NonNull<T>> {
        // SAFETY: the waiter waits for `complete`.
        match unsafe { self.0.as_ref() }.stage.get() {
            Stage::Move(place) => Some(place.cast()),
            _ => None,
        }
    }

    /// Ends the wait. Outside the lock, since waking takes its time.
    pub(super) fn complete(self, section: &Section, outcome: Outcome) {
        let sleeper = {
            // SAFETY: the waiter waits for the wake below.
            let waiter = unsafe { self.0.as_ref() };
            waiter.end(outcome);
            match waiter.wake {
                Wake::Plain(sleeper) => sleeper,
                Wake::Claimed(claim) => claim.sleeper(),
            }
        };
        // SAFETY: it was queued under the lock that its park gave up, and taken out once.
        unsafe { sleeper.wake(section) };
    }
}

/// All waiters of a queue, taken out. They form a queue of their own, which nobody else sees: their links are free until they are woken.
#[must_use = "nobody else will wake them"]
pub(super) struct AllTaken(Waiters);

impl AllTaken {
    /// Ends all of the waits: nobody is left on the other side.
    pub(super) fn disconnect(mut self, section: &Section) {
        while let Some(first) = self.0.first {
            // SAFETY: it is in this queue, as it has not been woken yet.
            unsafe { self.0.remove(first.as_ref()) };
            Taken(first).complete(section, Outcome::Disconnected);
        }
    }
}
