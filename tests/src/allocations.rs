//! The allocator of all tests: our heap, which in debug builds looks at each free, so that each test is one of the heap, too. It counts the
//! blocks that are asked for while somebody wants to know.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sward::Heap;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Whether blocks are counted. Mostly not: a counter that all threads write to would keep them in step, and hide races.
static COUNTS: AtomicBool = AtomicBool::new(false);
static BLOCKS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

impl Counting {
    fn count(&self) {
        // Relaxed, both: the blocks that matter are asked for by who counts, or by threads that it waits for.
        if COUNTS.load(Ordering::Relaxed) {
            BLOCKS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// SAFETY: hands everything to our heap.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count();
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { Heap.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count();
        // SAFETY: as above.
        unsafe { Heap.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        self.count();
        // SAFETY: as above; the block comes from there.
        unsafe { Heap.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { Heap.dealloc(block, layout) }
    }
}

/// The blocks that `times` rounds ask for: the fewest of several tries, since others, such as the test harness, allocate too, now and
/// then, and the first tries make what later ones use again. One test of a program at a time.
pub fn blocks(times: usize, mut round: impl FnMut()) -> usize {
    let mut rounds = || {
        let before = BLOCKS.load(Ordering::Relaxed);
        (0..times).for_each(|_| round());
        BLOCKS.load(Ordering::Relaxed) - before
    };
    COUNTS.store(true, Ordering::Relaxed);
    let fewest = (0..20).map(|_| rounds()).min().expect("some tries");
    COUNTS.store(false, Ordering::Relaxed);
    fewest
}
