//! The call stack of an allocation.
//!
//! Unless a better one is [set](set_unwinder), the unwinder is the one that panics are unwound with, libgcc's: it needs nothing but the tables that
//! every program has, and neither allocates nor, with a glibc since 2.35, takes a lock. (Before, it takes the loader's lock, which the thread that
//! has it may take again: so it may be called within `dl_iterate_phdr` as well.) It holds nothing while it calls destructors that a panic has run,
//! so these may allocate. A frame costs it some 100 ns; an unwinder that keeps what it has found in the tables takes a tenth of that.
//!
//! The heap's own frames are left out. How many there are is the compiler's business, so the functions that the program calls are in a section of the
//! executable of their own: all frames up to the last one of that section are the heap's. Where such a function has been inlined, it is not in the
//! section, and its frame is the program's.

use std::mem::transmute;
use std::ops::Range;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The most frames that a site is told from others by.
const DEPTH: usize = 32;

/// The most that the heap has of its own below those, and the unwinder.
const OWN: usize = 12;

/// What [`set_unwinder`] has set, or null.
static UNWINDER: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

/// Has the call stacks of samples taken by `unwinder`: for a runtime that knows its stacks, and can do better than libgcc.
///
/// It is called in the middle of an allocation, on the thread that allocates. It writes the return addresses of its callers into the slice,
/// innermost first, as many as there are and fit, and returns how many; 0 if it does not know the stack that it is on, and libgcc's unwinder is to
/// try. Addresses in functions of its own may precede. It may allocate; what it allocates is not sampled. It may neither wait nor panic.
///
/// ```
/// // One frame: whatever allocates does so here.
/// sward_mem::profile::set_unwinder(|frames| {
///     frames[0] = 0x1000;
///     1
/// });
/// ```
pub fn set_unwinder(unwinder: fn(&mut [usize]) -> usize) {
    // Relaxed: functions are there from the start.
    UNWINDER.store(unwinder as *mut (), Ordering::Relaxed);
}

/// Calls `f` with the return addresses of the heap's callers, innermost first.
#[inline]
pub(crate) fn with<T>(f: impl FnOnce(&[usize]) -> T) -> T {
    let mut frames = [0; OWN + DEPTH];
    // Relaxed: as above.
    let set = UNWINDER.load(Ordering::Relaxed);
    let mut count = 0;
    if !set.is_null() {
        // SAFETY: that is what has been stored.
        let unwinder = unsafe { transmute::<*mut (), fn(&mut [usize]) -> usize>(set) };
        count = unwinder(&mut frames).min(frames.len());
    }
    if count == 0 {
        count = unwind(&mut frames);
    }
    f(without_own(&frames[..count], own_code()))
}

/// Libgcc's unwinder.
fn unwind(frames: &mut [usize]) -> usize {
    let mut count = 0;
    // SAFETY: what the lock that this does without guards is the resolution of symbols.
    unsafe {
        backtrace::trace_unsynchronized(|frame| {
            // Outside of a thread's first function there is a frame that continues nowhere.
            let address = frame.ip().addr();
            if address != 0 {
                frames[count] = address;
                count += 1;
            }
            address != 0 && count < frames.len()
        });
    }
    count
}

/// Leaves out the frames of the heap, and what it has called.
fn without_own(frames: &[usize], own: Range<usize>) -> &[usize] {
    let inner = &frames[..frames.len().min(OWN)];
    let first = inner.iter().rposition(|address| own.contains(address)).map_or(0, |last| last + 1);
    &frames[first..frames.len().min(first + DEPTH)]
}

/// Where the heap's functions are.
fn own_code() -> Range<usize> {
    unsafe extern "C" {
        // By the linker: the bounds of the section.
        static __start_sward_heap: u8;
        static __stop_sward_heap: u8;
    }
    (&raw const __start_sward_heap).addr()..(&raw const __stop_sward_heap).addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_the_heap_are_left_out() {
        let own = 100..200;
        assert_eq!(without_own(&[5, 110, 7, 190, 200, 300], own.clone()), [200, 300]);
        assert_eq!(without_own(&[1, 2], own.clone()), [1, 2]);
        assert_eq!(without_own(&[150], own.clone()), []);
        assert_eq!(without_own(&[], own.clone()), []);
        // What is further out is the program's, whatever it is.
        let deep: Vec<usize> = (100..100 + OWN + DEPTH).collect();
        assert_eq!(without_own(&deep, own), &deep[OWN..]);
    }

    #[test]
    fn unwinding_allocates_nothing() {
        let mut frames = [0; OWN + DEPTH];
        unwind(&mut frames);
        // SAFETY: a function without conditions. libgcc could only use libc's allocator.
        let in_use = || unsafe { libc::mallinfo2() }.uordblks;
        // Other tests allocate meanwhile, but not each time.
        let quiet = (0..1000).any(|_| {
            let before = in_use();
            unwind(&mut frames);
            in_use() == before
        });
        assert!(quiet);
    }

    #[test]
    fn the_stack_is_that_of_the_caller() {
        #[inline(never)]
        fn outer() -> usize {
            let mut frames = [0; OWN + DEPTH];
            let count = unwind(&mut frames);
            let start = (outer as fn() -> usize as *const ()).addr();
            frames[..count].iter().filter(|&&address| (start..start + 4096).contains(&address)).count()
        }
        assert_ne!(outer(), 0);
    }
}
