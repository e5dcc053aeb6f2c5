//! Syscall state: what a G is in while it blocks its OS thread, so that its P can serve others.
//!
//! Entering leaves the P to whoever wants it, and costs some stores and no atomic operation: the P stays where it is, marked *syscall*, and the M forgets
//! that it holds it. sysmon moves a P on that is left so for long. Coming back, the G takes its P again by one CAS if nobody
//! has; else an idle one; else it queues.
//!
//! Whose syscall a P is in does not matter: any M that comes back and remembers the P may take it, even from another M that has entered
//! a syscall with it since. That one then finds it taken, as it would after a retake.
//!
//! A **hog**, a G that has run past its slice, is put into the same state by a signal, in the middle of its code
//! (see [`preempt`](crate::preempt)). It goes on running, without a P, until it next enters a runtime section.

use std::sync::atomic::{Ordering, compiler_fence};

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
    let section = Section::enter();
    let Some(g) = section.g() else {
        refuse_in_handler();
        return f();
    };
    race::hook_in(&section, |race| race.release(&FOREIGN));
    g.save_registers(Registers::capture());
    let m = g.m();
    // SAFETY: the section keeps the P.
    let queued = !unsafe { m.held_p().owner() }.queue.is_empty(&m.held_p().shared);
    leave_p(g, m, m.held_p());
    if queued {
        sched().sysmon.watch_syscalls();
    }
    drop(section);
    let returns = Returns(g);
    // SAFETY: `g` is the caller; `f` runs as on an OS thread, so it suspends no G.
    let result = unsafe { context::on_m_stack(g, || foreign(f)) };
    drop(returns);
    result
}

/// Runs `f`, which calls a foreign function that is known to return within microseconds, on the OS thread's own stack. The P stays, so all that the
/// green threads behind this one wait for is `f`. On a plain OS thread, just calls `f`.
pub fn quick<R>(f: impl FnOnce() -> R) -> R {
    match stack::current_g() {
        // SAFETY: `g` is the caller; `f` runs as on an OS thread, so it suspends no G.
        Some(g) => unsafe { context::on_m_stack(g, f) },
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

/// A G whose stack is used again, by return or by unwinding: gets it a P back.
struct Returns(&'static G);

impl Drop for Returns {
    #[inline]
    fn drop(&mut self) {
        self.0.forget_registers();
        // Only with a P is there a place for the edge, see `race`.
        let section = Section::enter();
        race::hook_in(&section, |race| race.acquire(&FOREIGN));
    }
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

/// Gets a P for a G that runs without one. The caller has just counted itself into a section.
#[inline(never)]
pub(crate) fn regain_p(g: &'static G) {
    let sched = sched();
    loop {
        let m = g.m();
        let old = m.old_p().filter(|p| p.transition(PState::Syscall, PState::Running));
        let p = old.or_else(|| sched.lists.lock().take_p(sched));
        if let Some(p) = p {
            g.status.transition(State::Syscall, State::Running);
            idle::hold(m, p);
            return;
        }
        // std counts panics by OS thread: see `park`.
        let same_thread = std::thread::panicking() && g.locked_m().is_none();
        if same_thread {
            g.set_locked_m(Some(m));
            m.set_locked_g(Some(g));
        }
        let errno = errno();
        // SAFETY: `g` is the caller, and its M expects it to leave.
        unsafe { context::suspend(g, Leave::NeedP) };
        set_errno(errno);
        let m = g.m();
        m.set_locks(1);
        compiler_fence(Ordering::SeqCst);
        if same_thread {
            g.set_locked_m(None);
            m.set_locked_g(None);
        }
        if m.p().is_some() {
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
