//! Runtime sections: the stretches of runtime code on a green thread that need a P.
//!
//! Runtime code that touches a P (its queues, timers, free lists) or takes a [`SpinLock`](crate::SpinLock) first enters a section. From then
//! until the section ends or the G parks, the M keeps its P: the signal that takes the P from a hog looks at the M's depth of
//! sections and leaves it alone. A G that has lost its P, since it ran too long between two sections, gets one here first, and
//! that is the one place where entering may switch.
//!
//! On a plain OS thread, and in foreign code on an M's own stack, a section is empty: it has no P, and what it wakes goes to the
//! global queue.
//!
//! No code of the user runs in a section: nobody's `Drop`, no closure. It could block, park or never end.

use std::marker::PhantomData;
use std::sync::atomic::{Ordering, compiler_fence};

use crate::g::G;
use crate::m::M;
use crate::p::P;
use crate::stack;

/// The calling thread is in runtime code and keeps its P.
#[must_use]
pub struct Section {
    g: Option<&'static G>,
    /// Not `Send`: it speaks of the thread that entered.
    not_send: PhantomData<*mut ()>,
}

impl Section {
    /// Enters a section. On a green thread that has lost its P this waits for one.
    #[inline]
    pub fn enter() -> Section {
        let g = stack::current_g();
        if let Some(g) = g
            && count_in(g).p().is_none()
        {
            crate::syscall::regain_p(g);
        }
        Section { g, not_send: PhantomData }
    }

    /// Enters a section on `g`, the caller. It may have lost its P.
    #[inline]
    pub(crate) fn with_or_without_p(g: &'static G) -> Section {
        count_in(g);
        Section { g: Some(g), not_send: PhantomData }
    }

    /// Waits for a P if there is none.
    #[inline]
    pub(crate) fn with_p(self) -> Section {
        if let Some(g) = self.g
            && g.m().p().is_none()
        {
            crate::syscall::regain_p(g);
        }
        self
    }

    /// The G that this runs on; `None` on a plain OS thread.
    #[inline]
    pub fn g(&self) -> Option<&'static G> {
        self.g
    }

    #[inline]
    pub(crate) fn m(&self) -> Option<&'static M> {
        self.g.map(G::m)
    }

    /// The P that this section keeps.
    #[inline]
    pub(crate) fn p(&self) -> Option<&'static P> {
        self.m().map(M::held_p)
    }

    /// Ends the section on behalf of the M, which is about to get its G back: by parking, or by its end.
    #[inline]
    pub(crate) fn leave_to_m(self) {
        std::mem::forget(self);
    }
}

/// Counts the caller into a section. Returns its M.
#[inline(always)]
fn count_in(g: &G) -> &'static M {
    let m = g.m();
    m.set_locks(m.locks() + 1);
    // Pairs with the signal handler on this same thread: it sees the lock, or has taken the P before whoever looks for it next.
    compiler_fence(Ordering::SeqCst);
    m
}

impl Drop for Section {
    #[inline]
    fn drop(&mut self) {
        if let Some(m) = self.m() {
            compiler_fence(Ordering::SeqCst);
            m.set_locks(m.locks() - 1);
        }
    }
}
