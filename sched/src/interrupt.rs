//! Interrupts: ending a thread's waits from outside, the present one and all that follow.
//!
//! A thread that makes itself interruptible has an [`Interrupt`], which others may set, once and for good. A wait then ends before it
//! begins; one that is under way ends now. Like `thread::park`'s token, it holds the number of the wait that is under way, so who sets
//! it ends that wait, or finds that another party has, and never a later one (see [`ticket`](crate::ticket)).
//!
//! An interrupt may also have a deadline, which is one of each of its waits.
//!
//! A wait that was interrupted unwinds the thread, quietly, with [`Interrupted`] for payload, to who covers it. Waits with no [`Claim`] are
//! not interrupted: for a lock, for the end of a scope.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::race;
use crate::section::Section;
use crate::sleeper::{self, Claim, Sleeper};
use crate::ticket::Token;

/// What ends a thread's waits when it is set, once and for good, or when its deadline comes.
#[derive(Debug)]
pub struct Interrupt {
    sleeper: Sleeper,
    token: Token,
    /// Whether it has ended the wait that was under way.
    ended_wait: AtomicBool,
    deadline: Option<Instant>,
}

impl Interrupt {
    /// For waits of the calling thread.
    pub fn new(deadline: Option<Instant>) -> Interrupt {
        let sleeper = Sleeper::current(&Section::enter());
        Interrupt { sleeper, token: Token::new(), ended_wait: AtomicBool::new(false), deadline }
    }

    /// Runs `f`, whose waits it may interrupt, instead of another that may now.
    pub fn cover<R>(&self, f: impl FnOnce() -> R) -> R {
        /// Puts the old one back, also on unwinding.
        struct Restore(*const Interrupt);
        impl Drop for Restore {
            fn drop(&mut self) {
                set_current(self.0);
            }
        }
        let _restore = Restore(set_current(self));
        f()
    }

    /// Interrupts.
    ///
    /// # Safety
    /// The thread that it was made by is alive, and stays so until this returns.
    pub unsafe fn set(&self) {
        let section = Section::enter();
        race::hook_in(&section, |race| race.release(self));
        let Some(ticket) = self.token.set() else { return };
        let claim = Claim::of(self.sleeper, ticket);
        // SAFETY: the thread is alive; with its claim, the wake-up is the caller's.
        unsafe {
            if claim.take() {
                // Relaxed: the wake orders it.
                self.ended_wait.store(true, Ordering::Relaxed);
                self.sleeper.wake(&section);
            }
        }
    }

    /// Until when its waits may last.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// For the thread itself, about to wait.
    pub(crate) fn prepare(&self) {
        // Relaxed: own thread; see `set`.
        self.ended_wait.store(false, Ordering::Relaxed);
    }

    /// Makes the wait of `claim` known. `false`: it is set.
    pub(crate) fn begin(&self, claim: Claim) -> bool {
        self.token.wait(claim.ticket())
    }

    /// Notes that the wait has not begun, since it is set. For who has the claim.
    pub(crate) fn forestall(&self) {
        // Relaxed: own thread, or its M.
        self.ended_wait.store(true, Ordering::Relaxed);
    }

    /// For the thread itself, after the wait of `claim`. Tells whether this has ended it.
    pub(crate) fn end(&self, claim: Claim) -> bool {
        self.token.wait_is_over(claim.ticket());
        // Relaxed: see `set`.
        let ended_wait = self.ended_wait.load(Ordering::Relaxed);
        if ended_wait {
            race::hook(|race| race.acquire(self));
        }
        ended_wait
    }
}

/// The payload of the unwinding that ends an interrupted thread's work.
#[derive(Debug)]
pub struct Interrupted;

impl Interrupted {
    /// Unwinds.
    pub fn unwind() -> ! {
        std::panic::resume_unwind(Box::new(Interrupted))
    }
}

impl Section {
    /// The interrupt of the calling thread. None interrupts a thread that unwinds: its destructors may have to wait.
    #[inline]
    pub(crate) fn interrupt(&self) -> Option<&Interrupt> {
        let current = match self.g() {
            Some(g) => g.interrupt(),
            None => sleeper::os_interrupt(),
        };
        if current.is_null() || std::thread::panicking() {
            return None;
        }
        // SAFETY: it covers the caller, whose frames are within those of `cover`.
        Some(unsafe { &*current })
    }

    /// A claim for a wait that others than who is waited for may end: as it is `limited` in time, or the thread may be interrupted.
    #[inline]
    pub fn claim_if(&self, limited: bool) -> Option<Claim> {
        (limited || self.interrupt().is_some()).then(|| Sleeper::current(self).claim())
    }
}

/// Whether anything may interrupt the caller's waits.
#[inline]
pub fn is_interruptible() -> bool {
    Section::enter().interrupt().is_some()
}

/// Sets the caller's interrupt; returns the old one.
fn set_current(interrupt: *const Interrupt) -> *const Interrupt {
    match Section::enter().g() {
        Some(g) => g.set_interrupt(interrupt),
        None => sleeper::set_os_interrupt(interrupt),
    }
}
