//! The header of a green stack: the words above its base.
//!
//! ```text
//!   top ┌────────────────────────────┐
//!       │ stretch                    │ how long it runs between blocking calls
//!       │ waiting since              │
//!       │ pc, fp, lr (aarch64)       │ where the G left its stack
//!       │ the G                      │
//!  base ├────────────────────────────┤ up to 48 bytes below the top
//!       │ corosensei's link to the M │ 16 bytes, in the same cache line
//!       └────────────────────────────┘
//! ```
//! A switch writes the link anyway, so what a suspending G notes lies in the same cache line. With a thousand Gs taking turns, each line
//! that a switch touches is a miss in the first-level cache.

use std::cell::Cell;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::clock::Nanos;
use crate::context::Link;
use crate::g::G;
use crate::stretch::Stretch;
use crate::traceback::Registers;

/// See the [module](self).
#[repr(C)]
pub(crate) struct Header {
    /// Atomic, as anybody may ask whose stack this is, while it gets its next G.
    g: AtomicPtr<G>,
    pc: Cell<usize>,
    fp: Cell<usize>,
    #[cfg(target_arch = "aarch64")]
    lr: Cell<usize>,
    /// When the G began to wait, on the coarse clock.
    waiting_since: AtomicU64,
    /// What the G does between blocking calls.
    pub(crate) stretch: Stretch,
    /// What ThreadSanitizer knows this use of the stack by.
    #[cfg(feature = "tsan")]
    pub(crate) fiber: crate::race::Fiber,
}

/// Room for the header: corosensei wants its base aligned to 16 bytes.
pub(crate) const HEADER: usize = size_of::<Header>().next_multiple_of(16);
/// What corosensei keeps below the base: the link, and, built for a sanitizer, above it the bounds of the M's stack.
pub(crate) const LINK: usize = if cfg!(any(feature = "asan", feature = "tsan")) { 32 } else { 16 };
const _: () = assert!(HEADER + LINK <= 64 || cfg!(any(feature = "asan", feature = "tsan")));

impl Header {
    /// corosensei's link, which is what it calls the yielder of the coroutine on this stack.
    #[inline]
    pub(crate) fn link(&self) -> Link {
        std::ptr::from_ref(self).wrapping_byte_sub(LINK).cast()
    }

    /// The G that runs on this stack.
    #[inline]
    pub(crate) fn g(&self) -> Option<&'static G> {
        // Relaxed: on the stack itself it is the thread's own; others ask about a G that they know by other means, or compare.
        // SAFETY: Gs live for ever.
        unsafe { self.g.load(Ordering::Relaxed).as_ref() }
    }

    /// Notes that the stack serves a callback. What was locked there may stay locked when the callback has returned, and the stack serves others.
    pub(crate) fn note_lent(&self) {
        self.stretch.mark();
    }

    /// Whether the stack has ever served a callback.
    pub(crate) fn was_lent(&self) -> bool {
        self.stretch.is_marked()
    }

    /// Gives the stack to `g`.
    pub(crate) fn set_g(&self, g: &'static G) {
        // Relaxed: see `g`.
        self.g.store(std::ptr::from_ref(g).cast_mut(), Ordering::Relaxed);
        self.stretch.reset();
    }

    /// Notes where the G leaves its stack, but for the stack pointer, which the G keeps.
    #[inline]
    pub(crate) fn save(&self, registers: Registers) {
        self.pc.set(registers.pc);
        self.fp.set(registers.fp);
        #[cfg(target_arch = "aarch64")]
        self.lr.set(registers.lr);
    }

    /// What was saved, with the stack pointer that the G kept.
    pub(crate) fn registers(&self, sp: usize) -> Registers {
        Registers {
            pc: self.pc.get(),
            sp,
            fp: self.fp.get(),
            #[cfg(target_arch = "aarch64")]
            lr: self.lr.get(),
        }
    }

    #[inline]
    pub(crate) fn set_waiting_since(&self, when: Nanos) {
        // Relaxed: read by dumps, after the status word's acquire.
        self.waiting_since.store(when, Ordering::Relaxed);
    }

    pub(crate) fn waiting_since(&self) -> Nanos {
        // Relaxed: see `set_waiting_since`.
        self.waiting_since.load(Ordering::Relaxed)
    }
}
