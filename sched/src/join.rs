//! The join word: who has the outcome of a green thread, and who waits for it.
//!
//! ```text
//!   PENDING ──ends──► DONE           the handle takes or drops the outcome
//!      │  ├─joins──► (the joiner) ──ends──► DONE, and the joiner is woken
//!      │  ├─awaits─► (a waker) ──ends──► DONE, and the waker is called
//!      │  │◄──────── (polled again, or given up)
//!      └─handle dropped─► DETACHED ──ends──► the thread drops the outcome itself, on its own stack
//! ```
//!
//! There is one handle, and only its owner leaves a joiner or a waker here, so the word has to hold one of them at most. A joiner is a
//! [`Sleeper`]; it waits, so nobody takes it back. A waker lies in a box, which belongs to who takes it out of the word: the thread
//! by its end, or the handle, to wake another task or none at all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use crate::sleeper::Sleeper;

const PENDING: usize = 0;
const DETACHED: usize = 1;
const DONE: usize = 2;
/// In every other word: whether it is a waker's. The addresses of boxes, and the words of sleepers, have this bit clear.
const WAKER: usize = 2;
const _: () = assert!(align_of::<Waker>() > WAKER);

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct JoinWord(AtomicUsize);

/// Who was there when the thread ended.
#[derive(Debug)]
pub(crate) enum Waits {
    /// The handle, which is not waited on.
    Nobody,
    /// Not even the handle: the outcome is the thread's.
    Detached,
    /// A thread that joins: the caller wakes it.
    Joiner(Sleeper),
    /// A task that awaits it: the caller wakes it.
    Task(Box<Waker>),
}

impl JoinWord {
    pub(crate) fn new() -> JoinWord {
        JoinWord(AtomicUsize::new(PENDING))
    }

    /// For a thread that nobody else knows yet.
    pub(crate) fn reset(&self) {
        // Relaxed: published with the thread.
        self.0.store(PENDING, Ordering::Relaxed);
    }

    /// Whether the thread has ended: then the outcome is the handle's.
    pub(crate) fn is_done(&self) -> bool {
        // Acquire pairs with the release of `end`.
        self.0.load(Ordering::Acquire) == DONE
    }

    /// For the thread, when its outcome is in its place.
    pub(crate) fn end(&self) -> Waits {
        // AcqRel: release for who takes the outcome, acquire for who put itself there.
        match self.0.swap(DONE, Ordering::AcqRel) {
            PENDING => Waits::Nobody,
            DETACHED => Waits::Detached,
            // SAFETY: put there by `leave_waker`, and taken out by this swap.
            word if word & WAKER != 0 => Waits::Task(unsafe { waker_of(word) }),
            // SAFETY: every other word is a joiner's.
            word => Waits::Joiner(unsafe { Sleeper::from_word(word) }),
        }
    }

    /// For the handle: `joiner` is to be woken at the end. `false`: the thread has ended.
    pub(crate) fn leave_joiner(&self, joiner: Sleeper) -> bool {
        self.leave(joiner.to_word())
    }

    /// For the handle: `waker` is to be called at the end. Gives it back if the thread has ended.
    pub(crate) fn leave_waker(&self, waker: Box<Waker>) -> Result<(), Box<Waker>> {
        let word = Box::into_raw(waker).expose_provenance() | WAKER;
        // SAFETY: made just above; it is nobody else's if it was not left.
        if self.leave(word) { Ok(()) } else { Err(unsafe { waker_of(word) }) }
    }

    /// For the handle: takes the waker back that it has left, if the thread has not.
    pub(crate) fn take_waker(&self) -> Option<Box<Waker>> {
        // Relaxed: the box was made by who calls this, or with this handle's consent.
        let word = self.0.load(Ordering::Relaxed);
        if word == DONE || word & WAKER == 0 {
            return None;
        }
        // Relaxed: nothing is published. On failure the thread has ended, which is looked at with an acquire afterwards.
        let taken = self.0.compare_exchange(word, PENDING, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        // SAFETY: taken out by this exchange.
        taken.then(|| unsafe { waker_of(word) })
    }

    /// For the handle, which is dropped, after [`take_waker`](Self::take_waker). `false`: the thread has ended and left the outcome to it.
    pub(crate) fn detach(&self) -> bool {
        self.leave(DETACHED)
    }

    fn leave(&self, word: usize) -> bool {
        // AcqRel: release for the thread that finds it; acquire if that has ended meanwhile.
        self.0.compare_exchange(PENDING, word, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// # Safety
/// The word comes from [`JoinWord::leave_waker`], and the waker is the caller's.
unsafe fn waker_of(word: usize) -> Box<Waker> {
    // SAFETY: by the caller's promise.
    unsafe { Box::from_raw(std::ptr::with_exposed_provenance_mut(word & !WAKER)) }
}
