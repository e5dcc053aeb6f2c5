//! What is under a channel's lock.
//!
//! # Invariants, whenever nobody holds the lock
//! - `buffer.len() <= limit`, and the buffer has memory for `limit` messages: a push under the lock never allocates.
//! - A waiting receiver means an empty buffer and no waiting sender; a waiting sender a full buffer and no waiting receiver. (One
//!   whose time is up may be found in its queue for a moment, but it is no longer waiting. A watcher doesn't count. A select may wait on both sides, but
//!   for others, not for itself.)
//! - When the receivers are gone and their disconnection is done: no buffer, a limit of 0, nobody waits.
//!
//! # The limit
//! An unbounded channel's is what the buffer has memory for. Who finds it reached unlocks, allocates a buffer of twice the size, and locks
//! again to move the messages; if somebody else was faster, the new buffer is not needed.
//!
//! A bounded channel's is its capacity, less the places that are kept for selects which have chosen to send, and are about to make their
//! messages. So the places that are kept cost the other operations no test.

use std::collections::VecDeque;

use sward_sched::Section;

use super::ends::Side;
use super::places::Places;
use super::waiters::{Taken, Waiters};

pub(super) struct State<T> {
    pub(super) buffer: VecDeque<T>,
    pub(super) limit: usize,
    pub(super) senders: Waiters,
    pub(super) receivers: Waiters,
    pub(super) places: Places,
}

/// A cache line holds it, lock and all.
#[cfg(not(feature = "race"))]
const _: () = assert!(size_of::<sward_sched::SpinLock<State<u8>>>() <= 64);

impl<T> State<T> {
    pub(super) fn new(buffer: VecDeque<T>, limit: usize, places: Places) -> State<T> {
        State { buffer, limit, senders: Waiters::default(), receivers: Waiters::default(), places }
    }

    pub(super) fn waiting(&mut self, side: Side) -> &mut Waiters {
        match side {
            Side::Send => &mut self.senders,
            Side::Receive => &mut self.receivers,
        }
    }

    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.buffer.len() < self.limit
    }

    /// Puts a message of the caller's into the buffer, which has room.
    #[inline]
    pub(super) fn put(&mut self, section: &Section, message: T) {
        self.places.send(section, self.buffer.len());
        self.buffer.push_back(message);
    }

    /// Takes the first message out of the buffer.
    #[inline]
    pub(super) fn take(&mut self, section: &Section) -> Option<T> {
        let message = self.buffer.pop_front()?;
        self.places.receive(section);
        Some(message)
    }

    /// Takes the first receiver out that waits, to send to it.
    #[inline]
    pub(super) fn take_receiver(&mut self, section: &Section) -> Option<Taken> {
        let receiver = self.receivers.take_first(section)?;
        self.places.send_to(section, receiver.waiter());
        Some(receiver)
    }

    /// Takes the first sender out that waits, to receive from it. The buffer is empty.
    #[inline]
    pub(super) fn take_sender(&mut self, section: &Section) -> Option<Taken> {
        let sender = self.senders.take_first(section)?;
        self.places.receive_from(section, sender.waiter());
        Some(sender)
    }

    /// Gives a place that has become free to who has waited for one longest, who is then to be told that it is done.
    pub(super) fn give_place(&mut self, section: &Section) -> Option<Taken> {
        let sender = self.senders.take_first(section)?;
        match sender.place::<T>() {
            Some(message) => {
                self.places.send_for(section, sender.waiter(), self.buffer.len());
                // SAFETY: a waiting sender's message is in its place, to be taken once by who completes it.
                self.buffer.push_back(unsafe { message.read() });
            }
            None => self.limit -= 1,
        }
        Some(sender)
    }
}
