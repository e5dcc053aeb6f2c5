//! Blocks whose threads have nothing to do with one another.

use std::alloc::{GlobalAlloc, Layout, alloc, dealloc, handle_alloc_error};
use std::hint::black_box;
use std::ptr::NonNull;
use std::thread;
use std::time::{Duration, Instant};

/// The size of the blocks that are freed at once.
pub const SMALL: usize = 64;

/// Blocks that each thread of `churn` has at a time.
const SLOTS: u64 = 10_000;

/// How far sizes in `churn` go from the smallest, which is 8 bytes.
const SIZES: u64 = 1_017;

/// The allocator of the process, whichever that is.
pub struct Global;

// SAFETY: Both functions do what std's of the same name do, which keep this contract.
unsafe impl GlobalAlloc for Global {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: The caller's duties are the same.
        unsafe { alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: The caller's duties are the same.
        unsafe { dealloc(block, layout) }
    }
}

/// A block from a heap.
pub struct Block {
    pub start: NonNull<u8>,
    pub size: usize,
}

impl Block {
    /// A block of `size` bytes, which is not zero.
    pub fn new(heap: &impl GlobalAlloc, size: usize) -> Self {
        let layout = Block::layout(size);
        // SAFETY: The layout's size is not zero.
        let start = NonNull::new(unsafe { heap.alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        Block { start, size }
    }

    /// Writes `mark` to both ends.
    fn mark(&mut self, mark: u8) {
        // SAFETY: The block is that long, and nobody else's.
        unsafe {
            self.start.write(mark);
            self.start.add(self.size - 1).write(mark);
        }
    }

    /// Whether nobody else has written to the ends since `mark` was.
    fn bears(&self, mark: u8) -> bool {
        // SAFETY: As above; and both bytes have been written.
        unsafe { self.start.read() == mark && self.start.add(self.size - 1).read() == mark }
    }

    /// Gives the block back to the heap that it is from.
    ///
    /// # Safety
    /// It is from `heap`.
    pub unsafe fn free(self, heap: &impl GlobalAlloc) {
        // The pointer is opaque: a compiler that sees a block come and go may leave out both.
        // SAFETY: By the contract. `self` is the only one who knows the block, and had it allocated by this layout.
        unsafe { heap.dealloc(black_box(self.start.as_ptr()), Block::layout(self.size)) };
    }

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, align_of::<usize>()).expect("sizes are small")
    }
}

/// Each of `threads` allocates a block of 64 bytes from `heap`, writes to it and frees it, `n` times.
pub fn fixed(heap: &(impl GlobalAlloc + Sync), threads: usize, n: u64) -> Duration {
    let start = Instant::now();
    on_threads(threads, |_| {
        for _ in 0..n {
            // The size is opaque, as it is to an allocator that is not compiled together with its caller.
            let block = Block::new(heap, black_box(SMALL));
            // SAFETY: The block is longer than a byte, and from that heap.
            unsafe {
                block.start.write(1);
                block.free(heap);
            }
        }
    });
    start.elapsed()
}

/// Each of `threads` fills its slots with blocks of 8 to 1,024 bytes, and `n` times frees the block in a random slot and
/// allocates one of another size there. How long this took, and how many blocks were written to by somebody else.
pub fn churn(heap: &(impl GlobalAlloc + Sync), threads: usize, n: u64) -> (Duration, usize) {
    let start = Instant::now();
    let done = on_threads(threads, |id| {
        let mut random = Xorshift(id as u64 + 1);
        let block = |x, slot: u64| {
            let mut block = Block::new(heap, 8 + (x % SIZES) as usize);
            block.mark(slot as u8);
            block
        };
        let mut slots: Vec<Block> = (0..SLOTS).map(|slot| block(random.draw(), slot)).collect();
        for _ in 0..n {
            let x = random.draw();
            let slot = x % SLOTS;
            // The old block goes before the new one comes, so that its memory can be used again.
            let place = &raw mut slots[slot as usize];
            // SAFETY: The place holds a block from that heap. Once read it is empty, until it is written.
            unsafe {
                place.read().free(heap);
                place.write(block(x, slot));
            }
        }
        let end = Instant::now();
        let mut damaged = 0;
        for (slot, block) in slots.into_iter().enumerate() {
            damaged += usize::from(!block.bears(slot as u8));
            // SAFETY: It is from there.
            unsafe { block.free(heap) };
        }
        (end, damaged)
    });
    let last = done.iter().map(|(end, _)| *end).max().expect("there is a thread");
    (last - start, done.iter().map(|(_, damaged)| damaged).sum())
}

/// Runs `work` on so many OS threads, which it is told the number of, and returns when all have ended.
pub fn on_threads<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..threads).map(|id| scope.spawn(move || work(id))).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

/// Marsaglia's generator of 64 bits, from a seed that is not zero.
pub struct Xorshift(pub u64);

impl Xorshift {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
