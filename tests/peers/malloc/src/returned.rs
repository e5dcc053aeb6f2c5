//! How soon memory goes back to the kernel when a program has freed all that it had.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use peer_common::{Job, peak_resident_bytes, resident_bytes};

use crate::blocks::{Block, Global, Xorshift, on_threads};

/// Threads that allocate, and then free.
const THREADS: usize = 2;

/// How many bytes they allocate altogether.
const TOTAL: usize = 1 << 30;

/// Sizes are from 2^4 to 2^16 bytes. Each power of two gets the same share of all bytes.
const POWERS: u64 = 12;

/// What makes memory resident.
const PAGE: usize = 4_096;

/// When it is looked how much is left.
const SOON: Duration = Duration::from_secs(1);

/// The value of `malloc_returned` when most memory is still there.
const NEVER: Duration = Duration::from_secs(5);

/// Two threads allocate 1 GiB, two others free it in random order and stay. Measured is how long it takes from there
/// until less than a tenth of what was resident at most still is, and how much is after a second.
pub fn returned(job: &Job) {
    let lists = on_threads(THREADS, |id| allocate(TOTAL / THREADS, &mut Xorshift(id as u64 + 1)));
    let mut blocks: Vec<Block> = lists.into_iter().flatten().collect();
    shuffle(&mut blocks);
    let peak = peak_resident_bytes();
    assert!(peak >= TOTAL as u64, "memory that was written to is not resident");

    let halves = [blocks.split_off(blocks.len() / 2), blocks];
    let (freed, looked) = (&Barrier::new(THREADS + 1), &Barrier::new(THREADS + 1));
    thread::scope(|scope| {
        for half in halves {
            scope.spawn(move || {
                for block in half {
                    // SAFETY: It is from there.
                    unsafe { block.free(&Global) };
                }
                freed.wait();
                // Threads often live on, and with them what the allocator keeps for each.
                looked.wait();
            });
        }
        freed.wait();
        watch(job, peak / 10);
        looked.wait();
    });
}

/// Blocks of so many bytes, written to from end to end.
fn allocate(bytes: usize, random: &mut Xorshift) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut left = bytes;
    while left > 0 {
        let size = size(random).min(left);
        let block = Block::new(&Global, size);
        for offset in (0..size).step_by(PAGE) {
            // SAFETY: That is inside the block, which nobody else has.
            unsafe { block.start.add(offset).write(1) };
        }
        blocks.push(block);
        left -= size;
    }
    blocks
}

/// A random size: half as often from each next power of two, since they are twice as long.
fn size(random: &mut Xorshift) -> usize {
    let power = 3 + POWERS - u64::from((1 + random.draw() % ((1 << POWERS) - 1)).ilog2());
    let smallest = 1 << power;
    (smallest + random.draw() % smallest) as usize
}

fn shuffle(blocks: &mut [Block]) {
    let mut random = Xorshift(1);
    for end in (1..blocks.len()).rev() {
        blocks.swap(end, (random.draw() % (end as u64 + 1)) as usize);
    }
}

/// Prints how long it takes until no more than `few` bytes are resident, and what is resident after a second.
fn watch(job: &Job, few: u64) {
    let start = Instant::now();
    let until = |enough: &dyn Fn(Duration) -> bool| {
        while !enough(start.elapsed()) {
            thread::sleep(Duration::from_millis(5));
        }
    };
    until(&|elapsed| resident_bytes() <= few || elapsed >= NEVER);
    job.ms("malloc_returned", start.elapsed().min(NEVER));
    until(&|elapsed| elapsed >= SOON);
    job.mib("malloc_left", resident_bytes());
}

// SAFETY: A block is memory of its own; any thread may write to it and free it.
unsafe impl Send for Block {}
