//! That a walk does not allocate: it could not be used in a signal handler.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use super::coroutine::{DEPTH, Parked};
use crate::traceback::{Cache, Unwinder};
use sward_mem::Heap;

/// Our heap, counting what the watched thread asks of it. All tests of this crate run on it.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// The watched thread's id; zero for none.
static WATCHED: AtomicI32 = AtomicI32::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

impl Counting {
    fn count(&self) {
        // Relaxed: only the watched thread has to see these in order, and it is the one that wrote them.
        let watched = WATCHED.load(Ordering::Relaxed);
        // SAFETY: No condition.
        if watched != 0 && watched == unsafe { libc::gettid() } {
            CALLS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// SAFETY: Our heap, with a counter.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count();
        // SAFETY: The caller's promise, passed on.
        unsafe { Heap.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count();
        // SAFETY: The caller's promise, passed on.
        unsafe { Heap.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        self.count();
        // SAFETY: The caller's promise, passed on.
        unsafe { Heap.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.count();
        // SAFETY: The caller's promise, passed on.
        unsafe { Heap.dealloc(block, layout) }
    }
}

/// How often `work` calls the allocator.
fn calls(work: impl FnOnce()) -> usize {
    CALLS.store(0, Ordering::Relaxed);
    // SAFETY: No condition.
    WATCHED.store(unsafe { libc::gettid() }, Ordering::Relaxed);
    work();
    WATCHED.store(0, Ordering::Relaxed);
    CALLS.load(Ordering::Relaxed)
}

#[test]
fn a_walk_allocates_nothing() {
    let parked = Parked::new();
    let mut cache = Cache::new();
    Unwinder::load();
    let mut frames = [0; 2 * DEPTH];

    assert_eq!(calls(|| drop(Box::new(1))), 2, "the counter counts");
    let cold = calls(|| assert!(parked.walk(&mut cache, &mut frames) > DEPTH));
    let warm = calls(|| assert!(parked.walk(&mut cache, &mut frames) > DEPTH));
    assert_eq!((cold, warm), (0, 0));
    parked.finish();
}
