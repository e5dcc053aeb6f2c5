//! Memory that the program does not need any more goes back to the kernel, and not too soon.

mod common;

use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::block::Block;
use common::program::in_mode;
use common::{Random, on_threads, resident, wait_for};
use sward_mem::{stats, verify};

#[global_allocator]
static HEAP: sward_mem::Heap = sward_mem::Heap;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Blocks of all sizes, so many bytes, all of which have been written to, in no order.
fn mixed(random: &mut Random, bytes: usize) -> Vec<Block> {
    let (mut blocks, mut left) = (Vec::new(), bytes);
    while left > 0 {
        let size = random.size(if blocks.len() % 100 == 0 { 20 } else { 14 }).min(left);
        blocks.push(Block::new(size, 1, left as u8));
        left -= size;
    }
    for last in (1..blocks.len()).rev() {
        blocks.swap(last, random.below(last + 1));
    }
    blocks
}

#[test]
fn nearly_all_is_given_back() {
    in_mode("0", "nearly_all_is_given_back", || {
        let before = resident();
        let all = Mutex::new(Vec::new());
        on_threads(2, |seed| {
            let blocks = mixed(&mut Random(seed), 256 * MIB);
            all.lock().unwrap().push(blocks);
        });
        let peak = resident() - before;
        assert!(peak > 512 * MIB, "{peak} bytes for 512 MiB");
        on_threads(2, |_| {
            let blocks = all.lock().unwrap().pop().unwrap();
            drop(blocks);
        });
        wait_for("resident memory", || resident() - before, |now| *now < peak / 10);
        let stats = stats();
        assert!(stats.released > 460 * MIB, "{stats}");
        verify();
    });
}

/// As above, but the threads live on: what each keeps at hand is in spans here and there, of which nothing can be given back.
#[test]
fn most_is_given_back_while_threads_keep_some_at_hand() {
    in_mode("0", "most_is_given_back_while_threads_keep_some_at_hand", || {
        let before = resident();
        let over = Barrier::new(3);
        thread::scope(|s| {
            for seed in 1..=2 {
                let over = &over;
                s.spawn(move || {
                    drop(mixed(&mut Random(seed), 256 * MIB));
                    over.wait();
                });
            }
            wait_for("released", || stats().released, |released| *released > 460 * MIB);
            wait_for("resident memory", || resident() - before, |now| *now < 100 * MIB);
            over.wait();
        });
    });
}

#[test]
fn a_churn_does_not_take_much_more_than_lives() {
    in_mode("0", "a_churn_does_not_take_much_more_than_lives", || {
        let before = resident();
        let peak = Mutex::new(0);
        on_threads(2, |seed| {
            let mut random = Random(seed);
            let mut blocks = mixed(&mut random, 64 * MIB);
            for step in 0..300_000 {
                let at = random.below(blocks.len());
                // Of the same size, or nearly: what lives stays about the same.
                let size = (blocks[at].size() + random.below(64)).saturating_sub(31).max(1);
                drop(std::mem::replace(&mut blocks[at], Block::new(size, 1, step as u8)));
                if step % 10_000 == 0 {
                    let now = resident() - before;
                    let mut peak = peak.lock().unwrap();
                    *peak = now.max(*peak);
                }
            }
        });
        let peak = peak.into_inner().unwrap();
        assert!(peak < 128 * MIB * 3 / 2, "{} MiB for 128 MiB that live", peak / MIB);
    });
}

fn minor_faults() -> i64 {
    let mut usage = std::mem::MaybeUninit::uninit();
    // SAFETY: the usage is written.
    unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()), 0);
        usage.assume_init_ref().ru_minflt
    }
}

#[test]
fn a_large_block_again_and_again_takes_no_page_faults() {
    in_mode("0", "a_large_block_again_and_again_takes_no_page_faults", || {
        drop(Block::new(16 * MIB, 1, 1));
        let before = minor_faults();
        (0..500).for_each(|n| drop(Block::new(16 * MIB, 1, n as u8)));
        // 4096 each, were it given back each time.
        let faults = minor_faults() - before;
        assert!(faults < 5 * 4096, "{faults} page faults");
    });
}

/// The scavenger's voluntary context switches, if there is one.
fn switches() -> Option<u64> {
    std::fs::read_dir("/proc/self/task").unwrap().find_map(|task| {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).ok()?;
        let value = |name| status.lines().find_map(|line| line.strip_prefix(name));
        (value("Name:")?.trim() == "sward-scavenge").then_some(())?;
        value("voluntary_ctxt_switches:")?.trim().parse().ok()
    })
}

#[test]
fn the_scavenger_sleeps_when_there_is_nothing_to_do() {
    in_mode("0", "the_scavenger_sleeps_when_there_is_nothing_to_do", || {
        drop(Block::new(100 * KIB, 1, 1));
        assert_eq!(switches(), None, "a scavenger for nothing");
        for _ in 0..2 {
            drop(Block::new(64 * MIB, 1, 1));
            let awake = wait_for("a scavenger", switches, Option::is_some);
            wait_for("resident memory", || stats().released, |released| *released > 48 * MIB);
            wait_for("the scavenger's work", switches, |now| *now > awake);
            // At work it wakes up ten times a second: twice the same number, a second apart, is sleep.
            let mut before = None;
            wait_for(
                "the scavenger's sleep",
                || {
                    thread::sleep(Duration::from_secs(1));
                    (std::mem::replace(&mut before, switches()), before)
                },
                |(before, now)| before == now,
            );
        }
    });
}

/// The scavenger is awake and finds nothing that has rested, until the program stops all of a sudden.
#[test]
fn what_is_freed_last_is_given_back_too() {
    in_mode("0", "what_is_freed_last_is_given_back_too", || {
        for round in [0, 5] {
            let before = resident();
            let end = Instant::now() + Duration::from_millis(1000 + 100 * round);
            while Instant::now() < end {
                drop(Block::new(32 * MIB, 1, 1));
            }
            wait_for("resident memory", resident, |now| *now < before + 16 * MIB);
        }
    });
}
