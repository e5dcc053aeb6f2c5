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

use sward_sched::{Section, SpinLock};

use super::ends::Side;
use super::waiters::{Taken, Waiters};

pub(super) struct State<T> {
    pub(super) buffer: VecDeque<T>,
    pub(super) limit: usize,
    pub(super) senders: Waiters,
    pub(super) receivers: Waiters,
}

/// A cache line holds it, lock and all.
const _: () = assert!(size_of::<SpinLock<State<u8>>>() <= 64);

impl<T> State<T> {
    pub(super) fn new(buffer: VecDeque<T>, limit: usize) -> State<T> {
        State { buffer, limit, senders: Waiters::default(), receivers: Waiters::default() }
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

    /// Gives a place that has become free to who has waited for one longest, who is then to be told that it is done.
    pub(super) fn give_place(&mut self, section: &Section) -> Option<Taken> {
        let sender = self.senders.take_first(section)?;
        match sender.place::<T>() {
            // SAFETY: a waiting sender's message is in its place, to be taken once by who completes it.
            Some(message) => self.buffer.push_back(unsafe { message.read() }),
            None => self.limit -= 1,
        }
        Some(sender)
    }
}
