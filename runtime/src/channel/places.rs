//! What a race detector is told of the messages of a channel: which sends come before which receives, and the other way round.
//!
//! The k-th message's send comes before the end of its receive. Where there is room for C messages, the k-th receive comes before the end of the (k+C)-th
//! send, which had to wait for it: so a channel serves as a semaphore. Nothing else is in order, not even two sends, although the channel's
//! lock has put them into one: a program that relies on that has a race.
//!
//! Each place of the buffer is an object, through which the k-th send, the k-th receive, the (k+C)-th send, and so on hand on what they know, each
//! to the next only. It is known by an address in the buffer's memory. A message that goes from one thread to another that waits goes
//! through the place whose turn it is as well. What the one that waits has to do there is done in its name, by exchanging what is known
//! of the place for what is known of its [`Waiter`], which it has released before it parked, and acquires when it has been woken.
//!
//! - A rendezvous has no places. Both sides hand on what they know by the waiter.
//! - An unbounded channel's places lead from sends to receives, never back. When it grows, they are exchanged for new ones.
//! - Messages without a size have no memory. They all go through one object, which gathers what comes: some races go unseen then (in Go, too).
//!
//! Without a detector in the program nothing of this is in the state.

use std::ptr::{self, NonNull};

use sward_sched::Section;
use sward_sched::race::Hooks;

use super::waiters::Waiter;

/// The places of a channel's buffer. Under its lock.
pub(super) struct Places {
    #[cfg(feature = "race")]
    ring: Ring,
}

// SAFETY: its pointer is an address only.
unsafe impl Send for Places {}

impl Places {
    /// Those of a channel for so many messages, in this buffer.
    pub(super) fn bounded<T>(count: usize, buffer: &[T]) -> Places {
        Places::of(Ring { memory: memory(buffer), count, first: 0, is_bounded: true })
    }

    /// Those of an unbounded channel, in this buffer.
    pub(super) fn unbounded<T>(buffer: &Vec<T>) -> Places {
        Places::of(Ring { memory: memory(buffer), count: buffer.capacity(), first: 0, is_bounded: false })
    }

    #[cfg_attr(not(feature = "race"), expect(unused_variables))]
    fn of(ring: Ring) -> Places {
        Places {
            #[cfg(feature = "race")]
            ring,
        }
    }

    #[inline]
    #[cfg_attr(not(feature = "race"), expect(unused_variables))]
    fn tell(&mut self, section: &Section, report: impl FnOnce(&mut Ring, &Hooks<'_>)) {
        #[cfg(feature = "race")]
        sward_sched::race::hook_in(section, |race| report(&mut self.ring, race));
    }

    /// The caller sends a message, behind `held` others.
    #[inline]
    pub(super) fn send(&mut self, section: &Section, held: usize) {
        self.tell(section, |ring, race| ring.send(race, held));
    }

    /// The caller receives the first message.
    #[inline]
    pub(super) fn receive(&mut self, section: &Section) {
        self.tell(section, Ring::receive);
    }

    /// The message of a sender that waits goes into the buffer, behind `held` others.
    #[inline]
    pub(super) fn send_for(&mut self, section: &Section, sender: NonNull<Waiter>, held: usize) {
        self.tell(section, |ring, race| ring.stand_in(race, sender, held));
    }

    /// The caller sends a message to a receiver that waits.
    #[inline]
    pub(super) fn send_to(&mut self, section: &Section, receiver: NonNull<Waiter>) {
        self.tell(section, |ring, race| match (ring.is_bounded, ring.count) {
            (false, _) => race.release(receiver.as_ptr()),
            (true, 0) => race.hand_over(receiver.as_ptr()),
            (true, _) => {
                ring.send(race, 0);
                ring.stand_in(race, receiver, 0);
                ring.advance();
            }
        });
    }

    /// The caller receives the message of a sender that waits, past an empty buffer.
    #[inline]
    pub(super) fn receive_from(&mut self, section: &Section, sender: NonNull<Waiter>) {
        self.tell(section, |ring, race| match ring.count {
            0 => race.hand_over(sender.as_ptr()),
            _ => {
                ring.stand_in(race, sender, 0);
                ring.receive(race);
            }
        });
    }

    /// The `held` messages go to another buffer, whose places are `new`.
    #[inline]
    pub(super) fn move_to(&mut self, section: &Section, new: &mut Places, held: usize) {
        self.tell(section, |old, race| {
            new.tell(section, |new, _| (0..held).for_each(|i| race.exchange(old.object(i), new.object(i))));
            old.forget(race);
        });
    }

    /// The caller drops the `held` messages, and the buffer.
    #[inline]
    pub(super) fn give_up(&mut self, section: &Section, held: usize) {
        self.tell(section, |ring, race| {
            (0..held).for_each(|i| race.acquire(ring.object(i)));
            ring.forget(race);
        });
    }
}

fn memory<T>(buffer: &[T]) -> Option<*const u8> {
    (size_of::<T>() > 0).then(|| buffer.as_ptr().cast())
}

/// See the [module](self).
struct Ring {
    /// The i-th place is known by the address of the i-th byte. `None`: messages have no size.
    memory: Option<*const u8>,
    /// How many places there are. None at a rendezvous, and in an unbounded channel's first buffer, which holds nothing.
    count: usize,
    /// The place of the first message, or where the next will be the first.
    first: usize,
    /// Whether a receive comes before the send that gets the place.
    is_bounded: bool,
}

impl Ring {
    /// What stands for the place of the message behind `held` others.
    fn object(&self, held: usize) -> *const u8 {
        match self.memory {
            Some(memory) => memory.wrapping_add((self.first + held) % self.count),
            None => ptr::from_ref(self).cast(),
        }
    }

    fn send(&mut self, race: &Hooks<'_>, held: usize) {
        let place = self.object(held);
        match (self.memory, self.is_bounded) {
            (Some(_), true) => race.hand_over(place),
            (Some(_), false) => race.release_store(place),
            (None, true) => {
                race.acquire(place);
                race.release(place);
            }
            (None, false) => race.release(place),
        }
    }

    fn receive(&mut self, race: &Hooks<'_>) {
        let place = self.object(0);
        match (self.memory, self.is_bounded) {
            (Some(_), true) => race.hand_over(place),
            (_, false) => race.acquire(place),
            (None, true) => {
                race.acquire(place);
                race.release(place);
            }
        }
        self.advance();
    }

    /// A thread that waits hands over what it knows, in a bounded channel.
    fn stand_in(&self, race: &Hooks<'_>, waiter: NonNull<Waiter>, held: usize) {
        let place = self.object(held);
        if self.memory.is_some() {
            race.exchange(place, waiter.as_ptr());
        } else {
            // What has been gathered must not be lost by the exchange.
            race.acquire(place);
            race.exchange(place, waiter.as_ptr());
            race.release(place);
        }
    }

    fn advance(&mut self) {
        self.first = (self.first + 1) % self.count;
    }

    fn forget(&self, race: &Hooks<'_>) {
        if let Some(memory) = self.memory {
            race.forget(memory, self.count);
        }
    }
}
