//! Who waits in a runtime primitive, a green thread or an OS thread, and the right to wake it.
//!
//! Channels, mutexes and their like keep [`Sleeper`]s in their queues and do not care which kind they are. A wait that only one
//! party can end needs nothing more: who takes the sleeper out of the queue wakes it. A wait that several may end (a time-out,
//! a `select` on several channels) is a [`Claim`], which the first of them takes, see [`ticket`](crate::ticket); all others find it gone, and leave
//! the sleeper alone.

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};

use crate::clock::Nanos;
use crate::futex::Note;
use crate::g::G;
use crate::interrupt::Interrupt;
use crate::section::Section;
use crate::task::Task;
use crate::ticket::Ticket;

/// What an OS thread sleeps on: one a thread.
#[derive(Debug)]
pub(crate) struct OsThread {
    note: Note,
    ticket: Ticket,
    /// Whether its present wait is one without a time-out, and counted in [`OS_THREADS_BLOCKED`].
    counted: AtomicBool,
    /// What may interrupt its waits.
    interrupt: Cell<*const Interrupt>,
}

thread_local! {
    #[allow(clippy::disallowed_macros, reason = "used on OS threads, which never change under the code")]
    static OS_THREAD: OsThread = OsThread {
        note: Note::new(),
        ticket: Ticket::new(),
        counted: AtomicBool::new(false),
        interrupt: Cell::new(ptr::null()),
    };
}

/// What may interrupt the calling OS thread.
#[inline(never)]
pub(crate) fn os_interrupt() -> *const Interrupt {
    OS_THREAD.with(|thread| thread.interrupt.get())
}

/// Sets what may interrupt the calling OS thread; returns the old one.
#[inline(never)]
pub(crate) fn set_os_interrupt(interrupt: *const Interrupt) -> *const Interrupt {
    OS_THREAD.with(|thread| thread.interrupt.replace(interrupt))
}

/// OS threads that wait in a runtime primitive for as long as it takes: they will not wake anybody.
///
/// A thread counts itself in once its wait is on, and is counted out by its waker, before it is woken: one that may still find that there
/// is nothing to wait for, or has been woken and does not run yet, must not look blocked to the deadlock detector. The waker may be
/// faster, and the count too small for a moment, which makes the detector hesitate and no more.
static OS_THREADS_BLOCKED: AtomicIsize = AtomicIsize::new(0);

/// Counts the changes of [`OS_THREADS_BLOCKED`].
static OS_THREADS_CHANGES: AtomicUsize = AtomicUsize::new(0);

fn count_blocked(change: isize) {
    // SeqCst: read by the deadlock detector, which looks for a change between two looks. Not a hot path.
    OS_THREADS_CHANGES.fetch_add(1, Ordering::SeqCst);
    OS_THREADS_BLOCKED.fetch_add(change, Ordering::SeqCst);
}

/// How many OS threads wait without a time-out in runtime primitives, and a number that changes whenever that does.
pub(crate) fn os_threads_blocked() -> (isize, usize) {
    // SeqCst: see `count_blocked`.
    (OS_THREADS_BLOCKED.load(Ordering::SeqCst), OS_THREADS_CHANGES.load(Ordering::SeqCst))
}

/// A green thread, an OS thread or a task that waits, or is about to. As long as it waits, it may be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sleeper(NonNull<()>);

// SAFETY: a sleeper is an address; `wake` is what uses it, and states when it may.
unsafe impl Send for Sleeper {}
// SAFETY: as above.
unsafe impl Sync for Sleeper {}

/// The three kinds, told apart by the low bits of the address.
enum Kind {
    Green(&'static G),
    Os(*const OsThread),
    Task(*const Task),
}

const OS: usize = 1;
const TASK: usize = 2;
const KIND: usize = OS | TASK;

impl Sleeper {
    /// The caller.
    #[inline]
    pub fn current(section: &Section) -> Sleeper {
        match section.g() {
            Some(g) => Sleeper::green(g),
            None => Sleeper::this_os_thread(),
        }
    }

    pub(crate) fn green(g: &'static G) -> Sleeper {
        Sleeper(NonNull::from(g).cast())
    }

    #[inline(never)]
    pub(crate) fn this_os_thread() -> Sleeper {
        OS_THREAD.with(|thread| Sleeper(NonNull::from(thread).cast::<()>().map_addr(|a| a | OS)))
    }

    /// A task. Its waits are not ended by claims.
    pub fn task(task: &Task) -> Sleeper {
        Sleeper(NonNull::from(task).cast::<()>().map_addr(|a| a | TASK))
    }

    fn kind(self) -> Kind {
        let kind = self.0.addr().get() & KIND;
        let address = self.0.as_ptr().map_addr(|a| a & !KIND);
        match kind {
            // SAFETY: made from a `&'static G`.
            0 => Kind::Green(unsafe { self.0.cast().as_ref() }),
            OS => Kind::Os(address.cast()),
            _ => Kind::Task(address.cast()),
        }
    }

    /// The address, for a word that holds a sleeper or a small number. At least 4.
    pub(crate) fn to_word(self) -> usize {
        self.0.as_ptr().expose_provenance()
    }

    /// The sleeper whose word it is.
    ///
    /// # Safety
    /// `word` comes from [`to_word`](Self::to_word).
    pub(crate) unsafe fn from_word(word: usize) -> Sleeper {
        Sleeper(NonNull::new(std::ptr::with_exposed_provenance_mut(word)).expect("a sleeper's word is not 0"))
    }

    /// Wakes it.
    ///
    /// # Safety
    /// It waits, or has published itself under a lock that it gives up only once it waits; and the caller is the only one to
    /// wake it, since it took it out of a queue or won its claim. If it is a task, the runtime has been started, and the caller has the lock
    /// without which the task's owner does not touch it.
    #[inline]
    pub unsafe fn wake(self, section: &Section) {
        match self.kind() {
            Kind::Green(g) => crate::park::ready(section, g),
            // SAFETY: the thread waits for this very call, so its thread-local is there until the note is set.
            Kind::Os(thread) => unsafe {
                // Relaxed: written before the wait was made known.
                if (*thread).counted.load(Ordering::Relaxed) {
                    count_blocked(-1);
                }
                (*thread).note.wake();
            },
            // SAFETY: by the caller's promise the task is there, and the caller's.
            Kind::Task(task) => unsafe { (*task).wake() },
        }
    }

    /// Begins a wait that several parties may end.
    pub fn claim(self) -> Claim {
        Claim { sleeper: self, ticket: self.ticket().begin() }
    }

    fn ticket(&self) -> &Ticket {
        match self.kind() {
            Kind::Green(g) => &g.ticket,
            // SAFETY: an OS thread takes its claims out of all queues before its wait returns, so it is alive.
            Kind::Os(thread) => unsafe { &(*thread).ticket },
            Kind::Task(_) => unreachable!("a task has no claims"),
        }
    }
}

/// The right to end one wait of one sleeper: whoever takes it first has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    sleeper: Sleeper,
    ticket: u64,
}

impl Claim {
    /// Takes the claim. `true`: the caller, and nobody else, must now wake the sleeper.
    ///
    /// # Safety
    /// The sleeper, if it is an OS thread, is alive: it takes its claims out of all queues before its wait returns.
    pub unsafe fn take(self) -> bool {
        self.sleeper.ticket().end(self.ticket)
    }

    /// Whether nobody has taken it yet. For claims of green threads, which live for ever.
    pub(crate) fn is_open(self) -> bool {
        self.sleeper.ticket().is_on(self.ticket)
    }

    /// Whose wait it is.
    pub fn sleeper(self) -> Sleeper {
        self.sleeper
    }

    /// The claim of the wait that `sleeper` began with `ticket`.
    pub(crate) fn of(sleeper: Sleeper, ticket: u64) -> Claim {
        Claim { sleeper, ticket }
    }

    pub(crate) fn ticket(self) -> u64 {
        self.ticket
    }

    /// The green thread whose wait it is, if it is one.
    pub(crate) fn g(self) -> Option<&'static G> {
        match self.sleeper.kind() {
            Kind::Green(g) => Some(g),
            Kind::Os(_) | Kind::Task(_) => None,
        }
    }
}

/// Blocks the calling OS thread until it is woken, if `commit` says that there is something to wait for.
pub(crate) fn park_os_thread(commit: impl FnOnce() -> bool) {
    OS_THREAD.with(|thread| {
        // Relaxed: made known by the commit.
        thread.counted.store(true, Ordering::Relaxed);
        if commit() {
            count_blocked(1);
            thread.note.sleep();
        }
    });
}

/// As [`park_os_thread`], for a wait that the time may end, or that may be interrupted. Returns whether the time was up, in which case the
/// thread has its claim itself.
pub(crate) fn park_os_thread_until(deadline: Option<Nanos>, claim: Claim, commit: impl FnOnce() -> bool) -> bool {
    OS_THREAD.with(|thread| {
        // Relaxed: made known by the commit.
        thread.counted.store(false, Ordering::Relaxed);
        if !commit() || thread.note.sleep_until(deadline) {
            return false;
        }
        // SAFETY: the claim is this thread's own.
        let timed_out = unsafe { claim.take() };
        if !timed_out {
            // The waker was faster; it is about to set the note.
            thread.note.sleep();
        }
        timed_out
    })
}
