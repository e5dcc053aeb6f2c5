//! The two ends of a channel, counted: who is there to send, who to receive, and who frees the channel.
//!
//! Each side counts its handles. The last one of a side disconnects it: nobody on the other side shall wait for it. The side that
//! goes second frees the channel; which one that is, a flag tells that both set. An `Arc` would do the freeing as well, but count each clone
//! twice.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::ops::Deref;
use std::process;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sward_sched::race;

use super::shared::Shared;

/// Which end of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Send,
    Receive,
}

impl Side {
    pub(super) fn other(self) -> Side {
        match self {
            Side::Send => Side::Receive,
            Side::Receive => Side::Send,
        }
    }
}

/// How many handles there are.
#[derive(Debug)]
pub(super) struct Ends {
    senders: AtomicUsize,
    receivers: AtomicUsize,
    /// One side is gone and done with the channel.
    one_left: AtomicBool,
}

impl Ends {
    /// One handle on each side.
    pub(super) fn one_each() -> Ends {
        Ends { senders: AtomicUsize::new(1), receivers: AtomicUsize::new(1), one_left: AtomicBool::new(false) }
    }

    /// One handle to receive with, of a channel that nobody sends on.
    pub(super) fn no_sender() -> Ends {
        Ends { senders: AtomicUsize::new(0), one_left: AtomicBool::new(true), ..Ends::one_each() }
    }

    fn count(&self, side: Side) -> &AtomicUsize {
        match side {
            Side::Send => &self.senders,
            Side::Receive => &self.receivers,
        }
    }

    /// Whether nobody is left on this side. For whoever holds the channel's lock: if the answer is no, the last one on that side
    /// will yet take the lock to disconnect it.
    pub(super) fn is_gone(&self, side: Side) -> bool {
        // Relaxed: by the lock. If that side had been disconnected before the caller locked, the caller has acquired the count
        // with the lock; and whoever is seen to be gone here sent its messages before the caller locked.
        let is_gone = self.count(side).load(Ordering::Relaxed) == 0;
        if is_gone {
            self.acquire(side);
        }
        is_gone
    }

    /// For who knows that this side is gone: what its threads did comes before.
    #[inline]
    pub(super) fn acquire(&self, side: Side) {
        race::hook(|race| race.acquire(self.count(side)));
    }
}

/// A handle of one side. Its owner, a `Sender` or a `Receiver`, knows which, counts it, and lets go of it.
pub(super) struct End<T> {
    shared: NonNull<Shared<T>>,
    /// Who goes last drops messages.
    owns: PhantomData<T>,
}

/// The first handle of a channel that nobody sends on.
pub(super) fn receiver<T>(shared: Shared<T>) -> End<T> {
    End { shared: NonNull::from(Box::leak(Box::new(shared))), owns: PhantomData }
}

/// A channel's two first handles.
pub(super) fn pair<T>(shared: Shared<T>) -> (End<T>, End<T>) {
    let shared = NonNull::from(Box::leak(Box::new(shared)));
    (End { shared, owns: PhantomData }, End { shared, owns: PhantomData })
}

impl<T> End<T> {
    /// Another handle of the same side.
    #[inline]
    pub(super) fn another(&self, side: Side) -> End<T> {
        // Relaxed: who has a handle may count another; nothing is published by it.
        let before = self.ends().count(side).fetch_add(1, Ordering::Relaxed);
        // Only a program that forgets handles in a loop gets here. Wrapping to 0 would free the channel under its users.
        if before > isize::MAX as usize {
            process::abort();
        }
        End { shared: self.shared, owns: PhantomData }
    }

    /// Lets go of the handle.
    ///
    /// # Safety
    /// It is a handle of this side, and is not used any more.
    #[inline]
    pub(super) unsafe fn let_go(&self, side: Side) {
        race::hook(|race| race.release(self.ends().count(side)));
        // AcqRel: what was done with this handle comes before the disconnection, by whoever is last.
        if self.ends().count(side).fetch_sub(1, Ordering::AcqRel) == 1 {
            // SAFETY: no handle of this side is left.
            unsafe { self.leave(side) };
        }
    }

    /// # Safety
    /// This was the last handle of its side.
    #[cold]
    unsafe fn leave(&self, side: Side) {
        // Dropped at the very end, when nothing is left that a panicking message could keep from being done.
        let _unwanted: VecDeque<T> = self.disconnect(side);
        // AcqRel: what the first side did to the channel comes before the second frees it.
        if self.ends().one_left.swap(true, Ordering::AcqRel) {
            race::hook(|race| race.forget(self.shared.as_ptr(), size_of::<Shared<T>>()));
            // SAFETY: made by `Box::leak`. Both sides are gone, and the other one has done what it had to before the swap.
            drop(unsafe { Box::from_raw(self.shared.as_ptr()) });
        }
    }

    pub(super) fn same_channel(&self, other: &End<T>) -> bool {
        self.shared == other.shared
    }
}

impl<T> Deref for End<T> {
    type Target = Shared<T>;
    #[inline]
    fn deref(&self) -> &Shared<T> {
        // SAFETY: a channel is not freed while there is a handle.
        unsafe { self.shared.as_ref() }
    }
}
