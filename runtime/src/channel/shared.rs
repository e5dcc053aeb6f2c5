//! What both ends of a channel share, and the operations on it.
//!
//! Every operation enters a section, locks, and then either is done at once, or goes the slow way: meets a waiting thread, waits
//! itself, or is refused. The fast ways are inlined into the caller, one test each: *there is room and nobody waits to receive*, *there is a
//! message and nobody waits to send*. A timer channel has no message in its buffer and no senders, so its receivers go the slow way to the very
//! end, and find the clock there.

use std::collections::VecDeque;
use std::mem::{self, MaybeUninit};
use std::ptr::NonNull;

use sward_sched::race;
use sward_sched::{Ended, Interrupted, Reason, Section, Sleeper, SpinGuard, SpinLock};

use super::clock::Clock;
use super::ends::{Ends, Side};
use super::patience::Patience;
use super::places::Places;
use super::state::State;
use super::waiters::{Outcome, Part, Taken, Waiter};

/// How many messages the first buffer of an unbounded channel holds.
const FIRST_BUFFER: usize = 16;

/// What both ends share.
pub(super) struct Shared<T> {
    pub(super) state: SpinLock<State<T>>,
    ends: Ends,
    kind: Kind<T>,
}

/// What a channel was made for.
pub(super) enum Kind<T> {
    /// So many messages.
    Bounded(usize),
    /// Any number of messages.
    Unbounded,
    /// The times that this clock tells.
    Timer(Box<Clock<T>>),
}

/// Why nothing was sent or received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Out of patience.
    NotReady,
    /// Nobody is left on the other side, nor, for a receiver, a message.
    Disconnected,
}

/// Why a wait came to nothing.
enum Unserved {
    TimedOut,
    Disconnected,
    /// There was somebody, but with nothing to give after all.
    Withdrawn,
    /// The thread is to unwind.
    Interrupted,
}

impl<T> Shared<T> {
    #[track_caller]
    pub(super) fn bounded(capacity: usize) -> Shared<T> {
        let mut buffer = Vec::new();
        if let Err(error) = buffer.try_reserve_exact(capacity) {
            let size = size_of::<T>();
            panic!("no memory for a channel of {capacity} messages of {size} bytes: {error}");
        }
        let places = Places::bounded(capacity, &buffer);
        Shared {
            state: SpinLock::new(State::new(buffer.into(), capacity, places)),
            ends: Ends::one_each(),
            kind: Kind::Bounded(capacity),
        }
    }

    pub(super) fn unbounded() -> Shared<T> {
        let state = State::new(VecDeque::new(), 0, Places::unbounded::<T>(&Vec::new()));
        Shared { state: SpinLock::new(state), ends: Ends::one_each(), kind: Kind::Unbounded }
    }

    pub(super) fn timer(clock: Clock<T>) -> Shared<T> {
        let clock = Box::new(clock);
        race::hook(|race| race.release(&raw const *clock));
        let state = State::new(VecDeque::new(), 0, Places::bounded::<T>(0, &[]));
        Shared { state: SpinLock::new(state), ends: Ends::no_sender(), kind: Kind::Timer(clock) }
    }

    pub(super) fn ends(&self) -> &Ends {
        &self.ends
    }

    pub(super) fn kind(&self) -> &Kind<T> {
        &self.kind
    }

    /// How many messages it can hold; `None`: any number.
    pub(super) fn capacity(&self) -> Option<usize> {
        match self.kind {
            Kind::Bounded(capacity) => Some(capacity),
            Kind::Unbounded => None,
            Kind::Timer(_) => Some(1),
        }
    }

    /// How many messages it holds.
    pub(super) fn len(&self) -> usize {
        if let Kind::Timer(clock) = &self.kind {
            return clock.len();
        }
        let _section = Section::enter();
        self.state.lock().buffer.len()
    }

    /// Sends, or gives the message back.
    #[inline]
    pub(super) fn send(&self, message: T, patience: Patience) -> Result<(), (Refusal, T)> {
        let section = Section::enter();
        let mut state = self.state.lock();
        if state.receivers.is_empty() && state.has_room() {
            state.put(&section, message);
            return Ok(());
        }
        self.send_slowly(section, state, message, patience)
    }

    #[inline(never)]
    pub(super) fn send_slowly(
        &self,
        section: Section,
        mut state: SpinGuard<'_, State<T>>,
        message: T,
        mut patience: Patience,
    ) -> Result<(), (Refusal, T)> {
        if let Some(receiver) = state.take_receiver(&section) {
            drop(state);
            deliver(&section, receiver, message);
            return Ok(());
        }
        if self.ends.is_gone(Side::Receive) {
            return Err((Refusal::Disconnected, message));
        }
        if state.has_room() {
            // All who seemed to wait had run out of time, or only watched.
            state.put(&section, message);
            return Ok(());
        }
        if let Kind::Unbounded = self.kind {
            let full = state.limit;
            drop(state);
            drop(section);
            self.grow(full);
            return self.send(message, patience);
        }
        if matches!(patience, Patience::None) {
            return Err((Refusal::NotReady, message));
        }
        let mut slot = MaybeUninit::new(message);
        // SAFETY: the slot holds a message and is not touched before the wait is over.
        let refusal = match unsafe { self.wait(section, state, Side::Send, NonNull::from(&mut slot), &mut patience) } {
            Ok(()) => return Ok(()),
            Err(Unserved::Disconnected) => Refusal::Disconnected,
            Err(Unserved::TimedOut) => Refusal::NotReady,
            Err(Unserved::Withdrawn) => unreachable!("a message is there to be taken"),
            Err(Unserved::Interrupted) => {
                // SAFETY: nobody has taken the message.
                unsafe { slot.assume_init_drop() };
                Interrupted::unwind()
            }
        };
        // SAFETY: a receiver takes the message only to say "done".
        Err((refusal, unsafe { slot.assume_init() }))
    }

    /// Makes the buffer of an unbounded channel larger than `full`.
    #[cold]
    #[inline(never)]
    fn grow(&self, full: usize) {
        // Declared first, so dropped last: the old buffer is freed outside the section.
        let buffer = Vec::with_capacity((2 * full).max(FIRST_BUFFER));
        let mut places = Places::unbounded(&buffer);
        let mut buffer = VecDeque::from(buffer);
        let section = Section::enter();
        let mut state = self.state.lock();
        // Without receivers the limit is to stay at 0. If they are there yet, their disconnection comes after this.
        if state.limit == full && !self.ends.is_gone(Side::Receive) {
            let held = state.buffer.len();
            state.places.move_to(&section, &mut places, held);
            state.places = places;
            buffer.append(&mut state.buffer);
            mem::swap(&mut buffer, &mut state.buffer);
            state.limit = state.buffer.capacity();
        }
    }

    /// Receives.
    #[inline]
    pub(super) fn receive(&self, patience: Patience) -> Result<T, Refusal> {
        let section = Section::enter();
        let mut state = self.state.lock();
        if state.senders.is_empty()
            && let Some(message) = state.take(&section)
        {
            return Ok(message);
        }
        self.receive_slowly(section, state, patience)
    }

    #[inline(never)]
    fn receive_slowly(
        &self,
        section: Section,
        state: SpinGuard<'_, State<T>>,
        mut patience: Patience,
    ) -> Result<T, Refusal> {
        match self.receive_once(section, state, &mut patience) {
            Ok(message) => Ok(message),
            Err(Some(refusal)) => Err(refusal),
            Err(None) => self.receive_again(patience),
        }
    }

    /// Receives, after what was there is gone after all. That may happen any number of times.
    #[cold]
    #[inline(never)]
    fn receive_again(&self, mut patience: Patience) -> Result<T, Refusal> {
        loop {
            let section = Section::enter();
            match self.receive_once(section, self.state.lock(), &mut patience) {
                Ok(message) => return Ok(message),
                Err(Some(refusal)) => return Err(refusal),
                Err(None) => {}
            }
        }
    }

    /// Receives. `Err(None)`: what was there is gone after all.
    // Always: it has two callers, one of them cold.
    #[inline(always)]
    fn receive_once(
        &self,
        section: Section,
        mut state: SpinGuard<'_, State<T>>,
        patience: &mut Patience,
    ) -> Result<T, Option<Refusal>> {
        if let Some(message) = state.take(&section) {
            let sender = state.give_place(&section);
            drop(state);
            if let Some(sender) = sender {
                sender.complete(&section, Outcome::Done);
            }
            return Ok(message);
        }
        if let Some(sender) = state.take_sender(&section) {
            drop(state);
            return self.collect(section, sender).ok_or(None);
        }
        if self.ends.is_gone(Side::Send) {
            drop(state);
            return match &self.kind {
                Kind::Timer(clock) => clock.receive(section, *patience).map_err(Some),
                Kind::Bounded(_) | Kind::Unbounded => Err(Some(Refusal::Disconnected)),
            };
        }
        if matches!(patience, Patience::None) {
            return Err(Some(Refusal::NotReady));
        }
        let mut slot = MaybeUninit::<T>::uninit();
        // SAFETY: the slot is memory for a message and is not touched before the wait is over.
        match unsafe { self.wait(section, state, Side::Receive, NonNull::from(&mut slot), patience) } {
            // SAFETY: a sender has put a message there before it said "done".
            Ok(()) => Ok(unsafe { slot.assume_init() }),
            Err(Unserved::Disconnected) => Err(Some(Refusal::Disconnected)),
            Err(Unserved::TimedOut) => Err(Some(Refusal::NotReady)),
            Err(Unserved::Withdrawn) => Err(None),
            Err(Unserved::Interrupted) => Interrupted::unwind(),
        }
    }

    /// Takes the message of a sender that has been taken out. `None`: it had none yet, and will not have one.
    pub(super) fn collect(&self, section: Section, sender: Taken) -> Option<T> {
        let Some(message) = sender.place::<T>() else { return self.meet(section, sender) };
        // SAFETY: a waiting sender's message is in its place, to be taken once by who completes it.
        let message = unsafe { message.read() };
        sender.complete(&section, Outcome::Done);
        Some(message)
    }

    /// Waits for the message of a sender that has yet to make it.
    #[cold]
    fn meet(&self, section: Section, sender: Taken) -> Option<T> {
        let mut slot = MaybeUninit::<T>::uninit();
        let waiter = Waiter::new(Sleeper::current(&section), None, Part::Move(NonNull::from(&mut slot).cast()));
        // The sender comes by this lock before it completes the waiter (`accept` of its operation), and so finds it waiting.
        let state = self.state.lock();
        // SAFETY: as said; it stays here until `park_unlocking` has returned, which is when it has been completed.
        sender.complete(&section, Outcome::Met(unsafe { Taken::at_once(&waiter) }));
        section.park_unlocking(Reason::ChanReceive, state);
        match waiter.outcome() {
            // SAFETY: the sender has put a message there before it said "done".
            Some(Outcome::Done) => Some(unsafe { slot.assume_init() }),
            _ => None,
        }
    }

    /// Waits in the queue of `side` until somebody of the other side has seen to it, or nobody will.
    ///
    /// # Safety
    /// The slot is memory for a message; for a sender it holds one, which is gone if this succeeds, for a receiver it holds one then.
    /// Until the wait is over, it belongs to the other side.
    unsafe fn wait(
        &self,
        section: Section,
        mut state: SpinGuard<'_, State<T>>,
        side: Side,
        slot: NonNull<MaybeUninit<T>>,
        patience: &mut Patience,
    ) -> Result<(), Unserved> {
        let reason = match side {
            Side::Send => Reason::ChanSend,
            Side::Receive => Reason::ChanReceive,
        };
        let deadline = patience.deadline();
        let claim = section.claim_if(deadline.is_some());
        let waiter = Waiter::new(Sleeper::current(&section), claim, Part::Move(slot.cast()));
        waiter.release(&section);
        // SAFETY: the waiter stays here until `park` has returned, which is when it has been woken; or `park_until`, and
        // if that was for the time, it is removed.
        unsafe { state.waiting(side).push(&waiter) };
        let ended = match claim {
            None => {
                section.park_unlocking(reason, state);
                Ended::Woken
            }
            Some(claim) => section.park_unlocking_until(reason, deadline, claim, state),
        };
        if ended != Ended::Woken {
            // Even if it is no longer in the queue: whoever took it out and found the claim gone has the lock, and looks at it.
            let _section = Section::enter();
            // SAFETY: it has been in this queue only.
            unsafe { self.state.lock().waiting(side).remove(&waiter) };
        }
        match waiter.outcome() {
            Some(Outcome::Done) => Ok(()),
            Some(Outcome::Disconnected) => {
                self.ends.acquire(side.other());
                Err(Unserved::Disconnected)
            }
            Some(Outcome::Withdrawn | Outcome::Met(_)) => Err(Unserved::Withdrawn),
            None if ended == Ended::Interrupted => Err(Unserved::Interrupted),
            None => Err(Unserved::TimedOut),
        }
    }

    /// Ends all waits for `side`, whose last handle is gone. Returns the messages that nobody will receive.
    pub(super) fn disconnect(&self, side: Side) -> VecDeque<T> {
        let section = Section::enter();
        let mut state = self.state.lock();
        let unwanted = match side {
            Side::Send => VecDeque::new(),
            Side::Receive => {
                state.limit = 0;
                let held = state.buffer.len();
                state.places.give_up(&section, held);
                mem::take(&mut state.buffer)
            }
        };
        let waiting = state.waiting(side.other()).take_all(&section);
        drop(state);
        waiting.disconnect(&section);
        unwanted
    }

    /// How many threads wait on this side.
    #[cfg(test)]
    pub(super) fn count_waiting(&self, side: Side) -> usize {
        let _section = Section::enter();
        self.state.lock().waiting(side).count()
    }
}

/// Hands a message to a receiver that has been taken out.
pub(super) fn deliver<T>(section: &Section, receiver: Taken, message: T) {
    let place = receiver.place::<T>().expect("a receiver has a place for its message");
    // SAFETY: the place of a waiting receiver is memory for a `T`, and ours until `complete`.
    unsafe { place.write(message) };
    receiver.complete(section, Outcome::Done);
}
