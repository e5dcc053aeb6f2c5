//! The figures, of a heap in which nobody else does anything.

mod common;

use std::thread;

use common::block::Block;
use common::program::{in_each_mode, in_mode};
use common::{Random, on_threads, wait_for};
use sward_mem::{Stats, stats, verify};

#[global_allocator]
static HEAP: sward_mem::Heap = sward_mem::Heap;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Checks that they add up. From then on no block is sampled: those that are have a place of their own.
#[track_caller]
fn figures() -> Stats {
    sward_mem::profile::set_sample_interval(0);
    let stats = stats();
    let parts = [stats.in_use, stats.cached, stats.idle, stats.free, stats.released];
    assert_eq!(parts.iter().sum::<usize>(), stats.committed, "{stats}");
    assert!(stats.committed <= stats.reserved && stats.persistent > 0, "{stats}");
    let small: usize = stats.classes.iter().map(|class| class.in_use * class.size).sum();
    assert_eq!(small + stats.large_bytes + stats.sampled, stats.in_use, "{stats}");
    assert_eq!(stats.classes.iter().map(|class| class.cached * class.size).sum::<usize>(), stats.cached, "{stats}");
    assert!(stats.classes.iter().all(|class| class.in_use + class.cached <= class.blocks), "{stats}");
    assert!(stats.classes.is_sorted_by_key(|class| class.size), "{stats}");
    stats
}

#[test]
fn figures_add_up() {
    in_each_mode("figures_add_up", || {
        figures();
        let mut random = Random(7);
        let mut blocks = Vec::new();
        for round in 0..20 {
            blocks.extend((0..1000).map(|n| Block::new(random.size(17), 1, n as u8)));
            figures();
            for _ in 0..900 {
                blocks.swap_remove(random.below(blocks.len()));
            }
            let stats = figures();
            let verified = verify();
            assert!(verified.pages * 8 * KIB >= stats.committed, "{round}: {verified:?} {stats}");
            let live: usize = blocks.iter().map(Block::size).sum();
            // What classes and pages round up is no more than a fourth here, and the harness has little.
            assert!((live..live * 5 / 4 + MIB).contains(&stats.in_use), "{live} bytes are live: {stats}");
        }
        drop(blocks);
        figures();
    });
}

#[test]
fn blocks_are_counted_by_class() {
    in_each_mode("blocks_are_counted_by_class", || {
        let before = figures();
        let of = |stats: &Stats| *stats.classes.iter().find(|class| class.size == 2048).unwrap();
        let blocks: Vec<_> = (0..1000).map(|n| Block::new(2000, 1, n as u8)).collect();
        let after = figures();
        assert_eq!(of(&after).in_use - of(&before).in_use, 1000);
        assert!(of(&after).spans * 2048 * 8 <= of(&after).blocks * 2048 && of(&after).blocks >= 1000);
        drop(blocks);
        assert_eq!(of(&figures()).in_use, of(&before).in_use);
    });
}

#[test]
fn large_blocks_are_counted() {
    in_each_mode("large_blocks_are_counted", || {
        let before = figures();
        let blocks: Vec<_> = [33 * KIB, 100 * KIB, MIB, 10 * MIB].map(|size| Block::new(size, 1, 1)).into();
        let after = figures();
        assert_eq!(after.large_blocks - before.large_blocks, 4);
        let bytes = (40 + 104 + 1024 + 10 * 1024) * KIB;
        // With canaries, what is behind takes another page where there was no room.
        assert!((bytes..=bytes + 16 * KIB).contains(&(after.large_bytes - before.large_bytes)), "{after}");
        drop(blocks);
        assert_eq!(figures().large_blocks, before.large_blocks);
    });
}

#[test]
fn what_threads_keep_is_counted_until_they_end() {
    in_mode("0", "what_threads_keep_is_counted_until_they_end", || {
        let before = figures();
        thread::spawn(|| drop((0..100).map(|n| Block::new(1000, 1, n as u8)).collect::<Vec<_>>())).join().unwrap();
        let after = figures();
        let of = |stats: &Stats| stats.classes.iter().find(|class| class.size == 1024).unwrap().cached;
        assert_eq!(of(&after), of(&before));
        drop((0..100).map(|n| Block::new(1000, 1, n as u8)).collect::<Vec<_>>());
        assert!(of(&figures()) > of(&before) + 10);
    });
}

#[test]
fn what_the_kernel_has_back_is_counted() {
    in_mode("0", "what_the_kernel_has_back_is_counted", || {
        let before = figures();
        drop(Block::new(40 * MIB, 1, 1));
        assert!(figures().free >= before.free + 30 * MIB);
        wait_for("free", || figures().free, |free| *free < before.free + 4 * MIB);
        let after = figures();
        assert!(after.committed >= 40 * MIB && after.released >= 36 * MIB, "{after}");
    });
}

#[test]
fn figures_can_be_had_at_any_time() {
    in_each_mode("figures_can_be_had_at_any_time", || {
        on_threads(4, |seed| {
            let mut random = Random(seed);
            for _ in 0..200 {
                let size = random.size(20);
                let blocks: Vec<_> = (0..10).map(|n| Block::new(size, 1, n as u8)).collect();
                let stats = stats();
                assert!(stats.committed <= stats.reserved, "{stats}");
                assert!(size <= 32 * KIB || stats.large_bytes >= 10 * size, "{size}: {stats}");
                drop(blocks);
            }
        });
    });
}

#[test]
fn the_table_has_a_line_for_each_class_in_use() {
    let _block = Block::new(700, 1, 1);
    let stats = stats();
    let table = stats.to_string();
    for name in ["in use", "large", "cached", "idle", "free", "released", "committed", "persistent", "reserved"] {
        let line =
            table.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{name}: {table}"));
        assert!(line.contains(" MiB"), "{line}");
    }
    let sizes: Vec<&str> = table.lines().filter_map(|line| line.split_whitespace().next()).collect();
    for class in &stats.classes {
        let is_there = sizes.contains(&class.size.to_string().as_str());
        assert_eq!(is_there, class.spans != 0, "{}: {table}", class.size);
    }
    assert!(stats.classes.iter().any(|class| class.size == 704 && class.spans != 0));
}
