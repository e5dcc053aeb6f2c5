//! The header of a green stack: the words above its base.
//!
//! ```text
//!   top ┌────────────────────────────┐
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
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Nanos;
use crate::context::Link;
use crate::g::G;
use crate::traceback::Registers;

/// See the [module](self).
#[repr(C)]
pub(crate) struct Header {
    g: Cell<Option<&'static G>>,
    pc: Cell<usize>,
    fp: Cell<usize>,
    #[cfg(target_arch = "aarch64")]
    lr: Cell<usize>,
    /// When the G began to wait, on the coarse clock.
    waiting_since: AtomicU64,
}

/// Room for the header: corosensei wants its base aligned to 16 bytes.
pub(crate) const HEADER: usize = size_of::<Header>().next_multiple_of(16);
/// What corosensei keeps below the base: the link, and, built for AddressSanitizer, above it the bounds of the M's stack.
pub(crate) const LINK: usize = if cfg!(feature = "asan") { 32 } else { 16 };
const _: () = assert!(HEADER + LINK <= 64 || cfg!(feature = "asan"));

impl Header {
    /// corosensei's link, which is what it calls the yielder of the coroutine on this stack.
    #[inline]
    pub(crate) fn link(&self) -> Link {
        std::ptr::from_ref(self).wrapping_byte_sub(LINK).cast()
    }

    /// The G that runs on this stack.
    #[inline]
    pub(crate) fn g(&self) -> Option<&'static G> {
        self.g.get()
    }

    /// Gives the stack to `g`.
    pub(crate) fn set_g(&self, g: &'static G) {
        self.g.set(Some(g));
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
