//! The stack of the OS thread that asks, when it runs on it.
//!
//! What lies below the stack pointer is in no use, and may not be mapped. Where the stack begins is asked of the C library, once in a thread, since for the main
//! thread it reads a file. What a green thread has is found by the scheduler, so this is for code on an OS thread's own stack: it cannot find itself on another
//! thread between two lines, and may use a thread-local.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::Range;

/// From the stack pointer to where the stack begins. `None` on a green thread.
#[inline(never)]
pub(super) fn extent() -> Option<Range<usize>> {
    thread_local! {
        static BEGIN: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let local = 0u8;
    let here = (&raw const local).addr();
    if sward_sched::frames_at(here).is_some() {
        return None;
    }
    let begin = BEGIN.get().or_else(begin)?;
    BEGIN.set(Some(begin));
    (here < begin).then_some(here..begin)
}

/// The address behind the stack's last byte: it grows down.
fn begin() -> Option<usize> {
    let mut attributes = MaybeUninit::uninit();
    let (mut low, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: each function is given places of its own types, and the attributes have been initialised for the last two.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        libc::pthread_attr_getstack(attributes.as_ptr(), &mut low, &mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
    Some(low.addr() + size)
}
