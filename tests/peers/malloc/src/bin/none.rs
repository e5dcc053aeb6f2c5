//! The peer `none`: every block is the same one, so that what is left is what the loops themselves cost.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;

/// Longer than any block that is asked for.
const LONGEST: usize = 2_048;

thread_local! {
    /// One for each thread: they would contend for a single one.
    static BLOCK: UnsafeCell<[u64; LONGEST / 8]> = const { UnsafeCell::new([0; LONGEST / 8]) };
}

/// No allocator, but used like one.
struct SameBlock;

// SAFETY: The block is long enough and lives as long as its thread. That everybody has it at the same time is what makes
// this no allocator: its users do not mind what their blocks hold.
unsafe impl GlobalAlloc for SameBlock {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        BLOCK.with(UnsafeCell::get).cast()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

fn main() {
    peer_malloc::run_loops("none", &SameBlock);
}
