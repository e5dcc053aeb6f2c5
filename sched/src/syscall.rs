//! Syscall state: what a G is in while it blocks its OS thread, so that its P can serve others.
//!
//! Entering leaves the P to whoever wants it, and costs some stores and no atomic operation: the P stays where it is, marked *syscall*, and the M forgets
//! that it holds it. sysmon moves a P on that is left so for long. Coming back, the G takes its P again by one CAS if nobody
//! has; else an idle one; else it queues, or does without one for the few microseconds until its next call ([`stretch`](crate::stretch)).
//!
//! Whose syscall a P is in does not matter: any M that comes back and remembers the P may take it, even from another M that has entered
//! a syscall with it since. That one then finds it taken, as it would after a retake.
//!
//! A **hog**, a G that has run past its slice, is put into the same state by a signal, in the middle of its code
//! (see [`preempt`](crate::preempt)). It goes on running, without a P, until it next enters a runtime section.

use std::sync::atomic::{Ordering, compiler_fence};

use crate::call_site::CallSite;
use crate::clock::{self, Nanos};
use crate::context::{self, Leave};
use crate::g::G;
use crate::idle;
use crate::m::{self, M};
use crate::p::{P, PState};
use crate::race;
use crate::sched::sched;
use crate::section::Section;
use crate::stack;
use crate::status::State;
use crate::traceback::Registers;
use sward_mem::fatal;

/// What stands for all foreign code together in race reports: a release before each foreign call and an acquire after it. Foreign code may order
/// its calls among themselves by means that no hook sees, so two of them are never taken to race (Go does the same).
pub(crate) static FOREIGN: u8 = 0;

/// Runs `f`, which may block its OS thread, in syscall state: the P goes on with other green threads. `f` runs on the OS
/// thread's own stack, and what it calls of this runtime behaves as on any OS thread. On a plain OS thread, just calls `f`.
/// What `errno` is when `f` returns, it is for the caller.
///
/// A system call in `f` may be interrupted by a signal of this runtime, as by any other signal: calls that the kernel does not restart (`nanosleep`,
/// `poll`) then return early, with EINTR.
///
/// # Aborts
/// In a signal handler.
pub fn unblock<R>(f: impl FnOnce() -> R) -> R {
    let Some(g) = stack::current_g() else {
        refuse_in_handler();
        return f();
    };
    g.header().stretch.end();
    let mut section = Section::with_or_without_p(g);
    if race::enabled() {
        section = section.with_p();
        race::hook_in(&section, |race| race.release(&FOREIGN));
    }
    let m = g.m();
    let registers = Registers::capture();
    let mut returns = Returns { g, site: CallSite::at(registers.pc), gave_p_away: None };
    match m.p() {
        Some(p) => {
            g.save_registers(registers);
            // SAFETY: the section keeps the P.
            let queued = !unsafe { p.owner() }.queue.is_empty(&p.shared);
            leave_p(g, m, p);
            if queued {
                returns.gave_p_away = give_away(p, returns.site);
            }
        }
        // It is in syscall state, and somebody may be looking at it.
        None => save_registers_watched(g, registers),
    }
    drop(section);
    // SAFETY: `g` is the caller; `f` runs as on an OS thread, so it suspends no G.
    let result = unsafe { context::on_m_stack(g, || foreign(f)) };
    drop(returns);
    result
}

/// Runs `f`, which calls a foreign function that is known to return within microseconds, on the OS thread's own stack. The P stays, so all that the
/// green threads behind this one wait for is `f`. On a plain OS thread, just calls `f`.
#[inline]
pub fn quick<R>(f: impl FnOnce() -> R) -> R {
    match stack::current_header() {
        // SAFETY: it is the caller's; `f` runs as on an OS thread, so it suspends no G.
        Some(header) => unsafe { context::below(header, f) },
        None => f(),
    }
}

/// Runs `f` on an M's own stack, as an OS thread, with the edges of that.
#[inline(always)]
fn foreign<R>(f: impl FnOnce() -> R) -> R {
    struct Ends;
    impl Drop for Ends {
        #[inline(always)]
        fn drop(&mut self) {
            race::hook(|race| race.release(&FOREIGN));
        }
    }
    race::hook(|race| race.acquire(&FOREIGN));
    let _ends = Ends;
    f()
}

/// A foreign call in a signal handler would leave a P that belongs to the code which was interrupted.
fn refuse_in_handler() {
    if m::current().is_some_and(M::is_in_handler) {
        fatal!("a foreign call in a signal handler, by ffi::call or unblock: call the function itself");
    }
}

/// Sees to a P that has just been left, and that others wait for. Returns when it was given away, if it was.
#[cold]
#[inline(never)]
fn give_away(p: &'static P, site: CallSite) -> Option<Nanos> {
    if !site.blocks() {
        sched().sysmon.watch_syscalls();
    } else if p.transition(PState::Syscall, PState::Running) {
        sched().hand_off(p);
        return Some(clock::now());
    }
    None
}

/// A G whose stack is used again, by return or by unwinding: gets it a P back, if it needs one.
struct Returns {
    g: &'static G,
    site: CallSite,
    gave_p_away: Option<Nanos>,
}

impl Drop for Returns {
    #[inline]
    fn drop(&mut self) {
        let g = self.g;
        let section = Section::with_or_without_p(g);
        if race::enabled() && race::is_order_historical() {
            race::hook_in(&section, |race| race.acquire(&FOREIGN));
        }
        if take_old_p(g) {
            g.forget_registers();
        } else {
            self.come_back();
        }
        // Only with a P is there a place for the edge, see `race`.
        if race::enabled() {
            race::hook_in(&section, |race| race.acquire(&FOREIGN));
        }
    }
}

impl Returns {
    /// What a G does that comes back and finds its P taken: it gets another one, or goes on without, see [`stretch`](crate::stretch). The
    /// caller has counted itself into a section.
    #[cold]
    #[inline(never)]
    fn come_back(&self) {
        let g = self.g;
        let errno = errno();
        {
            // A scanner that is at it is waited for, and none begins afterwards: from here on the stack changes.
            let _no_scanner = g.stack_lock.lock();
            g.forget_registers();
        }
        match self.gave_p_away {
            Some(began) => self.site.took_since(began),
            None => self.site.has_blocked(),
        }
        let stretch = &g.header().stretch;
        let needs_none = stretch.was_short() && !race::enabled() && !std::thread::panicking();
        if !take_idle_p(g) && !needs_none {
            wait_for_p(g);
        }
        stretch.begin();
        set_errno(errno);
    }
}

/// Notes where a G leaves its stack that is in syscall state already.
#[cold]
fn save_registers_watched(g: &G, registers: Registers) {
    let _no_scanner = g.stack_lock.lock();
    g.save_registers(registers);
}

/// Gives up the P of a running G, to be taken back later. Async-signal-safe.
#[inline]
pub(crate) fn leave_p(g: &G, m: &M, p: &'static P) {
    P::tick(&p.syscalls);
    m.set_old_p(Some(p));
    m.set_p(None);
    g.status.leave_running(State::Syscall);
    // From here on the P may be anybody's.
    p.set_state(PState::Syscall);
}

/// Takes the P that a G in syscall state has left, if nobody has.
#[inline]
pub(crate) fn take_old_p(g: &G) -> bool {
    let m = g.m();
    let old = m.old_p().filter(|p| p.transition(PState::Syscall, PState::Running));
    old.map(|p| use_p(g, m, p)).is_some()
}

/// Takes an idle P for a G in syscall state, if there is one.
pub(crate) fn take_idle_p(g: &G) -> bool {
    let sched = sched();
    // Without the lock first: where Ps are short, many ask.
    let idle = if sched.handshake.idle() == 0 { None } else { sched.lists.lock().take_p(sched) };
    idle.map(|p| use_p(g, g.m(), p)).is_some()
}

#[inline]
fn use_p(g: &G, m: &'static M, p: &'static P) {
    g.status.transition(State::Syscall, State::Running);
    idle::hold(m, p);
}

/// Gets a P for a G that runs without one. The caller has just counted itself into a section.
#[inline(never)]
pub(crate) fn regain_p(g: &'static G) {
    g.header().stretch.end();
    wait_for_p(g);
}

/// Waits until a G that runs without a P has one.
fn wait_for_p(g: &'static G) {
    loop {
        if take_old_p(g) || take_idle_p(g) {
            return;
        }
        // std counts panics by OS thread: see `park`.
        let same_thread = std::thread::panicking() && g.locked_m().is_none();
        let m = g.m();
        if same_thread {
            g.set_locked_m(Some(m));
            m.set_locked_g(Some(g));
        }
        save_registers_watched(g, Registers::capture());
        // SAFETY: `g` is the caller, and its M expects it to leave.
        unsafe { context::switch(g, Leave::NeedP) };
        let m = g.m();
        m.set_locks(1);
        compiler_fence(Ordering::SeqCst);
        if same_thread {
            g.set_locked_m(None);
            m.set_locked_g(None);
        }
        if m.p().is_some() {
            g.forget_registers();
            return;
        }
        // The signal for hogs came between the switch and the lock.
    }
}

/// The calling thread's `errno`. Not inlined, as its address is the thread's.
#[inline(never)]
fn errno() -> libc::c_int {
    // SAFETY: the thread's own.
    unsafe { *libc::__errno_location() }
}

/// Sets the calling thread's `errno`.
#[inline(never)]
fn set_errno(errno: libc::c_int) {
    // SAFETY: the thread's own.
    unsafe { *libc::__errno_location() = errno };
}
