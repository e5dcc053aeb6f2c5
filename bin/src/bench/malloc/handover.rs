//! Blocks that another thread frees than the one that allocated them.
//!
//! They go from one to the other through a ring of places, with an atomic index for each side. It is as plain as such a
//! ring can be, since it is the same for every allocator.

use std::hint::{black_box, spin_loop};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::blocks::{Block, Global, SMALL};

/// Blocks that may be under way.
const PLACES: usize = 1_024;

/// How often a side looks before it lets other threads run.
const SPINS: u32 = 100;

/// One thread allocates `n` blocks of 64 bytes and writes to them, another writes to them too and frees them. How long
/// this took, and how many blocks did not hold what the first had written.
pub fn xthread(n: u64) -> (Duration, u64) {
    let ring = Ring::new();
    let start = Instant::now();
    let damaged = thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..n {
                let block = Block::new(&Global, black_box(SMALL)).start;
                // SAFETY: The block is longer than a byte, and nobody else's yet.
                unsafe { block.write(i as u8) };
                ring.push(block);
            }
        });
        let consumer = scope.spawn(|| {
            let mut damaged = 0;
            for i in 0..n {
                let start = ring.pop();
                // SAFETY: The producer has written the byte, and has forgotten the block, which is from that heap.
                unsafe {
                    let byte = start.read();
                    damaged += u64::from(byte != i as u8);
                    start.write(byte.wrapping_add(1));
                    Block { start, size: SMALL }.free(&Global);
                }
            }
            damaged
        });
        consumer.join().expect("no panic")
    });
    (start.elapsed(), damaged)
}

/// A queue of blocks from one thread to one other.
struct Ring {
    /// How many blocks have been taken out.
    head: Line,
    /// How many blocks have been put in.
    tail: Line,
    places: [AtomicPtr<u8>; PLACES],
}

/// An index with a cache line of its own.
#[repr(align(64))]
struct Line(AtomicUsize);

impl Ring {
    fn new() -> Self {
        let line = || Line(AtomicUsize::new(0));
        Ring { head: line(), tail: line(), places: [const { AtomicPtr::new(std::ptr::null_mut()) }; PLACES] }
    }

    /// Puts a block in, as soon as there is room. Only for the one producer.
    fn push(&self, block: NonNull<u8>) {
        // Relaxed: nobody else writes to it.
        let tail = self.tail.0.load(Ordering::Relaxed);
        // Acquire pairs with the Release in `pop`: the place has been read before it is written again.
        wait_until(|| tail - self.head.0.load(Ordering::Acquire) < PLACES);
        self.places[tail % PLACES].store(block.as_ptr(), Ordering::Relaxed);
        // Release pairs with the Acquire in `pop`: the place, and the block, are written.
        self.tail.0.store(tail + 1, Ordering::Release);
    }

    /// Takes the block out that has been in the longest, as soon as there is one. Only for the one consumer.
    fn pop(&self) -> NonNull<u8> {
        // Relaxed: nobody else writes to it.
        let head = self.head.0.load(Ordering::Relaxed);
        // Acquire pairs with the Release in `push`.
        wait_until(|| self.tail.0.load(Ordering::Acquire) != head);
        let block = self.places[head % PLACES].load(Ordering::Relaxed);
        // Release pairs with the Acquire in `push`.
        self.head.0.store(head + 1, Ordering::Release);
        NonNull::new(block).expect("places before the tail are filled")
    }
}

fn wait_until(ready: impl Fn() -> bool) {
    let mut spins = 0;
    while !ready() {
        if spins < SPINS {
            spins += 1;
            spin_loop();
        } else {
            thread::yield_now();
        }
    }
}
