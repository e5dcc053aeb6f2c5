//! M: an OS thread that runs green threads when it holds a P. Its own stack runs the scheduler loop and foreign code.

use std::cell::Cell;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering};

use crate::futex::Note;
use crate::g::G;
use crate::netpoll;
use crate::p::P;
use crate::random::Random;

/// A commit, erased: called with the closure's address and the G that has left its stack. `false`: the G goes on at once.
pub(crate) type Commit = unsafe fn(*mut ()) -> bool;

/// See the [module](self). Ms live for ever; one whose thread has ended is reused by the next.
pub(crate) struct M {
    pub(crate) id: usize,
    /// Depth of runtime sections: while it is not 0, the P is not handed off. Written by its own thread, read by its own
    /// signal handlers.
    locks: AtomicU32,
    /// The P it holds.
    p: AtomicPtr<P>,
    /// The P it held before a syscall.
    old_p: AtomicPtr<P>,
    /// The G it runs.
    current: AtomicPtr<G>,
    /// The G that is locked to it.
    locked_g: AtomicPtr<G>,
    /// What it sleeps on when there is nothing to do.
    pub(crate) note: Note,
    /// Whether it sleeps as the poller. Changed under the lock of the lists.
    polls: AtomicBool,
    /// The P that its waker hands it.
    next_p: AtomicPtr<P>,
    /// The P whose `run_next` it was woken for.
    offered_by: AtomicPtr<P>,
    /// Whether it looks for work without having any, and is counted as such.
    spinning: AtomicBool,
    /// The kernel's number of its thread.
    tid: AtomicI32,
    pub(crate) random: Random,
    /// What the G that is parking wants done once it has left its stack.
    commit: Cell<Option<(Commit, *mut ())>>,
    /// Where its signal handlers run.
    alternate_stack: Cell<(usize, usize)>,
    /// Whether its thread is not ours, and has borrowed it.
    borrowed: Cell<bool>,
}

thread_local! {
    /// The M that the calling OS thread is.
    #[allow(clippy::disallowed_macros, reason = "asked on OS threads' own stacks, where the code does not change its thread")]
    static CURRENT: Cell<Option<&'static M>> = const { Cell::new(None) };
}

/// The M that the calling OS thread is, if it is one. For code on an OS thread's own stack.
#[inline(never)]
pub(crate) fn current() -> Option<&'static M> {
    CURRENT.get()
}

// SAFETY: `random`, `commit`, `alternate_stack` and `borrowed` are used by the M's own thread; all else is atomic.
unsafe impl Sync for M {}
// SAFETY: as above.
unsafe impl Send for M {}

/// Most accesses to an M are by its own thread (its signal handlers included), or by who wakes it, before the wake: program
/// order or the note order them. So these are all `Relaxed`.
macro_rules! slot {
    ($get:ident, $set:ident, $field:ident, $of:ty) => {
        #[inline]
        pub(crate) fn $get(&self) -> Option<&'static $of> {
            // Relaxed: see the macro. SAFETY: Ps and Gs live for ever.
            unsafe { self.$field.load(Ordering::Relaxed).as_ref() }
        }
        #[inline]
        pub(crate) fn $set(&self, to: Option<&'static $of>) {
            // Relaxed: see the macro.
            self.$field.store(to.map_or(ptr::null_mut(), |to| ptr::from_ref(to).cast_mut()), Ordering::Relaxed);
        }
    };
}

impl M {
    pub(crate) fn new(id: usize) -> M {
        M {
            id,
            locks: AtomicU32::new(0),
            p: AtomicPtr::new(ptr::null_mut()),
            old_p: AtomicPtr::new(ptr::null_mut()),
            current: AtomicPtr::new(ptr::null_mut()),
            locked_g: AtomicPtr::new(ptr::null_mut()),
            note: Note::new(),
            polls: AtomicBool::new(false),
            next_p: AtomicPtr::new(ptr::null_mut()),
            offered_by: AtomicPtr::new(ptr::null_mut()),
            spinning: AtomicBool::new(false),
            tid: AtomicI32::new(0),
            random: Random::new(id as u64),
            commit: Cell::new(None),
            alternate_stack: Cell::new((0, 0)),
            borrowed: Cell::new(false),
        }
    }

    slot!(p, set_p, p, P);
    slot!(old_p, set_old_p, old_p, P);
    slot!(current, set_current, current, G);
    slot!(locked_g, set_locked_g, locked_g, G);
    slot!(next_p, set_next_p, next_p, P);
    slot!(offered_by, set_offered_by, offered_by, P);

    /// Tells the P whose `run_next` this M was woken for, if one was, whether that was of use.
    pub(crate) fn answer_offer(&self, useful: bool) {
        if let Some(p) = self.offered_by() {
            self.set_offered_by(None);
            p.note_offer(useful);
        }
    }

    /// The P of an M that must have one.
    #[inline]
    pub(crate) fn held_p(&self) -> &'static P {
        match self.p() {
            Some(p) => p,
            None => sward_mem::fatal!("M {} needs a P and has none", self.id),
        }
    }

    #[inline]
    pub(crate) fn set_commit(&self, commit: Commit, closure: *mut ()) {
        self.commit.set(Some((commit, closure)));
    }

    #[inline]
    pub(crate) fn take_commit(&self) -> (Commit, *mut ()) {
        self.commit.take().unwrap_or_else(|| sward_mem::fatal!("a G parked on M {} without a commit", self.id))
    }

    #[inline]
    pub(crate) fn locks(&self) -> u32 {
        // Relaxed: own thread only.
        self.locks.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set_locks(&self, locks: u32) {
        // Relaxed: own thread only.
        self.locks.store(locks, Ordering::Relaxed);
    }

    pub(crate) fn is_spinning(&self) -> bool {
        // Relaxed: see the macro.
        self.spinning.load(Ordering::Relaxed)
    }

    pub(crate) fn set_spinning(&self, spinning: bool) {
        // Relaxed: see the macro.
        self.spinning.store(spinning, Ordering::Relaxed);
    }

    /// Whether it sleeps in the netpoller.
    pub(crate) fn polls(&self) -> bool {
        // Relaxed: the lock of the lists orders it.
        self.polls.load(Ordering::Relaxed)
    }

    pub(crate) fn set_polls(&self, polls: bool) {
        // Relaxed: see `polls`.
        self.polls.store(polls, Ordering::Relaxed);
    }

    /// Wakes it. It sleeps, or is about to, and the caller has taken it off the list of those who do.
    pub(crate) fn wake(&self) {
        let polls = self.polls();
        // It may have left the netpoller by itself just now, and sleep on the note.
        self.note.wake();
        if polls {
            netpoll::started().wake();
        }
    }

    /// The kernel's number of its thread; 0 before it runs.
    pub(crate) fn tid(&self) -> i32 {
        // Relaxed: fixed while the thread lives.
        self.tid.load(Ordering::Relaxed)
    }

    /// Notes that the calling thread is this M.
    pub(crate) fn adopt_thread(&'static self) {
        // SAFETY: gettid has no preconditions.
        // Relaxed: see `tid`.
        self.tid.store(unsafe { libc::gettid() }, Ordering::Relaxed);
        CURRENT.set(Some(self));
    }

    /// Notes that the calling thread, which was this M, is none any more.
    pub(crate) fn leave_thread(&self) {
        CURRENT.set(None);
    }

    pub(crate) fn is_borrowed(&self) -> bool {
        self.borrowed.get()
    }

    /// Notes whether a thread that is not ours has borrowed it, which is the caller.
    pub(crate) fn set_borrowed(&self, borrowed: bool) {
        self.borrowed.set(borrowed);
    }

    /// Notes where its signal handlers run.
    pub(crate) fn set_alternate_stack(&self, at: Range<usize>) {
        self.alternate_stack.set((at.start, at.end));
    }

    /// Whether the caller, on this M's thread, is in a signal handler on the alternate stack.
    pub(crate) fn is_in_handler(&self) -> bool {
        let (start, end) = self.alternate_stack.get();
        (start..end).contains(&crate::stack::stack_pointer())
    }
}
