//! Span sets with small blocks under real threads.

use std::sync::atomic::AtomicUsize;
use std::thread;

use super::rules::CountsUsed;
use super::*;
use crate::tagged::TAGS;

struct Entry {
    /// How many times it has been popped.
    pops: AtomicUsize,
}

fn entries(len: usize) -> &'static [Entry] {
    Vec::from_iter((0..len).map(|_| Entry { pops: AtomicUsize::new(0) })).leak()
}

fn blocks<const BLOCK: usize>() -> &'static Blocks<Entry, BLOCK> {
    Box::leak(Box::new(Blocks::new()))
}

/// Checks a set that was drained, of which so many entries have passed through it in all: the blocks in use, and the words that lead to
/// them, are those that they have to be.
fn check_drained<const BLOCK: usize, R: Rules>(
    set: &SpanSet<Entry, BLOCK, R>,
    blocks: &Blocks<Entry, BLOCK>,
    passed: usize,
) {
    assert_eq!(set.len(), 0);
    let in_use = usize::from(!passed.is_multiple_of(BLOCK));
    assert_eq!(blocks.in_use(), in_use, "blocks in use after a drain");
    assert_eq!(set.spine.words().0, in_use, "words of the spine after a drain");
}

/// So many pushers and as many poppers at once.
fn pushers_and_poppers<const BLOCK: usize, R: Rules + Sync>(threads: usize, each: usize) {
    let (blocks, entries) = (blocks(), entries(threads * each));
    let set = SpanSet::<Entry, BLOCK, R>::starting_at(0, blocks);
    thread::scope(|s| {
        for entries in entries.chunks(each) {
            s.spawn(|| entries.iter().for_each(|entry| set.push(entry)));
            s.spawn(|| {
                for _ in 0..each {
                    let entry = loop {
                        match set.pop() {
                            Some(entry) => break entry,
                            None => thread::yield_now(),
                        }
                    };
                    entry.pops.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert!(set.pop().is_none());
    assert!(entries.iter().all(|entry| entry.pops.load(Ordering::Relaxed) == 1), "lost or popped twice");
    check_drained(&set, blocks, entries.len());
}

/// Loses its core now and then in the middle of a push or a pop, as on a busy machine with many cores any thread may.
struct Preempted<R>(R);

impl<R> Preempted<R> {
    fn maybe() {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        if TURN.fetch_add(1, Ordering::Relaxed).is_multiple_of(7) {
            thread::yield_now();
        }
    }
}

impl<R: Rules> Rules for Preempted<R> {
    const INSTALLS: usize = R::INSTALLS;

    fn pushed(count: &AtomicUsize) {
        R::pushed(count);
        Self::maybe();
    }

    fn popped(count: &AtomicUsize, slot: usize, entries: usize) -> bool {
        Self::maybe();
        R::popped(count, slot, entries)
    }
}

#[test]
fn nothing_lost_nothing_twice_no_block_leaked() {
    for each in 1_000..1_010 {
        pushers_and_poppers::<2, Ours>(8, each);
        pushers_and_poppers::<4, Ours>(8, each);
        pushers_and_poppers::<8, Ours>(8, each);
        pushers_and_poppers::<2, Preempted<Ours>>(8, each);
        pushers_and_poppers::<4, Preempted<Ours>>(8, each);
        pushers_and_poppers::<8, Preempted<Ours>>(8, each);
    }
}

/// The same would find the leak of history.
#[test]
#[should_panic(expected = "blocks in use after a drain")]
fn counting_entries_in_use_leaks_blocks() {
    for each in 1_000..1_100 {
        pushers_and_poppers::<4, Preempted<CountsUsed>>(8, each);
    }
}

#[test]
fn each_thread_pops_and_pushes_back() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 50_000;
    let (blocks, entries) = (blocks(), entries(2 * THREADS));
    let set = SpanSet::<Entry, 2>::new(blocks);
    entries.iter().for_each(|entry| set.push(entry));
    let passed = AtomicUsize::new(entries.len());
    thread::scope(|s| {
        for _ in 0..THREADS {
            s.spawn(|| {
                for _ in 0..ROUNDS {
                    if let Some(entry) = set.pop() {
                        assert_eq!(entry.pops.fetch_add(1, Ordering::Relaxed), 0, "popped while somebody has it");
                        entry.pops.store(0, Ordering::Relaxed);
                        set.push(entry);
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(std::iter::from_fn(|| set.pop()).count(), entries.len());
    check_drained(&set, blocks, passed.into_inner());
}

#[test]
fn two_sets_share_their_blocks() {
    let (blocks, entries) = (blocks::<2>(), entries(64));
    let sets = [(); 2].map(|()| SpanSet::<Entry, 2>::new(blocks));
    entries.iter().for_each(|entry| sets[0].push(entry));
    // From one to the other and back, by threads in both directions.
    let pass = |from: &SpanSet<Entry, 2>, to: &SpanSet<Entry, 2>| {
        (0..50_000).filter_map(|_| from.pop()).for_each(|entry| to.push(entry));
    };
    thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| pass(&sets[0], &sets[1]));
            s.spawn(|| pass(&sets[1], &sets[0]));
        }
    });
    for entry in sets.iter().flat_map(|set| std::iter::from_fn(|| set.pop())) {
        entry.pops.fetch_add(1, Ordering::Relaxed);
    }
    assert!(entries.iter().all(|entry| entry.pops.load(Ordering::Relaxed) == 1), "lost or doubled");
    assert_eq!(blocks.in_use(), sets.iter().map(|set| set.spine.words().0).sum());
    assert!(blocks.in_use() <= 2, "a set that was drained has a block at most");
}

#[test]
fn first_in_first_out() {
    static BLOCKS: Blocks<Entry, 4> = Blocks::new();
    static SET: SpanSet<Entry, 4> = SpanSet::new(&BLOCKS);
    let entries = entries(100);
    assert!(SET.pop().is_none());
    entries.iter().for_each(|entry| SET.push(entry));
    assert_eq!((SET.len(), BLOCKS.in_use()), (100, 25));
    assert!(entries.iter().all(|entry| SET.pop().is_some_and(|popped| std::ptr::eq(popped, entry))));
    assert!(SET.pop().is_none());
    check_drained(&SET, &BLOCKS, 100);
}

#[test]
fn a_set_that_stays_small_takes_no_more_memory() {
    let (blocks, entries) = (blocks(), entries(5));
    let set = SpanSet::<Entry, 2>::new(blocks);
    entries.iter().for_each(|entry| set.push(entry));
    for _ in 0..100_000 {
        set.push(set.pop().unwrap());
    }
    let (taken, words) = set.spine.words();
    assert!(taken <= 4 && words == 4, "{taken} of {words} words");
    assert_eq!(blocks.in_use(), taken);
}

/// The numbers of blocks in the spine count modulo 2^22.
#[test]
fn numbers_wrap() {
    let (blocks, entries) = (blocks(), entries(40));
    let set = SpanSet::<Entry, 2>::starting_at(3 * TAGS - 10, blocks);
    for _ in 0..2 {
        entries.iter().for_each(|entry| set.push(entry));
        assert!(entries.iter().all(|entry| set.pop().is_some_and(|popped| std::ptr::eq(popped, entry))));
    }
    check_drained(&set, blocks, 80);
}
