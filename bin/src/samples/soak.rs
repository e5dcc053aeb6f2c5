//! `soak`: the heap under load, for as long as one likes, looked at as a whole each second.
//!
//! Workers keep blocks of mixed sizes, most of them small, some of megabytes: they allocate, resize and free them, and pass them on to one another. Each block
//! is full of a number of its own. It is checked each time before it is changed, passed on or freed, so memory that two blocks share, or that a resize
//! loses, is noticed.
//!
//! Some workers are OS threads, which end after a while and are replaced, so that what the heap keeps for a thread goes from one to another. The others are
//! green threads, which may free on another OS thread than they have allocated on.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use sward::channel::{Receiver, Sender, bounded};
use sward::{heap, thread};

use crate::report::{check, note};
use crate::resident::resident_bytes;

/// Allocate, resize, pass on and free blocks on many threads, and check them and the heap
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run soak --for 1m --heapstats")]
pub struct Args {
    /// How long, as 10s, 5m or 2h
    #[arg(long = "for", value_name = "TIME", default_value = "10s", value_parser = seconds)]
    seconds: u64,
}

/// How many workers there are for each green thread that may run at the same time.
const OS_THREADS: usize = 1;
const GREEN_THREADS: usize = 4;

/// How many blocks a worker keeps at most, and how many are on the way to another.
const KEPT: usize = 1000;
const PASSED: usize = 1000;

/// How many steps a worker on an OS thread does before the thread ends.
const STEPS: u64 = 20_000;

/// After how many steps a worker lets others run.
const TURN: u64 = 16;

pub fn run(args: Args) -> io::Result<ExitCode> {
    let soak = &Soak::new();
    thread::scope(|scope| {
        for worker in 0..sward::procs() * OS_THREADS {
            scope.spawn(move || soak.work_on_os_threads(worker as u64));
        }
        for worker in 0..sward::procs() * GREEN_THREADS {
            scope.spawn(move || soak.work(!(worker as u64), u64::MAX));
        }
        watch(args.seconds);
        // Relaxed: it orders nothing, and is seen in the end.
        soak.over.store(true, Ordering::Relaxed);
    });
    soak.take.try_iter().for_each(|block| drop(soak.checked(block)));
    // Relaxed, all: the threads that counted have ended.
    let [made, passed, wrong] = [&soak.made, &soak.passed, &soak.wrong].map(|count| count.load(Ordering::Relaxed));
    let looks = args.seconds;
    writeln!(io::stdout(), "blocks: {made}, passed on: {passed}, wrong: {wrong}, looks at the heap: {looks}")?;
    Ok(check("soak", "blocks with wrong contents", wrong, 0))
}

/// Looks at the whole heap each second, and says what is in it.
fn watch(seconds: u64) {
    let start = Instant::now();
    for second in 1..=seconds {
        thread::sleep_until(start + Duration::from_secs(second));
        let verified = sward::unblock(heap::verify);
        note(format_args!(
            "{second:>6} s: in use {:.1} MiB, resident {:.1} MiB; verified {} spans, {} pages",
            mib(heap::stats().in_use as u64),
            mib(resident_bytes()),
            verified.spans,
            verified.pages,
        ));
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}

/// What the workers share.
struct Soak {
    over: AtomicBool,
    made: AtomicU64,
    passed: AtomicU64,
    wrong: AtomicU64,
    give: Sender<Block>,
    take: Receiver<Block>,
}

impl Soak {
    fn new() -> Soak {
        let (give, take) = bounded(PASSED);
        let [made, passed, wrong] = [0; 3].map(AtomicU64::new);
        Soak { over: AtomicBool::new(false), made, passed, wrong, give, take }
    }

    fn is_over(&self) -> bool {
        // Relaxed: as where it is set.
        self.over.load(Ordering::Relaxed)
    }

    /// One OS thread after another that works.
    fn work_on_os_threads(&self, worker: u64) {
        for generation in 0.. {
            if self.is_over() {
                return;
            }
            let seed = worker << 32 | generation;
            sward::unblock(|| std::thread::scope(|scope| drop(scope.spawn(|| self.work(seed, STEPS)))));
        }
    }

    /// A worker: so many random steps, or as many as there is time for. In the end it frees all that it has.
    fn work(&self, seed: u64, steps: u64) {
        let mut random = Rng::with_seed(seed);
        let mut blocks: Vec<Block> = Vec::new();
        let (mut made, mut passed) = (0, 0);
        for step in 0..steps {
            if step.is_multiple_of(TURN) {
                if self.is_over() {
                    break;
                }
                sward::yield_now();
            }
            let any = random.usize(..blocks.len().max(1));
            match random.u8(..10) {
                0..4 if blocks.len() < KEPT => {
                    let size = any_size(&mut random);
                    let mut block = self.checked(Block::of_zeros(size, random.bool()));
                    block.fill(size, random.u64(..));
                    blocks.push(block);
                    made += 1;
                }
                4..7 if any < blocks.len() => drop(self.checked(blocks.swap_remove(any))),
                7 if any < blocks.len() => {
                    let size = any_size(&mut random);
                    let mut block = self.checked(blocks.swap_remove(any));
                    block.resize(size);
                    let mut block = self.checked(block);
                    block.fill(size, random.u64(..));
                    blocks.push(block);
                }
                8 if any < blocks.len() => match self.give.try_send(self.checked(blocks.swap_remove(any))) {
                    Ok(()) => passed += 1,
                    Err(full) => blocks.push(full.into_inner()),
                },
                9 if blocks.len() < KEPT => blocks.extend(self.take.try_recv().ok().map(|block| self.checked(block))),
                _ => {}
            }
        }
        blocks.into_iter().for_each(|block| drop(self.checked(block)));
        // Relaxed, both: counts that order nothing.
        self.made.fetch_add(made, Ordering::Relaxed);
        self.passed.fetch_add(passed, Ordering::Relaxed);
    }

    /// The block, counted if its contents are wrong.
    fn checked(&self, block: Block) -> Block {
        if !block.is_whole() {
            // Relaxed: as above.
            self.wrong.fetch_add(1, Ordering::Relaxed);
            let (size, start) = (block.bytes.len(), block.bytes.as_ptr());
            note(format_args!("sward run soak: the {size} bytes at {start:p} are not as they were written"));
        }
        block
    }
}

/// A block full of its number, over and over.
struct Block {
    number: u64,
    bytes: Vec<u8>,
}

impl Block {
    /// A block of zeros: such as the heap gives, or written here.
    fn of_zeros(size: usize, given: bool) -> Block {
        let mut bytes = if given { vec![0; size] } else { Vec::with_capacity(size) };
        bytes.resize(size, 0);
        Block { number: 0, bytes }
    }

    /// Gives it room for `size` bytes. What is in them stays, and so far nothing is added.
    fn resize(&mut self, size: usize) {
        self.bytes.truncate(size);
        self.bytes.shrink_to_fit();
        self.bytes.reserve_exact(size - self.bytes.len());
    }

    /// Fills all `size` bytes with another number.
    fn fill(&mut self, size: usize, number: u64) {
        self.number = number;
        self.bytes.resize(size, 0);
        let (whole, rest) = self.bytes.as_chunks_mut();
        whole.fill(number.to_ne_bytes());
        rest.copy_from_slice(&number.to_ne_bytes()[..rest.len()]);
    }

    fn is_whole(&self) -> bool {
        let number = self.number.to_ne_bytes();
        let (whole, rest) = self.bytes.as_chunks();
        whole.iter().all(|&bytes| bytes == number) && *rest == number[..rest.len()]
    }
}

/// Any size, each power of two as often as the others; now and then one that is larger by far.
fn any_size(random: &mut Rng) -> usize {
    let most = if random.u8(..) == 0 { random.u32(16..=21) } else { random.u32(0..=15) };
    random.usize(1..=1 << most)
}

/// Reads a time as somebody types it.
fn seconds(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let unit = [("s", 1), ("m", 60), ("h", 3600)].into_iter().find(|(name, _)| *name == unit);
    match (number.parse::<u32>(), unit) {
        (Ok(number @ 1..), Some((_, seconds))) => Ok(u64::from(number) * seconds),
        _ => Err("expected a whole number from 1 and a unit, as 10s, 5m or 2h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, wanted) in [("1s", 1), ("90s", 90), ("5m", 300), ("2h", 7200), ("4294967295h", 4_294_967_295 * 3600)]
        {
            assert_eq!(seconds(text), Ok(wanted), "{text}");
        }
        for text in ["", "s", "10", "0s", "-1s", "1.5s", "10 s", "10S", "1m30s", "4294967296s", "1d"] {
            assert!(seconds(text).unwrap_err().contains("as 10s, 5m or 2h"), "{text:?}");
        }
    }

    #[test]
    fn a_byte_that_is_wrong_is_noticed() {
        for size in [1, 7, 8, 9, 4096, 100_003] {
            let mut block = Block::of_zeros(size, true);
            assert!(block.is_whole());
            block.fill(size, 0x0102_0304_0506_0708);
            for wrong in [0, size / 2, size - 1] {
                assert!(block.is_whole());
                block.bytes[wrong] ^= 0x80;
                assert!(!block.is_whole(), "byte {wrong} of {size}");
                block.bytes[wrong] ^= 0x80;
            }
        }
    }

    #[test]
    fn a_resize_keeps_what_is_there() {
        let mut block = Block::of_zeros(100, false);
        for size in [100, 1000, 10, 1 << 20, 1] {
            block.fill(block.bytes.len(), size as u64);
            block.resize(size);
            assert!(block.is_whole() && block.bytes.capacity() == size);
            block.fill(size, 5);
        }
    }
}
