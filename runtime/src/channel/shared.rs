//! A channel's state, and the operations on it.
//!
//! Every operation enters a section, locks, and then either is done at once, or goes the slow way: meets a waiting thread, waits
//! itself, or is refused. The fast ways are inlined into the caller, one test each: *there is room and nobody waits to receive*, *there is a
//! message and nobody waits to send*.
//!
//! # Invariants, whenever nobody holds the lock
//! - `buffer.len() <= limit`, and the buffer has memory for `limit` messages: a push under the lock never allocates.
//! - A waiting receiver means an empty buffer and no waiting sender; a waiting sender a full buffer and no waiting receiver. (One
//!   whose time is up may be found in its queue for a moment, but it is no longer waiting.)
//! - When the receivers are gone and their disconnection is done: no buffer, a limit of 0, nobody waits.
//!
//! # Unbounded channels
//! Their `limit` is what the buffer has memory for. Who finds it reached unlocks, allocates a buffer of twice the size, and locks again
//! to move the messages; if somebody else was faster, the new buffer is not needed.

use std::collections::VecDeque;
use std::mem::{self, MaybeUninit};
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use sward_sched::{Reason, Section, Sleeper, SpinGuard, SpinLock};

use super::ends::{Ends, Side};
use super::waiters::{Outcome, Waiter, Waiters};

/// How many messages the first buffer of an unbounded channel holds.
const FIRST_BUFFER: usize = 16;

/// What both ends share.
pub(super) struct Shared<T> {
    state: SpinLock<State<T>>,
    ends: Ends,
    /// What the channel was made for; `None`: any number of messages.
    capacity: Option<usize>,
}

struct State<T> {
    buffer: VecDeque<T>,
    limit: usize,
    senders: Waiters,
    receivers: Waiters,
}

/// A cache line holds it, lock and all.
const _: () = assert!(size_of::<SpinLock<State<u8>>>() <= 64);

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    None,
    For(Duration),
    Until(Instant),
    Endless,
}

/// Why nothing was sent or received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Out of patience.
    NotReady,
    /// Nobody is left on the other side, nor, for a receiver, a message.
    Disconnected,
}

impl Patience {
    /// Until when to wait; `None`: for as long as it takes, which is also what a time beyond the clock's end means.
    fn deadline(self) -> Option<Instant> {
        match self {
            Patience::None | Patience::Endless => None,
            Patience::For(time) => Instant::now().checked_add(time),
            Patience::Until(deadline) => Some(deadline),
        }
    }
}

impl<T> State<T> {
    fn waiting(&mut self, side: Side) -> &mut Waiters {
        match side {
            Side::Send => &mut self.senders,
            Side::Receive => &mut self.receivers,
        }
    }

    #[inline]
    fn has_room(&self) -> bool {
        self.buffer.len() < self.limit
    }
}

impl<T> Shared<T> {
    #[track_caller]
    pub(super) fn bounded(capacity: usize) -> Shared<T> {
        let mut buffer = VecDeque::new();
        if let Err(error) = buffer.try_reserve_exact(capacity) {
            let size = size_of::<T>();
            panic!("no memory for a channel of {capacity} messages of {size} bytes: {error}");
        }
        Shared::new(buffer, capacity, Some(capacity))
    }

    pub(super) fn unbounded() -> Shared<T> {
        Shared::new(VecDeque::new(), 0, None)
    }

    fn new(buffer: VecDeque<T>, limit: usize, capacity: Option<usize>) -> Shared<T> {
        let state = State { buffer, limit, senders: Waiters::default(), receivers: Waiters::default() };
        Shared { state: SpinLock::new(state), ends: Ends::one_each(), capacity }
    }

    pub(super) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// What the channel was made for; `None`: any number of messages.
    pub(super) fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    /// How many messages are in the buffer.
    pub(super) fn len(&self) -> usize {
        let _section = Section::enter();
        self.state.lock().buffer.len()
    }

    /// Sends, or gives the message back.
    #[inline]
    pub(super) fn send(&self, message: T, patience: Patience) -> Result<(), (Refusal, T)> {
        let section = Section::enter();
        let mut state = self.state.lock();
        if state.receivers.is_empty() && state.has_room() {
            state.buffer.push_back(message);
            return Ok(());
        }
        self.send_slowly(section, state, message, patience)
    }

    #[inline(never)]
    fn send_slowly(
        &self,
        section: Section,
        mut state: SpinGuard<'_, State<T>>,
        message: T,
        patience: Patience,
    ) -> Result<(), (Refusal, T)> {
        if let Some(receiver) = state.receivers.take_first() {
            drop(state);
            // SAFETY: the slot of a waiting receiver is memory for a `T`, and ours until `complete`.
            unsafe { receiver.slot::<T>().write(message) };
            receiver.complete(&section, Outcome::Done);
            return Ok(());
        }
        if self.ends.is_gone(Side::Receive) {
            return Err((Refusal::Disconnected, message));
        }
        if state.has_room() {
            // All who seemed to wait had run out of time.
            state.buffer.push_back(message);
            return Ok(());
        }
        if self.capacity.is_none() {
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
        let refusal = match unsafe { self.wait(section, state, Side::Send, NonNull::from(&mut slot), patience) } {
            Some(Outcome::Done) => return Ok(()),
            Some(Outcome::Disconnected) => Refusal::Disconnected,
            None => Refusal::NotReady,
        };
        // SAFETY: a receiver takes the message only to say "done".
        Err((refusal, unsafe { slot.assume_init() }))
    }

    /// Makes the buffer of an unbounded channel larger than `full`.
    #[cold]
    #[inline(never)]
    fn grow(&self, full: usize) {
        // Declared first, so dropped last: the old buffer is freed outside the section.
        let mut buffer = VecDeque::with_capacity((2 * full).max(FIRST_BUFFER));
        let _section = Section::enter();
        let mut state = self.state.lock();
        // Without receivers the limit is to stay at 0. If they are there yet, their disconnection comes after this.
        if state.limit == full && !self.ends.is_gone(Side::Receive) {
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
            && let Some(message) = state.buffer.pop_front()
        {
            return Ok(message);
        }
        self.receive_slowly(section, state, patience)
    }

    #[inline(never)]
    fn receive_slowly(
        &self,
        section: Section,
        mut state: SpinGuard<'_, State<T>>,
        patience: Patience,
    ) -> Result<T, Refusal> {
        let sender = state.senders.take_first();
        if let Some(message) = state.buffer.pop_front() {
            // The first of those that wait for room gets it.
            if let Some(sender) = &sender {
                // SAFETY: the slot of a waiting sender holds its message, to be taken once by who completes it.
                state.buffer.push_back(unsafe { sender.slot::<T>().read() });
            }
            drop(state);
            if let Some(sender) = sender {
                sender.complete(&section, Outcome::Done);
            }
            return Ok(message);
        }
        if let Some(sender) = sender {
            drop(state);
            // SAFETY: as above.
            let message = unsafe { sender.slot::<T>().read() };
            sender.complete(&section, Outcome::Done);
            return Ok(message);
        }
        if self.ends.is_gone(Side::Send) {
            return Err(Refusal::Disconnected);
        }
        if matches!(patience, Patience::None) {
            return Err(Refusal::NotReady);
        }
        let mut slot = MaybeUninit::<T>::uninit();
        // SAFETY: the slot is memory for a message and is not touched before the wait is over.
        match unsafe { self.wait(section, state, Side::Receive, NonNull::from(&mut slot), patience) } {
            // SAFETY: a sender has put a message there before it said "done".
            Some(Outcome::Done) => Ok(unsafe { slot.assume_init() }),
            Some(Outcome::Disconnected) => Err(Refusal::Disconnected),
            None => Err(Refusal::NotReady),
        }
    }

    /// Waits in the queue of `side` until somebody of the other side has seen to it. `None`: the time was up before.
    ///
    /// # Safety
    /// The slot is memory for a message; for a sender it holds one, which after `Done` is gone, for a receiver it holds one after
    /// `Done`. Until the wait is over, it belongs to the other side.
    unsafe fn wait(
        &self,
        section: Section,
        mut state: SpinGuard<'_, State<T>>,
        side: Side,
        slot: NonNull<MaybeUninit<T>>,
        patience: Patience,
    ) -> Option<Outcome> {
        let reason = match side {
            Side::Send => Reason::ChanSend,
            Side::Receive => Reason::ChanReceive,
        };
        let sleeper = Sleeper::current(&section);
        let deadline = patience.deadline();
        let claim = deadline.map(|_| sleeper.claim());
        let waiter = Waiter::new(sleeper, claim, slot);
        // SAFETY: the waiter stays here until `park` has returned, which is when it has been woken; or `park_until`, and
        // if that was for the time, it is removed.
        unsafe { state.waiting(side).push(&waiter) };
        let (Some(deadline), Some(claim)) = (deadline, claim) else {
            section.park_unlocking(reason, state);
            return waiter.outcome();
        };
        if section.park_unlocking_until(reason, deadline, claim, state) {
            // Even if it is no longer in the queue: whoever took it out and found the claim gone has the lock, and looks at it.
            let _section = Section::enter();
            // SAFETY: it has been in this queue only.
            unsafe { self.state.lock().waiting(side).remove(&waiter) };
        }
        waiter.outcome()
    }

    /// Ends all waits for `side`, whose last handle is gone. Returns the messages that nobody will receive.
    pub(super) fn disconnect(&self, side: Side) -> VecDeque<T> {
        let section = Section::enter();
        let mut state = self.state.lock();
        let unwanted = match side {
            Side::Send => VecDeque::new(),
            Side::Receive => {
                state.limit = 0;
                mem::take(&mut state.buffer)
            }
        };
        let waiting = state.waiting(side.other()).take_all();
        drop(state);
        waiting.complete(&section, Outcome::Disconnected);
        unwanted
    }

    /// How many threads wait on this side.
    #[cfg(test)]
    pub(super) fn count_waiting(&self, side: Side) -> usize {
        let _section = Section::enter();
        self.state.lock().waiting(side).count()
    }
}
