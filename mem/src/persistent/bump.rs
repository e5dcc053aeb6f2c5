//! Cutting blocks off the front of a chunk.

use std::alloc::Layout;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

use super::chunks::CHUNKS;
use super::{Purpose, USED};
use crate::os::OS_PAGE;

/// The size of a chunk, in bytes.
const CHUNK: usize = 256 << 10;
/// From this size on, in bytes, a block gets a mapping of its own.
const LARGE: usize = 64 << 10;

/// An owner's current chunk: what is left of it.
#[derive(Debug)]
pub(crate) struct Bump {
    free: *mut u8,
    end: *mut u8,
}

// SAFETY: it is the sole owner of the memory between its pointers.
unsafe impl Send for Bump {}

impl Bump {
    /// An owner without a chunk. The first block gets it one.
    pub(crate) const fn new() -> Self {
        Bump { free: ptr::null_mut(), end: ptr::null_mut() }
    }

    /// See [`alloc`](super::alloc).
    pub(crate) fn alloc(&mut self, layout: Layout, purpose: Purpose) -> Option<NonNull<u8>> {
        // A mapping begins at a page; more than its alignment cannot be had.
        assert!(
            layout.align() <= OS_PAGE,
            "alignment {} in persistent memory, which has up to {OS_PAGE}",
            layout.align()
        );
        let block = if layout.size() < LARGE { self.small(layout)? } else { large(layout)? };
        // Relaxed: see `used`.
        USED[purpose as usize].fetch_add(layout.size(), Ordering::Relaxed);
        Some(block)
    }

    fn small(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if let Some(block) = self.cut(layout) {
            return Some(block);
        }
        let room = CHUNKS.map(CHUNK)?;
        (self.free, self.end) = (room.start, room.end);
        self.cut(layout)
    }

    /// The next block, if the chunk has room for it. Aligned wherever the rest begins, be it behind the header of the chunk.
    fn cut(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let start = self.free.map_addr(|free| free.next_multiple_of(layout.align()));
        let end = start.wrapping_add(layout.size());
        if end > self.end {
            return None;
        }
        self.free = end;
        // Null for an empty block of an owner that has no chunk yet.
        NonNull::new(start)
    }
}

/// A block in a mapping of its own.
fn large(layout: Layout) -> Option<NonNull<u8>> {
    // The header takes as much as the block's alignment at most, or its own size.
    let room = CHUNKS.map(layout.size().checked_add(OS_PAGE)?)?;
    Bump { free: room.start, end: room.end }.cut(layout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persistent::contains;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    fn is_member(block: NonNull<u8>, size: usize) -> bool {
        contains(block.as_ptr().cast()) && contains(block.as_ptr().wrapping_add(size - 1).cast())
    }

    #[test]
    fn the_first_block_of_a_chunk_keeps_its_alignment() {
        for align in (0..=12).map(|bits| 1 << bits) {
            for size in [1, align, LARGE - 1, LARGE, 3 * CHUNK] {
                let block = Bump::new().alloc(layout(size, align), Purpose::Caches).unwrap();
                assert_eq!(block.as_ptr().addr() % align, 0, "{size} bytes");
                assert!(is_member(block, size), "{size} bytes aligned to {align}");
            }
        }
    }

    #[test]
    fn blocks_are_zeroed_and_apart() {
        let mut owner = Bump::new();
        let mut blocks = Vec::new();
        for round in 0..2_000usize {
            let layout = layout(round * 37 % 3000 + 1, 1 << (round % 13));
            let start = owner.alloc(layout, Purpose::Caches).unwrap().as_ptr();
            assert_eq!(start.addr() % layout.align(), 0);
            // SAFETY: the block is new and that long.
            let block = unsafe { std::slice::from_raw_parts_mut(start, layout.size()) };
            assert!(block.iter().all(|byte| *byte == 0), "block {round}");
            block.fill(0xA5);
            blocks.push((start.addr(), layout.size()));
        }
        blocks.sort_unstable();
        assert!(blocks.is_sorted_by(|(start, size), (next, _)| start + size <= *next));
    }

    #[test]
    fn a_large_block_leaves_the_chunk_alone() {
        let mut owner = Bump::new();
        let before = owner.alloc(layout(8, 8), Purpose::Caches).unwrap();
        owner.alloc(layout(LARGE, 4096), Purpose::Caches).unwrap();
        let after = owner.alloc(layout(8, 8), Purpose::Caches).unwrap();
        assert_eq!(after.as_ptr().addr() - before.as_ptr().addr(), 8);
    }

    #[test]
    fn an_empty_block_is_somewhere() {
        let mut owner = Bump::new();
        for _ in 0..2 {
            assert!(owner.alloc(layout(0, 64), Purpose::Caches).is_some_and(|block| block.as_ptr().addr() % 64 == 0));
        }
    }

    #[test]
    #[should_panic(expected = "alignment 8192")]
    fn no_alignment_above_a_page() {
        Bump::new().alloc(layout(8, 8192), Purpose::Caches);
    }
}
