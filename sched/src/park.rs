//! Parking and waking: the one way in which a green thread waits.
//!
//! `section.park(reason, commit)` suspends the G; then, on the M's stack, the G is marked *waiting*, and `commit` runs. What makes the
//! wait known to others (unlocking the queue that the G put itself on, setting the token) is the commit's business, so a waker
//! never meets a half-parked G:
//!
//! ```text
//!   G on P1                              waker on P2
//!   1. locks the channel, queues itself
//!   2. park: switches to the M's stack
//!   3. waiting
//!   4. commit: unlocks the channel       5. locks, takes the G out of the queue
//!                                        6. ready: waiting -> runnable, into a queue
//! ```
//! With the unlock before the switch, step 6 could run the G on P2 while P1 is still on its stack.
//!
//! [`ready`] is the only way back.

use std::mem::ManuallyDrop;
use std::ptr;
use std::time::Instant;

use crate::clock::{self, Nanos};
use crate::context::{self, Leave};
use crate::g::G;
use crate::holder::Holder;
use crate::interrupt::Interrupt;
use crate::lock_thread::lock_os_thread;
use crate::netpoll;
use crate::p::P;
use crate::reason::Reason;
use crate::sched::sched;
use crate::section::Section;
use crate::sleeper::{Claim, park_os_thread, park_os_thread_until};
use crate::spin::{Held, SpinGuard};
use crate::status::State;

impl Section {
    /// Ends the section and waits to be woken. Once the caller has left its stack, `commit` runs, with the caller counted as waiting;
    /// it makes the wait known to whoever will end it. If it returns `false`, there is nothing to wait for, and the caller goes on.
    ///
    /// `commit` runs on a thread's own stack, and must neither park nor wait for anything; from the moment it has made the wait
    /// known, what it borrows of the caller's stack may be gone.
    // Always: each caller has its own commit, so there is nothing to share.
    #[inline(always)]
    pub(crate) fn park(self, reason: Reason, commit: impl FnOnce() -> bool) {
        match self.g() {
            Some(g) => park_green(self, g, reason, commit),
            None => park_os_thread(commit),
        }
    }

    /// As [`park`](Self::park), for a wait that may also end at `deadline`, or be interrupted. `claim` is the caller's, made for this wait, and
    /// every waker takes it first. Unless the caller was woken, nobody else has taken the claim, and nobody will.
    pub(crate) fn park_claimed(
        self,
        reason: Reason,
        deadline: Option<Instant>,
        claim: Claim,
        commit: impl FnOnce() -> bool,
    ) -> Ended {
        // It covers the caller, so it is there until this returns.
        let interrupt = self.interrupt().map(ptr::from_ref);
        // SAFETY: as said.
        let interrupt = interrupt.map(|interrupt| unsafe { &*interrupt });
        let last = interrupt.and_then(Interrupt::deadline);
        let is_last = last.is_some_and(|last| deadline.is_none_or(|deadline| last <= deadline));
        let when = if is_last { last } else { deadline }.map(clock::at);
        let commit = move || {
            let Some(interrupt) = interrupt else { return commit() };
            interrupt.prepare();
            // Before the commit: afterwards, who is woken may end what covers it. An interrupt that comes first finds the caller waiting.
            let begun = interrupt.begin(claim);
            if commit() && begun {
                return true;
            }
            // SAFETY: the caller's own claim, and it is alive.
            if !unsafe { claim.take() } {
                // Who has it wakes the caller.
                return true;
            }
            if !begun {
                interrupt.forestall();
            }
            false
        };
        let timed_out = match (self.g(), self.p()) {
            (Some(g), Some(p)) => park_green_until(self, g, p, reason, when, claim, commit),
            // On an OS thread the kernel keeps the time.
            _ => park_os_thread_until(when, claim, commit),
        };
        if interrupt.is_some_and(|interrupt| interrupt.end(claim)) || timed_out && is_last {
            Ended::Interrupted
        } else if timed_out {
            Ended::TimedOut
        } else {
            Ended::Woken
        }
    }

    /// Ends the section and waits to be woken; `lock`, under which the caller has made its wait known, is unlocked once it waits.
    #[inline]
    pub fn park_unlocking<T>(self, reason: Reason, lock: SpinGuard<'_, T>) {
        let lock = lock.leak();
        self.park(reason, move || {
            // SAFETY: the guard was given up for this.
            unsafe { lock.unlock() };
            true
        });
    }

    /// As [`park_unlocking`](Self::park_unlocking), to wait for a lock. `holder` tells dumps who holds it.
    pub fn park_unlocking_behind<T>(self, reason: Reason, holder: &Holder, lock: SpinGuard<'_, T>) {
        let g = self.g();
        if let Some(g) = g {
            g.set_awaited(Some(holder));
        }
        self.park_unlocking(reason, lock);
        if let Some(g) = g {
            g.set_awaited(None);
        }
    }

    /// As [`park_unlocking`](Self::park_unlocking), for a wait that may also end at `deadline`, or be interrupted. `claim` is the caller's, made
    /// for this wait, and every waker takes it first. Unless the caller was woken, nobody else has taken the claim, and nobody will.
    pub fn park_unlocking_until<T>(
        self,
        reason: Reason,
        deadline: Option<Instant>,
        claim: Claim,
        lock: SpinGuard<'_, T>,
    ) -> Ended {
        let lock = lock.leak();
        self.park_claimed(reason, deadline, claim, move || {
            // SAFETY: the guard was given up for this.
            unsafe { lock.unlock() };
            true
        })
    }

    /// As [`park_unlocking_until`](Self::park_unlocking_until), for a caller that has made its wait known under several locks, or under none.
    ///
    /// # Safety
    /// Before what `locks` borrows is gone, the caller takes each of these locks again, but for one by which it was woken.
    pub unsafe fn park_unlocking_all<'a>(
        self,
        reason: Reason,
        deadline: Option<Instant>,
        claim: Claim,
        locks: impl Iterator<Item = Held<'a>>,
    ) -> Ended {
        // The caller may be woken by the first unlock. While a lock is left, it stays, and what `locks` borrows with it.
        let commit = move || {
            locks.for_each(drop);
            true
        };
        if deadline.is_none() && self.interrupt().is_none() {
            self.park(reason, commit);
            return Ended::Woken;
        }
        self.park_claimed(reason, deadline, claim, commit)
    }

    /// Waits until `deadline`; without one, until interrupted. Nobody wakes it.
    pub fn sit_out(self, reason: Reason, deadline: Option<Instant>) -> Ended {
        let claim = crate::Sleeper::current(&self).claim();
        self.park_claimed(reason, deadline, claim, || true)
    }
}

/// How a wait ended that several parties might end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By who was waited for.
    Woken,
    /// By the time.
    TimedOut,
    /// By the thread's [`Interrupt`].
    Interrupted,
}

/// Parks until woken, or until `when`. Returns whether the time was up.
fn park_green_until(
    section: Section,
    g: &'static G,
    p: &'static P,
    reason: Reason,
    when: Option<Nanos>,
    claim: Claim,
    commit: impl FnOnce() -> bool,
) -> bool {
    // Relaxed (all uses of `timed_out`): the waker's `ready` and the status word order it.
    use std::sync::atomic::Ordering::Relaxed;
    let Some(when) = when else {
        park_green(section, g, reason, commit);
        return false;
    };
    g.timed_out.store(false, Relaxed);
    park_green(section, g, reason, move || {
        // The timer comes after the commit, which may say that there is nothing to wait for. If the G has been woken
        // meanwhile, its claim is gone and the entry stale from the start.
        let waits = commit();
        if waits && claim.is_open() {
            p.timers.add(when, claim);
            sched().sysmon.guard_timer(when);
        }
        waits
    });
    let timed_out = g.timed_out.load(Relaxed);
    if !timed_out {
        p.timers.note_stale();
    }
    timed_out
}

#[inline(always)]
fn park_green<F: FnOnce() -> bool>(section: Section, g: &'static G, reason: Reason, commit: F) {
    /// Moves the closure off the G's stack, which is no longer its own once the closure has run, and calls it.
    unsafe fn call<F: FnOnce() -> bool>(closure: *mut ()) -> bool {
        // SAFETY: called once, with the address of the closure below, whose owner never drops it.
        unsafe { closure.cast::<F>().read()() }
    }
    // std counts panics by OS thread: a G that parks while it unwinds must come back on the same one.
    let _same_thread = std::thread::panicking().then(lock_os_thread);
    let mut commit = ManuallyDrop::new(commit);
    g.set_waiting(reason);
    g.m().set_commit(call::<F>, (&raw mut commit).cast());
    section.leave_to_m();
    // SAFETY: `g` is the caller, and the section, which is the M's to end now, kept its P.
    unsafe { context::suspend(g, Leave::Park) };
}

/// Makes a waiting G runnable: next on the caller's P, or on any.
#[inline]
pub(crate) fn ready(section: &Section, g: &'static G) {
    match section.p() {
        Some(p) => ready_on(p, g),
        None => {
            g.status.transition(State::Waiting, State::Runnable);
            sched().push_global(g);
        }
    }
}

/// Makes a waiting G runnable, next on `p`, which the caller holds.
#[inline]
pub(crate) fn ready_on(p: &'static P, g: &'static G) {
    g.status.transition(State::Waiting, State::Next);
    // SAFETY: the caller holds the P.
    let surplus = unsafe { p.owner() }.queue.push_next(&p.shared, g);
    let sched = sched();
    if surplus {
        sched.wake_if_idle();
    } else if sched.handshake.could_wake() {
        p.offer_run_next(sched);
    }
}

/// Lets others run first. Returns at once if there is nobody.
#[inline]
pub fn yield_now() {
    let section = Section::enter();
    let (Some(g), Some(p)) = (section.g(), section.p()) else {
        std::thread::yield_now();
        return;
    };
    // SAFETY: the section keeps the P.
    let queue = unsafe { &p.owner().queue };
    let alone = queue.is_empty(&p.shared)
        && sched().global.is_empty()
        && p.timers.next() == clock::NEVER
        && !netpoll::has_waiters();
    if alone || std::thread::panicking() {
        return;
    }
    section.leave_to_m();
    // SAFETY: `g` is the caller, and the section kept its P.
    unsafe { context::suspend(g, Leave::Yield) };
}
