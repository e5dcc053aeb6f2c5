//! What a select can do to a channel, of whatever messages: to send on it, or to receive from it.
//!
//! A look under the channel's lock takes hold of what there is ([`Found`]): a message, a place in the buffer, a thread that waits. The rest is
//! done without the lock, and leaves the select with a [`Right`]. To have received is done with that; to send is the right to, with a message that
//! is made only now.
//!
//! Never-ready channels and timer channels have no lock that a select would have to take, and no queue to wait in.

use std::ptr::NonNull;
use std::time::Instant;

use sward_sched::race;
use sward_sched::{Held, Section, SpinLock};

use crate::channel::ends::Side;
use crate::channel::error::SendError;
use crate::channel::patience::Patience;
use crate::channel::shared::{Kind, Shared, deliver};
use crate::channel::state::State;
use crate::channel::waiters::{Outcome, Taken, Waiter};
use crate::channel::{Receiver, Sender};

/// What a look has taken hold of.
pub(in crate::channel) enum Found {
    /// A message, which is in the slot. The sender, if there is one, got the place that it left.
    Message(Option<Taken>),
    /// A sender that waits.
    Sender(Taken),
    /// A receiver that waits.
    Receiver(Taken),
    /// A place in the buffer.
    Place,
    /// The end.
    Disconnected,
}

/// What has come of locking and looking.
pub(in crate::channel) enum Look<'a> {
    /// This; the lock is free again.
    Found(Found),
    /// Nothing yet. This is the lock, if there is one.
    Nothing(Option<Held<'a>>),
    /// Somebody else has the lock.
    Contended,
}

impl<'a> Look<'a> {
    /// Looks under the lock.
    fn under<T>(lock: &'a SpinLock<T>, patiently: bool, look: impl FnOnce(&mut T) -> Option<Found>) -> Look<'a> {
        let Some(mut value) = (if patiently { Some(lock.lock()) } else { lock.try_lock() }) else {
            return Look::Contended;
        };
        match look(&mut value) {
            Some(found) => Look::Found(found),
            None => Look::Nothing(Some(value.into())),
        }
    }
}

/// What has been chosen.
pub(in crate::channel) enum Right {
    /// The message that is in the slot.
    Message,
    /// To send to this receiver, which waits for it.
    Receiver(Taken),
    /// To send into the buffer.
    Place,
    /// To be told that nobody is left on the other side.
    Disconnected,
}

/// An end of a channel, as a case of a select. The slot of a receiver is memory for one of its messages.
pub(in crate::channel) trait Operation {
    /// Where the lock is under which others find who waits for this; `None`: nobody else can do anything for it.
    fn lock_address(&self) -> Option<usize>;

    /// Takes that lock.
    fn lock(&self) -> Held<'_>;

    /// Takes hold of what there is. `held` is the lock, if there is one.
    ///
    /// # Safety
    /// The slot is one for this receiver.
    unsafe fn look(&self, section: &Section, held: Option<&mut Held<'_>>, slot: NonNull<()>) -> Option<Found>;

    /// Locks and looks. Only `patiently` it waits for the lock.
    ///
    /// # Safety
    /// As for `look`.
    unsafe fn lock_and_look(&self, section: &Section, patiently: bool, slot: NonNull<()>) -> Look<'_>;

    /// Does what is left to do once the lock is free. `None`: what has been found is gone after all.
    ///
    /// # Safety
    /// As for `look`; it has found this, with this slot.
    unsafe fn settle(&self, section: Section, found: Found, slot: NonNull<()>) -> Option<Right>;

    /// What the end of a wait has brought. `None`: nothing after all.
    fn accept(&self, section: &Section, outcome: Outcome) -> Option<Right>;

    /// Gives up a right that has not been used.
    fn give_up(&self, right: Right);

    /// Whether there is anything to find. Maybe that is over already. `held` is the lock, if there is one.
    fn is_ready(&self, section: &Section, held: Option<&mut Held<'_>>) -> bool;

    /// When there will be something to find, if nobody else has anything to do with that.
    fn due(&self, section: &Section) -> Option<Instant>;

    /// Makes the waiter known.
    ///
    /// # Safety
    /// It stays where it is until it is woken by what it gets here, or dequeued.
    unsafe fn enqueue(&self, held: &mut Held<'_>, waiter: &Waiter);

    /// Ends that. Locks.
    ///
    /// # Safety
    /// It has been enqueued here.
    unsafe fn dequeue(&self, section: &Section, waiter: &Waiter);
}

impl<T> Receiver<T> {
    /// What can wait for others.
    fn queue(&self) -> Option<&Shared<T>> {
        self.0.as_deref().filter(|shared| !matches!(shared.kind(), Kind::Timer(_)))
    }

    fn expect_queue(&self) -> &Shared<T> {
        self.0.as_deref().expect("only a channel with a lock is locked and waited for")
    }

    /// # Safety
    /// As for [`Operation::look`].
    unsafe fn look_at_clock(&self, section: &Section, slot: NonNull<()>) -> Option<Found> {
        let Kind::Timer(clock) = self.0.as_deref()?.kind() else { return None };
        let message = clock.take(section)?;
        // SAFETY: the slot is one for this receiver.
        unsafe { slot.cast::<T>().write(message) };
        Some(Found::Message(None))
    }
}

/// # Safety
/// As for [`Operation::look`].
#[inline]
unsafe fn look_for_message<T>(
    shared: &Shared<T>,
    section: &Section,
    state: &mut State<T>,
    slot: NonNull<()>,
) -> Option<Found> {
    if let Some(message) = state.take(section) {
        // SAFETY: the slot is one for this receiver.
        unsafe { slot.cast::<T>().write(message) };
        return Some(Found::Message(state.give_place(section)));
    }
    if let Some(sender) = state.take_sender(section) {
        return Some(Found::Sender(sender));
    }
    shared.ends().is_gone(Side::Send).then_some(Found::Disconnected)
}

impl<T> Operation for Receiver<T> {
    fn lock_address(&self) -> Option<usize> {
        self.queue().map(|shared| shared.state.address())
    }

    fn lock(&self) -> Held<'_> {
        self.expect_queue().state.lock().into()
    }

    unsafe fn look(&self, section: &Section, held: Option<&mut Held<'_>>, slot: NonNull<()>) -> Option<Found> {
        let Some(held) = held else {
            // SAFETY: as the caller's.
            return unsafe { self.look_at_clock(section, slot) };
        };
        let shared = self.expect_queue();
        // SAFETY: as the caller's.
        unsafe { look_for_message(shared, section, held.value(&shared.state), slot) }
    }

    unsafe fn lock_and_look(&self, section: &Section, patiently: bool, slot: NonNull<()>) -> Look<'_> {
        let Some(shared) = self.queue() else {
            // SAFETY: as the caller's.
            return unsafe { self.look_at_clock(section, slot) }.map_or(Look::Nothing(None), Look::Found);
        };
        // SAFETY: as the caller's.
        Look::under(&shared.state, patiently, |state| unsafe { look_for_message(shared, section, state, slot) })
    }

    unsafe fn settle(&self, section: Section, found: Found, slot: NonNull<()>) -> Option<Right> {
        match found {
            Found::Message(None) => Some(Right::Message),
            Found::Message(Some(sender)) => {
                sender.complete(&section, Outcome::Done);
                Some(Right::Message)
            }
            Found::Sender(sender) => {
                let message = self.expect_queue().collect(section, sender)?;
                // SAFETY: the slot is one for this receiver.
                unsafe { slot.cast::<T>().write(message) };
                Some(Right::Message)
            }
            Found::Disconnected => Some(Right::Disconnected),
            Found::Receiver(_) | Found::Place => unreachable!("found by a sender"),
        }
    }

    fn accept(&self, _section: &Section, outcome: Outcome) -> Option<Right> {
        match outcome {
            Outcome::Done => Some(Right::Message),
            Outcome::Disconnected => {
                self.expect_queue().ends().acquire(Side::Send);
                Some(Right::Disconnected)
            }
            Outcome::Met(_) | Outcome::Withdrawn => None,
        }
    }

    fn give_up(&self, _right: Right) {}

    fn is_ready(&self, section: &Section, held: Option<&mut Held<'_>>) -> bool {
        let Some(held) = held else { return self.due(section).is_some_and(|due| due <= Instant::now()) };
        let shared = self.expect_queue();
        let state = held.value(&shared.state);
        !state.buffer.is_empty() || state.senders.has_other_than_watchers() || shared.ends().is_gone(Side::Send)
    }

    fn due(&self, section: &Section) -> Option<Instant> {
        match self.0.as_deref()?.kind() {
            Kind::Timer(clock) => clock.next(section),
            Kind::Bounded(_) | Kind::Unbounded => None,
        }
    }

    unsafe fn enqueue(&self, held: &mut Held<'_>, waiter: &Waiter) {
        // SAFETY: as the caller's.
        unsafe { held.value(&self.expect_queue().state).receivers.push(waiter) };
    }

    unsafe fn dequeue(&self, _section: &Section, waiter: &Waiter) {
        // SAFETY: as the caller's.
        unsafe { self.expect_queue().state.lock().receivers.remove(waiter) };
    }
}

impl<T> Operation for Sender<T> {
    fn lock_address(&self) -> Option<usize> {
        Some(self.0.state.address())
    }

    fn lock(&self) -> Held<'_> {
        self.0.state.lock().into()
    }

    unsafe fn look(&self, section: &Section, held: Option<&mut Held<'_>>, _slot: NonNull<()>) -> Option<Found> {
        self.0.look_for_room(section, held.expect("a sender's channel has a lock").value(&self.0.state))
    }

    unsafe fn lock_and_look(&self, section: &Section, patiently: bool, _slot: NonNull<()>) -> Look<'_> {
        Look::under(&self.0.state, patiently, |state| self.0.look_for_room(section, state))
    }

    unsafe fn settle(&self, _section: Section, found: Found, _slot: NonNull<()>) -> Option<Right> {
        match found {
            Found::Receiver(receiver) => Some(Right::Receiver(receiver)),
            Found::Place => Some(Right::Place),
            Found::Disconnected => Some(Right::Disconnected),
            Found::Message(_) | Found::Sender(_) => unreachable!("found by a receiver"),
        }
    }

    fn accept(&self, _section: &Section, outcome: Outcome) -> Option<Right> {
        match outcome {
            Outcome::Done => Some(Right::Place),
            Outcome::Disconnected => {
                self.0.ends().acquire(Side::Receive);
                Some(Right::Disconnected)
            }
            Outcome::Met(receiver) => {
                // It holds the lock until it waits, and is not to be completed before.
                drop(self.lock());
                Some(Right::Receiver(receiver))
            }
            Outcome::Withdrawn => None,
        }
    }

    fn give_up(&self, right: Right) {
        match right {
            Right::Receiver(receiver) => receiver.complete(&Section::enter(), Outcome::Withdrawn),
            Right::Place => self.0.give_place_back(),
            Right::Message | Right::Disconnected => {}
        }
    }

    fn is_ready(&self, _section: &Section, held: Option<&mut Held<'_>>) -> bool {
        let state = held.expect("a sender's channel has a lock").value(&self.0.state);
        state.has_room()
            || matches!(self.0.kind(), Kind::Unbounded)
            || state.receivers.has_other_than_watchers()
            || self.0.ends().is_gone(Side::Receive)
    }

    fn due(&self, _section: &Section) -> Option<Instant> {
        None
    }

    unsafe fn enqueue(&self, held: &mut Held<'_>, waiter: &Waiter) {
        // SAFETY: as the caller's.
        unsafe { held.value(&self.0.state).senders.push(waiter) };
    }

    unsafe fn dequeue(&self, _section: &Section, waiter: &Waiter) {
        // SAFETY: as the caller's.
        unsafe { self.0.state.lock().senders.remove(waiter) };
    }
}

impl<T> Sender<T> {
    /// Uses a right that this sender has got.
    pub(super) fn send_by_right(&self, right: Right, message: T) -> Result<(), SendError<T>> {
        match right {
            Right::Receiver(receiver) => {
                let section = Section::enter();
                // The message was made after the two have met.
                race::hook_in(&section, |race| race.release(receiver.waiter().as_ptr()));
                deliver(&section, receiver, message);
                Ok(())
            }
            Right::Place => self.0.send_into_place(message).map_err(SendError),
            Right::Disconnected => Err(SendError(message)),
            Right::Message => unreachable!("a receiver's"),
        }
    }
}

impl<T> Shared<T> {
    /// Takes hold of a receiver that waits, or of a place in the buffer, which is kept then.
    fn look_for_room(&self, section: &Section, state: &mut State<T>) -> Option<Found> {
        if let Some(receiver) = state.take_receiver(section) {
            return Some(Found::Receiver(receiver));
        }
        if self.ends().is_gone(Side::Receive) {
            return Some(Found::Disconnected);
        }
        if let Kind::Unbounded = self.kind() {
            return Some(Found::Place);
        }
        if !state.has_room() {
            return None;
        }
        state.limit -= 1;
        Some(Found::Place)
    }

    /// Counts a place that was kept as free again. `false`: none is kept where there is no end of them, nor without receivers.
    fn return_place(&self, state: &mut State<T>) -> bool {
        let was_kept = matches!(self.kind(), Kind::Bounded(_)) && !self.ends().is_gone(Side::Receive);
        state.limit += usize::from(was_kept);
        was_kept
    }

    /// Sends into a place that was kept for that; or gives the message back, if there are no receivers any more.
    fn send_into_place(&self, message: T) -> Result<(), T> {
        let section = Section::enter();
        let mut state = self.state.lock();
        self.return_place(&mut state);
        self.send_slowly(section, state, message, Patience::None).map_err(|(_, message)| message)
    }

    /// Gives a place that was kept to who waits for one.
    fn give_place_back(&self) {
        let section = Section::enter();
        let mut state = self.state.lock();
        if !self.return_place(&mut state) {
            return;
        }
        let sender = state.give_place(&section);
        drop(state);
        if let Some(sender) = sender {
            sender.complete(&section, Outcome::Done);
        }
    }
}
