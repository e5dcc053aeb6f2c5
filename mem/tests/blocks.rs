//! What `GlobalAlloc` promises, in all modes of the heap.

mod common;

use std::alloc::{self, Layout};
use std::collections::BTreeMap;
use std::hint::black_box;

use common::block::Block;
use common::program::{in_each_mode, in_mode};
use common::{Random, wait_for};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use sward_mem::{stats, verify};

#[global_allocator]
static HEAP: sward_mem::Heap = sward_mem::Heap;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Sizes around each place where something changes: classes, pages, chunks, units.
fn sizes() -> Vec<usize> {
    let mut sizes: Vec<usize> = (1..=130).collect();
    // From eighth to eighth of each doubling.
    for doubling in 7..17 {
        sizes.extend((8..16).flat_map(|eighths| [0, 1, 2].map(|off| (eighths << (doubling - 3)) + off)));
    }
    sizes.extend([32 * KIB - 1, 32 * KIB, 32 * KIB + 1, 40 * KIB, 40 * KIB + 1, 100 * KIB, MIB - 16, MIB, MIB + 1]);
    sizes.extend([2 * MIB, 4 * MIB + 1, 16 * MIB - 1, 64 * MIB]);
    sizes
}

fn disjoint(blocks: &[Block]) {
    let mut ends = BTreeMap::new();
    for block in blocks {
        let twice = ends.insert(block.address(), block.address() + block.size());
        assert_eq!(twice, None, "two blocks at {:#x}", block.address());
    }
    for ((_, end), (next, _)) in ends.iter().zip(ends.iter().skip(1)) {
        assert!(end <= next, "blocks overlap at {next:#x}");
    }
}

#[test]
fn blocks_are_aligned_and_nobody_elses() {
    in_each_mode("blocks_are_aligned_and_nobody_elses", || {
        for shift in 0..=20 {
            let mut blocks = Vec::new();
            for (fill, size) in (0..).zip(sizes()).filter(|(_, size)| size << shift <= 1 << 40) {
                // Of few large ones some kept.
                if size > MIB {
                    drop(Block::new(size, 1 << shift, fill as u8));
                } else {
                    blocks.push(Block::new(size, 1 << shift, fill as u8));
                }
            }
            disjoint(&blocks);
            verify();
            blocks.iter().for_each(Block::check);
            // Every other one first, then the rest.
            let mut odd = false;
            blocks.retain(|_| {
                odd = !odd;
                odd
            });
            verify();
        }
    });
}

#[test]
fn many_of_each_size_are_nobody_elses() {
    in_each_mode("many_of_each_size_are_nobody_elses", || {
        for size in (1..=40 * KIB).step_by(509).chain([8, 16, 128, 1024]) {
            // More than a span, and than a bin.
            let count = (128 * KIB / size).clamp(10, 3000);
            let blocks: Vec<Block> = (0..count).map(|n| Block::new(size, 1, n as u8)).collect();
            disjoint(&blocks);
            drop(blocks);
        }
        verify();
    });
}

#[test]
fn zeroed_blocks_are_zeroed_when_used_again() {
    in_each_mode("zeroed_blocks_are_zeroed_when_used_again", || {
        for (round, align) in [1, 64, 4096, 16 * KIB, MIB].into_iter().enumerate() {
            for size in sizes() {
                drop(Block::new(size, align, 0xFF));
                drop(Block::zeroed(size, align, 0xFE));
                drop(Block::zeroed(size, align, round as u8));
            }
        }
        // Of the pages of one large block many small ones, and the other way round.
        drop(Block::new(MIB, 1, 0xFF));
        let small: Vec<_> = (0..1000).map(|_| Block::zeroed(999, 1, 0xFF)).collect();
        drop(small);
        drop(Block::zeroed(2 * MIB, 1, 0xFF));
        verify();
    });
}

/// What the kernel has had back reads as zeros, and what it has had back in part is zeroed.
#[test]
fn zeroed_blocks_are_zeroed_when_the_kernel_has_had_them() {
    in_mode("0", "zeroed_blocks_are_zeroed_when_the_kernel_has_had_them", || {
        for _ in 0..3 {
            drop(Block::new(64 * MIB, 1, 0xFF));
            wait_for("released", || stats().released, |released| *released > 48 * MIB);
            // Each of these lies in some that has been given back, or some that has not, or both.
            let blocks: Vec<_> =
                (1..=40).map(|n| Block::zeroed(n * 37 * KIB, if n % 3 == 0 { 64 * KIB } else { 1 }, 0xFF)).collect();
            drop(Block::zeroed(64 * MIB, 1, 0xFF));
            blocks.iter().for_each(Block::check);
            verify();
        }
    });
}

#[test]
fn contents_are_kept_from_each_size_to_each() {
    in_each_mode("contents_are_kept_from_each_size_to_each", || {
        let sizes = [1, 8, 9, 16, 17, 24, 128, 129, 144, 145, 1000, 1024, 1025, 8191, 8192, 8193, 32 * KIB];
        let larger = [32 * KIB + 1, 40 * KIB, 40 * KIB + 1, 64 * KIB, MIB, MIB + 1, 5 * MIB];
        for align in [1, 8, 64, 4096, 8192, 16 * KIB, 2 * MIB] {
            for from in sizes.into_iter().chain(larger) {
                for to in sizes.into_iter().chain(larger) {
                    let mut block = Block::new(from, align, (from ^ to) as u8);
                    let neighbour = Block::new(from, align, !(from ^ to) as u8);
                    block.resize(to);
                    neighbour.check();
                    block.resize(from);
                }
            }
            verify();
        }
    });
}

#[test]
fn a_block_grows_byte_by_byte_and_shrinks() {
    in_each_mode("a_block_grows_byte_by_byte_and_shrinks", || {
        for align in [1, 32, 16 * KIB] {
            let mut block = Block::new(1, align, 7);
            (2..3000).for_each(|size| block.resize(size));
            (3000..300 * KIB).step_by(997).for_each(|size| block.resize(size));
            (1..300 * KIB).step_by(1999).rev().for_each(|size| block.resize(size));
        }
        verify();
    });
}

#[test]
fn the_tail_of_a_block_that_shrinks_is_free() {
    in_mode("0", "the_tail_of_a_block_that_shrinks_is_free", || {
        let free = || {
            let stats = stats();
            stats.free + stats.released
        };
        let mut block = Block::new(64 * MIB, 1, 1);
        let (start, before) = (block.address(), free());
        block.resize(MIB);
        assert_eq!(block.address(), start, "moved");
        assert_eq!(free() - before, 63 * MIB);
        verify();
        // And it can be had back, or be another's.
        block.resize(32 * MIB);
        assert_eq!(block.address(), start, "moved");
        assert_eq!(free() - before, 32 * MIB);
        block.resize(64 * MIB);
        assert_eq!((block.address(), free()), (start, before));
        block.resize(40 * KIB);
        let between = Block::new(40 * KIB, 1, 2);
        assert_eq!(between.address(), start + 40 * KIB, "first fit");
        block.resize(80 * KIB);
        assert_ne!(block.address(), start, "onto another block");
        between.check();
        verify();
    });
}

#[test]
fn what_cannot_be_had_is_null() {
    in_each_mode("what_cannot_be_had_is_null", || {
        let half = isize::MAX as usize;
        for (size, align) in [(half, 1), (half - 7, 8), (half - 4095, 4096), (half - MIB + 1, MIB), (half / 2, 1)]
            .into_iter()
            .chain([(1 << 46, 1), (1 << 41, 1 << 20), (1, 1 << 62), (1 << 40, 1 << 40)])
        {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the size is not zero.
            unsafe {
                assert!(black_box(alloc::alloc(layout)).is_null(), "{layout:?}");
                assert!(black_box(alloc::alloc_zeroed(layout)).is_null(), "{layout:?}");
            }
            for small in [1, 100, MIB] {
                let old = Block::new(small, align.min(MIB), 5);
                let layout = Layout::from_size_align(small, align.min(MIB)).unwrap();
                // SAFETY: the block is of that layout, and the size makes one with its alignment. It stays, as there is no memory.
                let moved = unsafe { alloc::realloc(old.address() as *mut u8, layout, half - MIB + 1) };
                assert!(black_box(moved).is_null());
                old.check();
            }
        }
        let mut words = Vec::<u64>::new();
        assert!(black_box(&mut words).try_reserve_exact(half / 8).is_err());
        let mut bytes = vec![3u8; 100];
        assert!(bytes.try_reserve(half - 100).is_err());
        assert_eq!(bytes, [3; 100]);
        verify();
    });
}

#[derive(Clone, Debug)]
enum Step {
    Alloc {
        size: usize,
        align: usize,
        zeroed: bool,
    },
    Free(Index),
    Resize(Index, usize),
    /// All those of an arithmetic sequence.
    FreeMany(usize),
    AllocMany {
        size: usize,
        count: usize,
    },
    Verify,
}

fn any_size() -> impl Strategy<Value = usize> {
    prop_oneof![
        6 => 1..=256usize,
        6 => 1..=4 * KIB,
        4 => 1..=100 * KIB,
        1 => 1..=4 * MIB,
        2 => (4..22u32, 0..3usize).prop_map(|(bits, off)| (1 << bits) - 1 + off),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let align = prop_oneof![4 => 0..4u32, 2 => 0..14u32, 1 => 0..=20u32].prop_map(|shift| 1 << shift);
    prop_oneof![
        8 => (any_size(), align, any::<bool>()).prop_map(|(size, align, zeroed)| Step::Alloc { size, align, zeroed }),
        6 => any::<Index>().prop_map(Step::Free),
        5 => (any::<Index>(), any_size()).prop_map(|(index, size)| Step::Resize(index, size)),
        1 => (2..5usize).prop_map(Step::FreeMany),
        2 => (1..2000usize, 1..200usize).prop_map(|(size, count)| Step::AllocMany { size, count }),
        1 => Just(Step::Verify),
    ]
}

/// The model is what each block is full of.
#[test]
fn random_steps() {
    in_each_mode("random_steps", || {
        let config = Config { cases: 100, failure_persistence: None, ..Config::default() };
        let run = |steps: Vec<Step>| {
            let (mut blocks, mut fill) = (Vec::<Block>::new(), 0u8);
            for step in steps {
                fill = fill.wrapping_add(1);
                match step {
                    Step::Alloc { size, align, zeroed: true } => blocks.push(Block::zeroed(size, align, fill)),
                    Step::Alloc { size, align, zeroed: false } => blocks.push(Block::new(size, align, fill)),
                    Step::AllocMany { size, count } => {
                        blocks.extend((0..count).map(|n| Block::new(size, 1, n as u8)));
                    }
                    Step::Free(index) if !blocks.is_empty() => {
                        blocks.swap_remove(index.index(blocks.len()));
                    }
                    Step::Resize(index, size) if !blocks.is_empty() => {
                        let index = index.index(blocks.len());
                        blocks[index].resize(size);
                    }
                    Step::FreeMany(share) => {
                        let mut at = 0;
                        blocks.retain(|_| {
                            at += 1;
                            at % share != 0
                        });
                    }
                    Step::Verify => {
                        disjoint(&blocks);
                        blocks.iter().for_each(Block::check);
                        verify();
                    }
                    Step::Free(_) | Step::Resize(..) => {}
                }
            }
            disjoint(&blocks);
            Ok(())
        };
        TestRunner::new(config).run(&prop::collection::vec(steps(), 1..200), run).unwrap();
        verify();
    });
}

/// A program's life: all sizes, more and more blocks, then fewer.
#[test]
fn a_long_churn() {
    in_each_mode("a_long_churn", || {
        let mut random = Random(0x5EED);
        let mut blocks: Vec<Block> = Vec::new();
        for step in 0..60_000 {
            let most = if step < 40_000 { 4000 } else { 1000 };
            if blocks.len() > random.below(most) {
                let index = random.below(blocks.len());
                blocks.swap_remove(index);
            } else {
                let (size, align) = (random.size(17), 1 << random.below(8));
                blocks.push(Block::new(size, align, step as u8));
            }
        }
        disjoint(&blocks);
        verify();
    });
}
