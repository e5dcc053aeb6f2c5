//! The switch: everything that knows of corosensei is in this file.
//!
//! An M resumes a G from its scheduler loop; the G comes back by [`suspend`], with a word of what it wants, or by ending. What
//! a G leaves on its stack when it suspends must be sendable to the thread that resumes it: that is the contract of code that
//! runs on green threads (no thread-local address kept across a suspension), not something the compiler checks.
//!
//! corosensei keeps a suspended coroutine's stack pointer to itself. Walking a parked stack needs it, so [`suspend`] records
//! pc, sp and fp of its own frame in the G; the true stack pointer lies a little below the recorded one.

use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::g::G;
use crate::header::Header;
use crate::section::Section;
use crate::stack::Slot;
use crate::traceback::Registers;

/// What a G that suspends wants from the M.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// To wait: run its commit.
    Park,
    /// To let others run first.
    Yield,
    /// To get a P: it lost its own, in a call that took too long or as a hog.
    NeedP,
}

/// How a G came back to its M.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Back {
    /// Suspended, to be resumed later.
    Suspended(Leave),
    /// Finished; the stack can be taken.
    Finished,
}

/// The pointer through which a G reaches the M that resumed it. corosensei keeps it at a fixed place below the stack's base.
pub(crate) type Link = *const Yielder<(), Leave>;

/// A G's saved execution: none before its first run and after its end.
#[derive(Default)]
pub(crate) struct Context(Option<Coroutine<(), Leave, (), Slot>>);

impl Context {
    /// Whether there is a stack.
    pub(crate) fn is_started(&self) -> bool {
        self.0.is_some()
    }

    /// Sets `g` up to run `body` on `stack`.
    pub(crate) fn start(&mut self, stack: Slot, g: &'static G, body: impl FnOnce() + 'static) {
        g.set_header(stack.header());
        self.0 = Some(Coroutine::with_stack(stack, move |link, ()| {
            debug_assert!(std::ptr::eq(link, g.header().link()));
            body();
            // The M gets the G back with a P: a hog may have lost its own.
            Section::enter().leave_to_m();
        }));
    }

    /// Runs the G until it suspends or ends.
    #[inline]
    pub(crate) fn resume(&mut self) -> Back {
        let Some(coroutine) = &mut self.0 else { unreachable!("a G is started before it is resumed") };
        match coroutine.resume(()) {
            CoroutineResult::Yield(leave) => Back::Suspended(leave),
            CoroutineResult::Return(()) => Back::Finished,
        }
    }

    /// Takes the stack of a G that has finished.
    pub(crate) fn take_stack(&mut self) -> Option<Slot> {
        let stack = self.0.take().map(Coroutine::into_stack);
        #[cfg(feature = "tsan")]
        if let Some(stack) = &stack {
            stack.header().fiber.destroy();
        }
        stack
    }
}

/// Suspends the G that calls it, and returns when it is resumed, maybe on another M.
///
/// # Safety
/// `g` is the G whose stack this runs on, and its M expects it to leave: the caller holds a section, which the M ends.
#[inline]
pub(crate) unsafe fn suspend(g: &G, leave: Leave) {
    g.save_registers(Registers::capture());
    // SAFETY: the caller's promise.
    unsafe { switch(g, leave) };
}

/// As [`suspend`], for a caller that has saved its registers.
///
/// # Safety
/// As for [`suspend`].
#[inline]
pub(crate) unsafe fn switch(g: &G, leave: Leave) {
    // SAFETY: a G that runs has a stack, with corosensei's link on it.
    unsafe { (*g.header().link()).suspend(leave) };
}

/// Runs `f` on the M's own stack, as a call: what a foreign call or deep code does.
///
/// # Safety
/// `g` is the G whose stack this runs on. `f` does not suspend it.
#[inline]
pub(crate) unsafe fn on_m_stack<R>(g: &G, f: impl FnOnce() -> R) -> R {
    // SAFETY: the caller's promise.
    unsafe { below(g.header(), f) }
}

/// As [`on_m_stack`], for the stack with this header.
///
/// # Safety
/// This runs on that stack. `f` does not suspend its G.
#[inline]
pub(crate) unsafe fn below<R>(header: &Header, f: impl FnOnce() -> R) -> R {
    /// corosensei wants `Send`, to keep the yielder itself from being passed down.
    struct AssertSend<F>(F);
    // SAFETY: the closure runs on the thread that made it; only the stack is another.
    unsafe impl<F> Send for AssertSend<F> {}
    impl<F: FnOnce() -> R, R> AssertSend<F> {
        fn call(self) -> R {
            (self.0)()
        }
    }
    #[cfg(feature = "tsan")]
    let f = crate::race::across(f);
    let f = AssertSend(f);
    // SAFETY: as in `suspend`; the M's frames below the link are suspended in `resume`, so the stack beneath them is free.
    unsafe { (*header.link()).on_parent_stack(move || f.call()) }
}
