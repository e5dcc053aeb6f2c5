//! Callbacks: from foreign code back into green-thread code.
//!
//! # Within a foreign call
//! The G that made the call has left its stack in the middle, and foreign frames lie on the M's own stack. The callback runs as the same G on a
//! **further green stack**, which the M resumes from beneath the foreign frames:
//!
//! ```text
//!   M's stack                        G's stacks
//!   scheduler loop ──resume────────► user code
//!     foreign code ◄──unblock─────── unblock
//!       callback ────resume────────►  the callback's body: parks, spawns, calls out again
//!         …       ◄──unblock────────
//! ```
//! Those frames are the M's, so the G is **wired** to the M as long as the callback lasts: what the G waits for, the M waits for, beneath them, having given
//! its P away; others hand it a P when the G's turn comes ([`lock_thread`](crate::lock_thread)).
//!
//! The G had left its P, and gets one before the body begins; the body's end leaves it again. Calls and callbacks nest as deep as the stacks allow.
//!
//! A panic of the body ends its stack, and goes on from [`callback`], on the M's stack. Where the foreign frames let it pass it reaches the caller
//! of the foreign function.
//!
//! # On a thread that is not ours
//! A thread that foreign code has made borrows an M, for as long as the thread lives, and each callback is a G of its own, wired to it. Between
//! callbacks the thread counts as not ours: it may do what it likes, and the deadlock detector does not wait for it.
//!
//! # Rejected
//! - Running the body on the G's own stack, below where it called, as Go does: the coroutine library keeps one place to suspend to for each stack, and
//!   that place is above the foreign frames.
//! - Having another M run the body while the foreign thread waits: the body would find other thread-locals of C's than its caller.

use std::any::Any;
use std::ffi::c_void;
use std::io;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::{self, AssertUnwindSafe, Location};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use crate::context::Context;
use crate::g::{self, G};
use crate::lock_thread::unlock_from_thread;
use crate::m::{self, M};
use crate::overflow::AlternateStack;
use crate::p::{self, P};
use crate::race;
use crate::sched::{is_started, sched};
use crate::schedule::{await_turn, run_to_end};
use crate::stack;
use crate::status::State;
use crate::syscall::{self, FOREIGN};
use sward_mem::fatal;

/// Runs `f` as green-thread code and returns its value: for a function that foreign code calls. Within a foreign call, `f` runs on the green
/// thread that made it; on a thread that foreign code has made, on a green thread of its own. Either way it stays on this OS thread.
///
/// # Panics
/// With the panic of `f`.
///
/// # Aborts
/// Before the runtime has been started; in [`quick`](crate::quick); in a signal handler.
#[track_caller]
pub fn callback<R>(f: impl FnOnce() -> R) -> R {
    if stack::current_g().is_some() {
        // The foreign function was called on the green stack.
        return f();
    }
    let result = match m::current() {
        Some(m) => match m.current() {
            Some(caller) => back_into(m, caller, f),
            None => on_borrowed(m, f),
        },
        None if is_started() => on_borrowed(borrow(), f),
        None => fatal!("a callback into green-thread code before the runtime has been started: call sward::run first"),
    };
    result.unwrap_or_else(|payload| panic::resume_unwind(payload))
}

type Outcome<R> = Result<R, Box<dyn Any + Send>>;

/// A callback's closure, then its outcome. It lies on the M's stack.
union Body<F, R> {
    f: ManuallyDrop<F>,
    outcome: ManuallyDrop<Outcome<R>>,
}

impl<F: FnOnce() -> R, R> Body<F, R> {
    /// Runs `f` on a stack of `g`, which is *running* and wired to `m`, by `context`.
    fn run(m: &'static M, g: &'static G, f: F) -> Outcome<R> {
        let mut body = Body { f: ManuallyDrop::new(f) };
        let slot = match m.held_p().take_stack(g.stack_shift()) {
            Ok(slot) => slot,
            Err(error) => fatal!("no stack for a callback into green thread {}: {error}", g.id()),
        };
        // Without the names of `F` and `R`, which may borrow.
        let (call, place): (unsafe fn(*mut ()), _) = (Self::call, (&raw mut body).cast::<()>());
        slot.header().note_lent();
        let mut context = Context::default();
        // SAFETY: it runs once, while `body` is here.
        context.start(slot, g, move || unsafe { call(place) });
        run_to_end(m, g, &mut context);
        let Some(slot) = context.take_stack() else {
            fatal!("a callback of green thread {} ended without a stack", g.id())
        };
        m.held_p().free_stack(slot, sched().stack_shift);
        // SAFETY: `call` has put it there.
        ManuallyDrop::into_inner(unsafe { body.outcome })
    }

    /// What runs on the green stack.
    ///
    /// # Safety
    /// `body` has a closure, and is the caller's.
    unsafe fn call(body: *mut ()) {
        let body = body.cast::<Body<F, R>>();
        // SAFETY: by the caller's promise; moved out once.
        let f = ManuallyDrop::into_inner(unsafe { (&raw const (*body).f).read() });
        race::hook(|race| race.acquire(&FOREIGN));
        let outcome = panic::catch_unwind(AssertUnwindSafe(f));
        race::hook(|race| race.release(&FOREIGN));
        // SAFETY: by the caller's promise.
        unsafe { (&raw mut (*body).outcome).write(ManuallyDrop::new(outcome)) };
    }
}

/// Runs `f` on a further stack of `g`, which is in a foreign call on this M.
fn back_into<R>(m: &'static M, g: &'static G, f: impl FnOnce() -> R) -> Outcome<R> {
    if m.is_in_handler() {
        fatal!("a callback into green thread {} from a signal handler", g.id());
    }
    if g.status.load() == State::Running {
        fatal!(
            "a callback into green thread {}, which is in ffi::quick: only functions called by ffi::call may call back",
            g.id()
        );
    }
    let wire = Wire::new(m, g);
    get_p(m, g);
    let outer = g.leave_stack();
    g.set_outer(&raw const outer);
    // A cancellation would unwind into the foreign code, which few can bear. It takes effect when the call is over.
    let interrupt = g.set_interrupt(ptr::null());
    let outcome = Body::run(m, g, f);
    g.set_interrupt(interrupt);
    g.return_to(&outer);
    drop(wire);
    m.set_current(Some(g));
    let p = m.held_p();
    // SAFETY: this M holds the P.
    let queued = !unsafe { p.owner() }.queue.is_empty(&p.shared);
    syscall::leave_p(g, m, p);
    if queued {
        sched().sysmon.watch_syscalls();
    }
    outcome
}

/// Gets a P for a G in syscall state that is wired to this M. It is *running* then.
fn get_p(m: &'static M, g: &'static G) {
    if syscall::take_old_p(g) || syscall::take_idle_p(g) {
        return;
    }
    g.status.transition(State::Syscall, State::Runnable);
    sched().push_global(g);
    // A P may be in a call for long.
    sched().sysmon.watch_syscalls();
    await_turn(m, g);
    g.status.run();
}

/// Keeps a G on its M, until dropped.
struct Wire {
    m: &'static M,
    g: &'static G,
}

impl Wire {
    fn new(m: &'static M, g: &'static G) -> Wire {
        let depth = g.os_locks.get();
        g.os_locks.set(depth + 1);
        if depth == 0 {
            g.set_locked_m(Some(m));
            m.set_locked_g(Some(g));
        }
        Wire { m, g }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let depth = self.g.os_locks.get() - 1;
        self.g.os_locks.set(depth);
        if depth == 0 {
            self.g.set_locked_m(None);
            self.m.set_locked_g(None);
        }
    }
}

/// An M that a thread which is not ours has borrowed: the value of a `pthread_key_t`, dropped when the thread ends.
///
/// A thread-local of Rust's will not do. Its destructor does not run in a thread whose first callback comes from the destructor of such a key; and it
/// does run when a callback calls `exit`, in the middle of that callback.
struct Borrowed {
    m: &'static M,
    /// Dropped with it.
    _alternate_stack: AlternateStack,
}

impl Borrowed {
    fn new() -> Borrowed {
        // What crossbeam's deques need of each thread: see `run_m`.
        drop(crossbeam_epoch::pin());
        // Before it is an M: the detector then takes what it does for that of any other thread.
        race::hook(|race| race.acquire(&FOREIGN));
        unblock_signals();
        let m = sched().lists.lock().lend_m();
        m.adopt_thread();
        m.set_borrowed(true);
        let alternate_stack = AlternateStack::install();
        m.set_alternate_stack(alternate_stack.range());
        Borrowed { m, _alternate_stack: alternate_stack }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.m.set_borrowed(false);
        self.m.leave_thread();
        sched().lists.lock().take_back_m(self.m);
    }
}

/// Has the calling thread borrow an M until its end.
fn borrow() -> &'static M {
    unsafe extern "C" fn give_back(borrowed: *mut c_void) {
        // SAFETY: the key's value, made below, which the C library has taken out.
        drop(unsafe { Box::from_raw(borrowed.cast::<Borrowed>()) });
    }
    static KEY: OnceLock<libc::pthread_key_t> = OnceLock::new();
    if AlternateStack::is_in_use() {
        fatal!("a callback into green-thread code from a signal handler");
    }
    let key = *KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: makes a key, whose values `give_back` takes.
        match unsafe { libc::pthread_key_create(&mut key, Some(give_back)) } {
            0 => key,
            error => fatal!("no pthread_key_t for callbacks: {}", io::Error::from_raw_os_error(error)),
        }
    });
    let borrowed = Box::new(Borrowed::new());
    let m = borrowed.m;
    // SAFETY: the key's destructor takes such a box.
    let error = unsafe { libc::pthread_setspecific(key, Box::into_raw(borrowed).cast()) };
    if error != 0 {
        fatal!("no place for what a thread borrows for its callbacks: {}", io::Error::from_raw_os_error(error));
    }
    m
}

/// Lets the signals through that a hog and an overflow are found by. Threads of foreign code are often made with all signals blocked.
fn unblock_signals() {
    let mut ours = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: makes a set of signals, and has the calling thread take them.
    unsafe {
        libc::sigemptyset(ours.as_mut_ptr());
        for signal in [libc::SIGURG, libc::SIGSEGV, libc::SIGBUS] {
            libc::sigaddset(ours.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_UNBLOCK, ours.as_ptr(), ptr::null_mut());
    }
}

/// Runs `f` as a green thread of its own, on an M that the calling thread has borrowed.
#[track_caller]
fn on_borrowed<R>(m: &'static M, f: impl FnOnce() -> R) -> Outcome<R> {
    // A handler without the alternate stack may have interrupted the scheduler.
    if m.is_in_handler() || !m.is_borrowed() {
        fatal!("a callback into green-thread code from a signal handler");
    }
    let sched = sched();
    let g = g::take_one_free();
    g.christen(p::take_ids(1), None, sched.stack_shift, Location::caller());
    g.join.reset();
    g.token.consume();
    race::hook(|race| race.spawned(g));
    // One for the thread itself. Release pairs with `GRef::try_new`.
    g.references.store(1, Ordering::Release);
    // Relaxed: a count that matters when nothing runs.
    sched.spawned_outside.fetch_add(1, Ordering::Relaxed);
    sched.lists.lock().begin_callback();
    let wire = Wire::new(m, g);
    g.set_m(m);
    g.status.transition(g.status.load(), State::Syscall);
    get_p(m, g);
    let outcome = Body::run(m, g, || {
        let outcome = panic::catch_unwind(AssertUnwindSafe(f));
        // SAFETY: the user's code is done, and with it every use of the values.
        unsafe { g.locals.clear() };
        race::hook(|race| race.ended());
        outcome
    });
    g.forget_stack();
    g.status.leave_running(State::Dead);
    drop(wire);
    // A guard may have been forgotten, or carried out.
    unlock_from_thread(m, g);
    let p = m.held_p();
    P::count(&p.ended);
    race::hook(|race| race.joined(g));
    if g::drop_reference(g) {
        p.free_g(g);
    }
    m.set_p(None);
    let mut lists = sched.lists.lock();
    lists.end_callback();
    let asleep = lists.active_ms() == 0;
    drop(lists);
    sched.hand_off(p);
    if asleep {
        // The others have gone to sleep meanwhile. As long as this thread lives, it may wake them.
        sched.sysmon.set_undecided();
    }
    outcome.and_then(|outcome| outcome)
}
