//! What the netpoller knows of one file descriptor, and who waits for it.
//!
//! Each direction has a flag, **dry**: an operation has found nothing there, and no event has come since. While it is set, an operation need
//! not be tried. Setting it races with events, hence the count of them:
//!
//! ```text
//!   G                                    M that polls
//!   1. notes the count, 7
//!   2. recv: EAGAIN
//!                                        3. event: count 8, not dry, nobody to wake
//!   4. the count is not 7: not dry,
//!      tries again
//! ```
//! A stream is dry also after a read that got less than there was room for, and the next one parks without a system call. Not so once the
//! peer has closed: its end came with an event that may be long over, and there will be no other. Nor once it has sent urgent data: a
//! read stops short where that was, with more behind.
//!
//! Descriptors live for ever, in a pool: an event that was under way when a file was closed finds one, maybe in another file's service,
//! whose waiters it wakes for nothing.

use std::cell::Cell;
use std::ptr::NonNull;

use nix::sys::epoll::EpollFlags;

use super::registration::Interest;
use crate::g::G;
use crate::records;
use crate::sleeper::Claim;
use crate::spin::SpinLock;
use sward_mem::persistent::Purpose;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Descriptor {
    reads: SpinLock<Direction>,
    writes: SpinLock<Direction>,
}

/// One direction of a descriptor.
#[derive(Debug, Default)]
pub(super) struct Direction {
    dry: bool,
    /// The peer, or both sides, have closed: there is always something to find out. Or it has sent urgent data, where reads stop short.
    closed: bool,
    /// Counts the events.
    events: u32,
    /// Who waits, as a list through their stacks.
    waiters: Option<NonNull<Waiter>>,
}

// SAFETY: waiters are reached by who has the lock, and until their claim is taken they stay where they are.
unsafe impl Send for Direction {}

/// A G that waits for a direction.
#[derive(Debug)]
pub(super) struct Waiter {
    claim: Claim,
    next: Cell<Option<NonNull<Waiter>>>,
}

impl Waiter {
    pub(super) fn new(claim: Claim) -> Waiter {
        Waiter { claim, next: Cell::new(None) }
    }
}

static POOL: SpinLock<Vec<&'static Descriptor>> = SpinLock::new(Vec::new());

impl Descriptor {
    /// One that is nobody's.
    pub(super) fn take() -> &'static Descriptor {
        let pooled = POOL.lock().pop();
        pooled.unwrap_or_else(|| records::leak(Descriptor::default(), Purpose::Descriptors))
    }

    /// Gives it back. Nobody waits for it.
    pub(super) fn give_back(&'static self) {
        for direction in [&self.reads, &self.writes] {
            let mut direction = direction.lock();
            (direction.dry, direction.closed) = (false, false);
        }
        POOL.lock().push(self);
    }

    pub(super) fn direction(&self, interest: Interest) -> &SpinLock<Direction> {
        match interest {
            Interest::Read => &self.reads,
            Interest::Write => &self.writes,
        }
    }

    /// Takes note of an event, and calls `ready` with each G whose wait that ends.
    pub(super) fn on_event(&self, events: EpollFlags, mut ready: impl FnMut(&'static G)) {
        let over = events.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
        if over || events.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLPRI) {
            let closed = over || events.intersects(EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLPRI);
            self.reads.lock().on_event(closed).for_each(&mut ready);
        }
        if over || events.contains(EpollFlags::EPOLLOUT) {
            self.writes.lock().on_event(over).for_each(&mut ready);
        }
    }
}

impl Direction {
    /// Whether an operation is worth trying: the number of events so far.
    pub(super) fn begin(&self) -> Option<u32> {
        (!self.dry).then_some(self.events)
    }

    /// Notes that an operation, begun when there had been `events`, left nothing.
    pub(super) fn ran_dry(&mut self, events: u32) {
        self.dry = self.events == events;
    }

    /// Notes that the kernel says that there is something, other than by an event.
    pub(super) fn refill(&mut self) {
        self.dry = false;
    }

    /// Whether a short read may be taken for the last.
    pub(super) fn is_open(&self) -> bool {
        !self.closed
    }

    /// Adds a waiter.
    ///
    /// # Safety
    /// It stays where it is until its claim has been taken by an event, or it has been removed.
    pub(super) unsafe fn push(&mut self, waiter: &Waiter) {
        waiter.next.set(self.waiters);
        self.waiters = Some(NonNull::from(waiter));
    }

    /// Removes a waiter whose claim was not taken by an event, if it is still there.
    pub(super) fn remove(&mut self, waiter: &Waiter) {
        let waiter = NonNull::from(waiter);
        let mut place = &Cell::new(self.waiters);
        let head = place;
        while let Some(here) = place.get() {
            // SAFETY: it is in the list, so it is where it was.
            let next = &unsafe { here.as_ref() }.next;
            if here == waiter {
                place.set(next.get());
                break;
            }
            place = next;
        }
        self.waiters = head.get();
    }

    /// Ends all waits. Returns the Gs whose waits those were; the others have run out of time, and remove themselves in vain.
    fn on_event(&mut self, closed: bool) -> Woken {
        self.events = self.events.wrapping_add(1);
        self.dry = false;
        self.closed |= closed;
        let mut woken = Woken(None);
        let mut rest = self.waiters.take();
        while let Some(here) = rest {
            // SAFETY: it was in the list, so it is where it was as long as its owner, who would need the lock to go on, is not woken.
            let waiter = unsafe { here.as_ref() };
            rest = waiter.next.get();
            // SAFETY: the claim of a G, and Gs live for ever.
            if unsafe { waiter.claim.take() } {
                waiter.next.set(woken.0.replace(here));
            }
        }
        woken
    }
}

/// Waiters whose claims were taken: they stay where they are until their Gs are woken.
struct Woken(Option<NonNull<Waiter>>);

impl Iterator for Woken {
    type Item = &'static G;

    fn next(&mut self) -> Option<&'static G> {
        // SAFETY: its G has not been woken yet.
        let waiter = unsafe { self.0?.as_ref() };
        self.0 = waiter.next.get();
        waiter.claim.g()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_during_an_operation_keeps_it_from_being_dry() {
        let descriptor = Descriptor::default();
        let begun = descriptor.reads.lock().begin().unwrap();
        descriptor.on_event(EpollFlags::EPOLLIN, |_| unreachable!("nobody waits"));
        descriptor.reads.lock().ran_dry(begun);
        let begun = descriptor.reads.lock().begin().expect("there was an event");
        descriptor.reads.lock().ran_dry(begun);
        assert_eq!(descriptor.reads.lock().begin(), None);
        assert!(descriptor.writes.lock().begin().is_some());
    }

    #[test]
    fn the_end_of_the_peer_is_remembered() {
        let descriptor = Descriptor::default();
        descriptor.on_event(EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP, |_| ());
        assert!(!descriptor.reads.lock().is_open() && descriptor.writes.lock().is_open());
        descriptor.on_event(EpollFlags::EPOLLHUP, |_| ());
        assert!(!descriptor.writes.lock().is_open());
    }
}
