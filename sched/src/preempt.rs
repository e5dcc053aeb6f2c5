//! Taking the P from a hog.
//!
//! Rust code cannot be stopped at an arbitrary instruction and moved to another thread: it may hold an address of a thread-local, a lock of
//! the C library, anything. So a hog is not stopped. A signal is sent to its OS thread, and the handler puts the G into syscall state, as
//! if it had called a blocking function just there: the P is free for others, and the hog runs on as a plain OS thread, scheduled
//! by the kernel, until its next runtime section, where it must get a P like anybody who leaves a syscall. Nobody starves, and no
//! instruction of the hog sees a difference.
//!
//! The handler acts only if it has interrupted a G on its own green stack, outside any runtime section. Otherwise the
//! scheduler is about to look around by itself, or sysmon asks again.
//!
//! Rejected: suspending the G from inside the handler (open-coroutine), and moving the interrupted context to another thread (go-lib): both
//! break whatever non-reentrant code they hit, `malloc` first.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{Ordering, compiler_fence};

use crate::overflow::AlternateStack;
use crate::p::{P, PState};
use crate::sched::{Sched, sched};
use crate::stack;
use crate::syscall;
use crate::traceback::Registers;
use sward_mem::fatal;

/// Ignored by default, so a stray one harms nobody; Go's choice too.
const SIGNAL: libc::c_int = libc::SIGURG;

/// Asks the M that holds `p` to give it up.
///
/// If the M enters a blocking call just before the signal comes, the call may return early, with EINTR, as far as SA_RESTART does not
/// cover it. So the last look at the P is just before.
pub(crate) fn ask(sched: &Sched, p: &P) {
    // Relaxed: if the P changes hands meanwhile, the signal goes to an M that does not need it, and costs its G a detour.
    let holder = p.held_by.load(Ordering::Relaxed);
    let Some(m) = holder.checked_sub(1).map(|i| sched.lists.lock().all_ms[i]) else { return };
    if p.state() != PState::Running {
        return;
    }
    // SAFETY: a signal to a thread of this process that handles it; if the thread has ended, the call fails.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), m.tid(), SIGNAL) };
}

/// Installs the handler.
pub(crate) fn install() {
    install_handler(SIGNAL, on_signal);
}

/// Installs `handler` for `signal`, to run on the alternate stack. Returns what was there.
pub(crate) fn install_handler(
    signal: libc::c_int,
    handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void),
) -> libc::sigaction {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a sigaction of zeros is valid; the handler has the signature that SA_SIGINFO asks for.
    unsafe {
        let mut new = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        new.sa_sigaction = handler as *const () as usize;
        new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        if libc::sigaction(signal, &new, old.as_mut_ptr()) != 0 {
            fatal!("cannot handle signal {signal}: {}", std::io::Error::last_os_error());
        }
        old.assume_init()
    }
}

/// Has the handler of `signal` run on the alternate stack, whoever installed it: a green stack may have no room for it.
pub(crate) fn use_alternate_stack(signal: libc::c_int) {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: reads the present action, and puts it back with one more flag.
    unsafe {
        if libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0 {
            let mut action = action.assume_init();
            action.sa_flags |= libc::SA_ONSTACK;
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

extern "C" fn on_signal(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the thread's own errno.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: the kernel hands a handler with SA_SIGINFO the interrupted context.
    let interrupted = Registers::from_ucontext(unsafe { &*ptr::with_exposed_provenance(context.expose_provenance()) });
    let sp = if is_called_late() { stack::stack_pointer() } else { interrupted.sp };
    if let Some(g) = stack::g_at(sp) {
        let m = g.m();
        compiler_fence(Ordering::SeqCst);
        if m.locks() == 0
            && let Some(p) = m.p()
        {
            // It goes on running, so where it was interrupted says nothing about its stack.
            g.forget_registers();
            syscall::leave_p(g, m, p);
            sched().sysmon.watch_syscalls();
        }
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Whether the handler does not interrupt its thread, but is called by it: ThreadSanitizer puts signals off, unless the thread is blocked, until it
/// next has the thread in its hands. The thread may have left the interrupted stack by then.
fn is_called_late() -> bool {
    cfg!(feature = "tsan") && !AlternateStack::is_in_use()
}
