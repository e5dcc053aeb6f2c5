//! Counting what is asked of the allocator. It is a whole program that counts, so a test that wants to has a program of its own:
//!
//! ```
//! use sward_tests::Counting;
//!
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting;
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, which counts the blocks that are asked for.
pub struct Counting;

static BLOCKS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BLOCKS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above; the block comes from there.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The blocks that `times` rounds ask for: the fewest of several tries, since others, such as the test harness, allocate too, now and
/// then, and the first tries make what later ones use again.
pub fn blocks(times: usize, mut round: impl FnMut()) -> usize {
    let mut rounds = || {
        let before = BLOCKS.load(Ordering::Relaxed);
        (0..times).for_each(|_| round());
        BLOCKS.load(Ordering::Relaxed) - before
    };
    (0..20).map(|_| rounds()).min().expect("some tries")
}
