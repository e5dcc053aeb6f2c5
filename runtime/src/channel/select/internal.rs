//! What the macros are made of. Not for direct use: it changes without notice.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

use sward_sched::{Held, Section};

use super::operation::{Found, Look, Operation, Right};
use super::{Order, choose};
use crate::channel::error::{RecvError, SendError};
use crate::channel::patience::{Patience, idle_until};
use crate::channel::waiters::{Outcome, Part, Waiter};
use crate::channel::{Receiver, Sender};

/// A case of a select: an end of a channel, for `'a`, and for a receiver a place for its message, for `'s`.
#[derive(Clone)]
pub struct Case<'a, 's> {
    end: &'a dyn Operation,
    /// For a receiver, memory for one of its messages.
    slot: Option<NonNull<()>>,
    index: usize,
    slot_borrow: PhantomData<&'s mut ()>,
}

/// Where a received message is put.
pub struct Slot<T>(MaybeUninit<T>);

/// What a select has chosen, to be used by the end whose case it was. Dropped unused, it is given up; a message that has been received is leaked then.
pub struct Chosen<'a> {
    end: &'a dyn Operation,
    /// Taken when it is used.
    right: Option<Right>,
    slot: NonNull<()>,
    index: usize,
}

impl<T> Slot<T> {
    /// For a message of this receiver.
    pub fn new(_: &Receiver<T>) -> Slot<T> {
        Slot(MaybeUninit::uninit())
    }

    fn place(&mut self) -> NonNull<()> {
        NonNull::from(&mut self.0).cast()
    }
}

impl<'a, 's> Case<'a, 's> {
    /// To receive.
    pub fn recv<T>(index: usize, receiver: &'a Receiver<T>, slot: &'s mut Slot<T>) -> Case<'a, 's> {
        // SAFETY: the slot is for messages of this type, and borrowed for as long as the case is used.
        unsafe { Case::new(index, receiver, Some(slot.place())) }
    }

    /// To send.
    pub fn send<T>(index: usize, sender: &'a Sender<T>, _: &'s mut ()) -> Case<'a, 's> {
        // SAFETY: a sender needs no slot.
        unsafe { Case::new(index, sender, None) }
    }

    /// # Safety
    /// As long as the case is used, the slot is memory for a message of the receiver. A sender has none.
    pub(super) unsafe fn new(index: usize, end: &'a dyn Operation, slot: Option<NonNull<()>>) -> Case<'a, 's> {
        Case { end, slot, index, slot_borrow: PhantomData }
    }

    /// Gives the receiver, if it is one, another slot.
    ///
    /// # Safety
    /// As for [`new`](Self::new).
    pub(super) unsafe fn set_slot(&mut self, slot: NonNull<()>) {
        self.slot = self.slot.map(|_| slot);
    }

    /// The slot, or something that is never used.
    fn slot(&self) -> NonNull<()> {
        self.slot.unwrap_or(NonNull::dangling())
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn lock_address(&self) -> Option<usize> {
        self.end.lock_address()
    }

    pub(super) fn lock(&self) -> Held<'a> {
        self.end.lock()
    }

    /// `held` is the channel's lock, if it has one.
    pub(super) fn look(&self, section: &Section, held: Option<&mut Held<'_>>) -> Option<Found> {
        // SAFETY: by `new`, the slot is one for this receiver.
        unsafe { self.end.look(section, held, self.slot()) }
    }

    pub(super) fn lock_and_look(&self, section: &Section, patiently: bool) -> Look<'a> {
        // SAFETY: as above.
        unsafe { self.end.lock_and_look(section, patiently, self.slot()) }
    }

    /// What it has found is chosen, unless it is gone after all.
    pub(super) fn settle(&self, section: Section, found: Found) -> Option<Chosen<'a>> {
        // SAFETY: as above; it has been found with this slot.
        let right = unsafe { self.end.settle(section, found, self.slot()) }?;
        Some(self.chosen(right))
    }

    /// What the end of a wait has brought is chosen, unless that is nothing.
    pub(super) fn accept(&self, section: &Section, outcome: Outcome) -> Option<Chosen<'a>> {
        self.end.accept(section, outcome).map(|right| self.chosen(right))
    }

    fn chosen(&self, right: Right) -> Chosen<'a> {
        Chosen { end: self.end, right: Some(right), slot: self.slot(), index: self.index }
    }

    pub(super) fn is_ready(&self, section: &Section, held: Option<&mut Held<'_>>) -> bool {
        self.end.is_ready(section, held)
    }

    pub(super) fn due(&self, section: &Section) -> Option<Instant> {
        self.end.due(section)
    }

    /// What a waiter for it is there for.
    pub(super) fn part(&self) -> Part {
        self.slot.map_or(Part::Promise, Part::Move)
    }

    /// # Safety
    /// As for [`Operation::enqueue`].
    pub(super) unsafe fn enqueue(&self, held: &mut Held<'_>, waiter: &Waiter) {
        // SAFETY: as the caller's.
        unsafe { self.end.enqueue(held, waiter) };
    }

    /// # Safety
    /// As for [`Operation::dequeue`].
    pub(super) unsafe fn dequeue(&self, section: &Section, waiter: &Waiter) {
        // SAFETY: as the caller's.
        unsafe { self.end.dequeue(section, waiter) };
    }
}

impl Chosen<'_> {
    /// The case that was chosen.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Takes the message that has been received.
    ///
    /// # Errors
    /// When there is none and all senders are gone.
    ///
    /// # Panics
    /// If it was not the case of this receiver and this slot.
    pub fn recv<T>(self, receiver: &Receiver<T>, slot: &mut Slot<T>) -> Result<T, RecvError> {
        assert_eq!(self.slot, slot.place(), "passed a slot that wasn't selected");
        let place = self.slot;
        // SAFETY: the slot that the case was made with, which is what a message was put in.
        unsafe { self.recv_from(receiver, place) }
    }

    /// As [`recv`](Self::recv), from where the slot is now.
    ///
    /// # Safety
    /// It is at `place`.
    pub(super) unsafe fn recv_from<T>(mut self, receiver: &Receiver<T>, place: NonNull<()>) -> Result<T, RecvError> {
        assert!(self.is_of(receiver), "passed a receiver that wasn't selected");
        match self.right.take() {
            // SAFETY: the receiver is the one of the case, so the message is of its type; and it is taken once.
            Some(Right::Message) => Ok(unsafe { place.cast::<T>().read() }),
            _ => Err(RecvError),
        }
    }

    /// Sends.
    ///
    /// # Errors
    /// Gives the message back when all receivers are gone.
    ///
    /// # Panics
    /// If it was not the case of this sender.
    pub fn send<T>(mut self, sender: &Sender<T>, message: T) -> Result<(), SendError<T>> {
        assert!(self.is_of(sender), "passed a sender that wasn't selected");
        match self.right.take() {
            Some(right) => sender.send_by_right(right, message),
            None => Err(SendError(message)),
        }
    }

    fn is_of<E>(&self, end: &E) -> bool {
        ptr::eq(ptr::from_ref(self.end).cast::<()>(), ptr::from_ref(end).cast())
    }
}

impl Drop for Chosen<'_> {
    fn drop(&mut self) {
        if let Some(right) = self.right.take() {
            self.end.give_up(right);
        }
    }
}

fn order(is_biased: bool) -> Order {
    if is_biased { Order::Given } else { Order::Random }
}

/// `select!` without `default`.
pub fn select<'a>(cases: &[Case<'a, '_>], is_biased: bool) -> Chosen<'a> {
    choose(cases, order(is_biased), Patience::Endless).expect("patience is endless")
}

/// `select!` with `default`.
pub fn try_select<'a>(cases: &[Case<'a, '_>], is_biased: bool) -> Option<Chosen<'a>> {
    choose(cases, order(is_biased), Patience::None)
}

/// `select!` with `default(timeout)`.
pub fn select_timeout<'a>(cases: &[Case<'a, '_>], is_biased: bool, timeout: Duration) -> Option<Chosen<'a>> {
    choose(cases, order(is_biased), Patience::For(timeout))
}

/// `select!` with nothing.
pub fn wait_for_ever() -> ! {
    loop {
        idle_until(Section::enter(), None);
    }
}
