//! A block of the heap that is full of a byte of its own, and says so when it is not. The optimiser, which knows what allocators do, is told nothing.

use std::alloc::{self, Layout};
use std::hint::black_box;
use std::ptr::NonNull;
use std::slice;

/// Freed when it is dropped, after a look at its contents.
#[derive(Debug)]
pub struct Block {
    start: NonNull<u8>,
    layout: Layout,
    fill: u8,
}

// SAFETY: it is the sole owner of its memory.
unsafe impl Send for Block {}

impl Block {
    #[track_caller]
    pub fn new(size: usize, align: usize, fill: u8) -> Block {
        let layout = Layout::from_size_align(size, align).unwrap();
        assert_ne!(size, 0);
        // SAFETY: the size is not zero.
        Block::from(black_box(unsafe { alloc::alloc(layout) }), layout, fill)
    }

    /// One that must be zeros before it is filled.
    #[track_caller]
    pub fn zeroed(size: usize, align: usize, fill: u8) -> Block {
        let layout = Layout::from_size_align(size, align).unwrap();
        assert_ne!(size, 0);
        // SAFETY: the size is not zero.
        let start = black_box(unsafe { alloc::alloc_zeroed(layout) });
        assert!(!start.is_null(), "no {size} bytes");
        // SAFETY: a block of that size, and zeroed.
        assert!(is_full_of(0, unsafe { slice::from_raw_parts(start, size) }), "{layout:?} is not zeroed");
        Block::from(start, layout, fill)
    }

    #[track_caller]
    fn from(start: *mut u8, layout: Layout, fill: u8) -> Block {
        let Some(start) = NonNull::new(start) else { panic!("no memory for {layout:?}") };
        assert_eq!(start.addr().get() % layout.align(), 0, "{layout:?} at {start:p}");
        // SAFETY: a block of that size, whose bytes may not have been written yet.
        unsafe { start.write_bytes(fill, layout.size()) };
        Block { start, layout, fill }
    }

    /// By `realloc`: what it had must still be there, as far as there is room.
    #[track_caller]
    pub fn resize(&mut self, new_size: usize) {
        self.check();
        assert_ne!(new_size, 0);
        // SAFETY: the block is of that layout; the size is not zero, and makes a layout with the same alignment.
        let moved = black_box(unsafe { alloc::realloc(self.start.as_ptr(), self.layout, new_size) });
        let Some(start) = NonNull::new(moved) else { panic!("no memory for {new_size} bytes") };
        let kept = self.layout.size().min(new_size);
        self.start = start;
        self.layout = Layout::from_size_align(new_size, self.layout.align()).unwrap();
        assert_eq!(start.addr().get() % self.layout.align(), 0, "{:?} at {start:p}", self.layout);
        // SAFETY: that much has been written, before it was moved.
        assert!(is_full_of(self.fill, unsafe { slice::from_raw_parts(start.as_ptr(), kept) }), "contents are lost");
        // SAFETY: the block is that long.
        unsafe { start.add(kept).write_bytes(self.fill, new_size - kept) };
    }

    /// Whether nobody else has written to it.
    #[track_caller]
    pub fn check(&self) {
        assert!(is_full_of(self.fill, self.bytes()), "{self:?} has been overwritten");
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the block is that long, and has been written as a whole.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }

    pub fn address(&self) -> usize {
        self.start.addr().get()
    }

    pub fn size(&self) -> usize {
        self.layout.size()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check();
        }
        // SAFETY: the block is of that layout, and nobody has it any more.
        unsafe { alloc::dealloc(self.start.as_ptr(), self.layout) };
    }
}

/// As fast as can be without optimisation: the first byte is right, and each is like the next.
fn is_full_of(fill: u8, bytes: &[u8]) -> bool {
    bytes.is_empty() || bytes[0] == fill && bytes[1..] == bytes[..bytes.len() - 1]
}
