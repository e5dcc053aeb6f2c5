//! Which sequences of events race: tables of little programs.
//!
//! A program is a line of steps. Threads are `a` to `d`, of which `a` starts; objects are `m` and `n`; bytes are counted from some place.
//!
//! | step | |
//! |---|---|
//! | `a>b` | `a` spawns `b` |
//! | `ar`, `aw` | reads, writes 8 bytes at 0 |
//! | `ar2-4`, `aw2-4` | the bytes from 2 up to 4 |
//! | `a?m`, `a!m` | acquires, releases |
//! | `a=m`, `a~m` | stores, hands over |
//! | `a.` | ends; what it did is settled |
//! | `x` | what is known of `m` and of `n` changes places |
//! | `f2-4`, `fm` | bytes, an object are forgotten |

use std::collections::BTreeMap;
use std::ops::Range;

use crate::race::detector::clock::Clock;
use crate::race::detector::granule::Access;
use crate::race::detector::memory::Memory;
use crate::race::detector::slots::Slots;
use crate::race::detector::timeline::{Timeline, Who};

/// Where the bytes are: they cross from one granule, block and shard to another.
const PLACE: usize = 0x7fff_0000 - 32;

struct World {
    slots: Slots,
    memory: Memory,
    threads: BTreeMap<char, Timeline>,
}

fn who(thread: char) -> Who {
    Who { title: thread.to_string().into(), origin: None }
}

/// The bytes that the rest of a step names.
fn bytes(rest: &str) -> Range<usize> {
    match rest.split_once('-') {
        Some((start, end)) => start.parse().expect("a number")..end.parse().expect("a number"),
        None => 0..8,
    }
}

fn object(name: &str) -> usize {
    0x1000 + usize::from(name.as_bytes()[0])
}

impl World {
    fn new() -> World {
        let mut slots = Slots::new();
        let first = Timeline::new(&mut slots, who('a'), Clock::new());
        World { slots, memory: Memory::new(), threads: BTreeMap::from([('a', first)]) }
    }

    /// Takes a step. Returns how many accesses before race with it.
    fn step(&mut self, step: &str) -> usize {
        let (name, rest) = step.split_at(1);
        if name == "x" {
            self.memory.exchange(object("m"), object("n"));
            return 0;
        }
        if name == "f" {
            match rest {
                "m" | "n" => self.memory.forget(object(rest), 1),
                _ => self.memory.forget(PLACE + bytes(rest).start, bytes(rest).len()),
            }
            return 0;
        }
        let name = name.chars().next().expect("a thread");
        let (deed, rest) = rest.split_at(1);
        let mut thread = self.threads.remove(&name).expect("a thread that has begun");
        let mut races = 0;
        match deed {
            ">" => {
                let child = rest.chars().next().expect("a thread");
                self.threads.insert(child, thread.child(&mut self.slots, who(child)));
            }
            "r" | "w" => races = self.access(&thread, deed == "w", bytes(rest)),
            "?" => self.memory.acquire(object(rest), &mut thread),
            "!" => self.memory.release(object(rest), &mut thread),
            "=" => self.memory.release_store(object(rest), &mut thread),
            "~" => self.memory.hand_over(object(rest), &mut thread),
            "." => thread.epoch().slot.settle(),
            _ => panic!("no step {step:?}"),
        }
        self.threads.insert(name, thread);
        races
    }

    fn access(&self, thread: &Timeline, is_write: bool, bytes: Range<usize>) -> usize {
        let (epoch, place, bytes) = (thread.epoch(), PLACE + bytes.start, bytes.len());
        if self.memory.knows(epoch, place, bytes, is_write) {
            return 0;
        }
        // Each thread has its calls, by which races with several threads are told apart.
        let trace = Box::leak(Box::new([epoch.slot.number]));
        let races = self.memory.access(&Access { epoch, place, bytes, is_write, trace }, thread);
        assert!(self.memory.knows(epoch, place, bytes, is_write), "an access is known once it has been added");
        races.len()
    }
}

/// Runs each program, and compares the races found with the number before it.
#[track_caller]
fn check(programs: &[(usize, &str)]) {
    for (expected, program) in programs {
        let mut world = World::new();
        let found: usize = program.split_whitespace().map(|step| world.step(step)).sum();
        assert_eq!(found, *expected, "races in {program:?}");
    }
}

#[test]
fn two_accesses_of_which_one_writes_race() {
    check(&[
        (0, "a>b ar br"),
        (1, "a>b ar bw"),
        (1, "a>b aw br"),
        (1, "a>b aw bw"),
        (0, "aw ar aw aw"),
        (0, "aw a>b br bw"),
        (0, "ar a>b bw"),
        (1, "a>b aw b>c cw"),
        (1, "a>b a>c bw cw"),
    ]);
}

#[test]
fn edges_order() {
    check(&[
        (0, "a>b aw a!m b?m bw"),
        (0, "a>b aw a!m x b?n bw"),
        (1, "a>b aw a!m x b?m bw"),
        (0, "a>b aw a!m x x b?m bw"),
        (0, "a>b a>c aw0-8 bw8-16 a!m b!n x c?m cw8-16 c?n cw0-8"),
        (0, "a>b aw a=m b?m bw"),
        (0, "a>b aw a~m b~m bw"),
        (0, "a>b aw a!m b?m br b!m a?m aw"),
        (0, "a>b b>c aw a!m b?m b!n c?n cw"),
        // Not by another object, nor the other way round.
        (1, "a>b aw a!m b?n bw"),
        (1, "a>b aw a?m b!m bw"),
        (1, "a>b b?m aw a!m bw"),
        // What comes after the release is not released.
        (1, "a>b a!m aw b?m bw"),
        (1, "a>b aw a!m aw b?m bw"),
        (1, "a>b aw a=m aw b?m bw"),
        (1, "a>b aw a~m aw b?m bw"),
        (1, "a>b ar a!m ar b?m bw"),
        (1, "a>b aw a!m b?m aw bw"),
    ]);
}

#[test]
fn releases_add_up_and_stores_do_not() {
    check(&[
        (0, "a>b a>c aw0-8 a!m bw8-16 b!m c?m cw0-16"),
        (1, "a>b a>c aw0-8 a!m bw8-16 b=m c?m cw0-16"),
        // What is handed over is the past without what is handed in return.
        (1, "a>b a>c aw0-8 a~m bw8-16 b~m c?m cw0-16"),
        (0, "a>b a>c aw0-8 a~m bw8-16 b~m b~m c?m cw0-16"),
        // A slot of a channel: the sender is not ordered after the receiver before last.
        (1, "a>b a>c aw4-8 a=m bw0-1 b=m c?m cr0-1 cw4-8"),
    ]);
}

#[test]
fn bytes_count() {
    check(&[
        (0, "a>b aw0-1 bw1-2"),
        (1, "a>b aw0-2 bw1-2"),
        (1, "a>b aw0-24 br20-21"),
        (1, "a>b ar20-21 bw0-24"),
        (0, "a>b aw0-20 bw20-40"),
        (1, "a>b aw0-64 bw0-64"),
        (1, "a>b aw3-5 bw0-64"),
        (2, "a>b a>c aw0-8 cw8-16 br4-12"),
        // Not known in the same epoch, either, because others are.
        (1, "a>b aw0-4 aw4-8 br4-8"),
        (1, "a>b ar aw bw"),
        // Over the end of a block.
        (1, "a>b aw30-34 bw33-34"),
        (0, "a>b aw30-34 bw34-40"),
        // No bytes, no access.
        (0, "a>b aw4-4 bw0-8"),
    ]);
}

#[test]
fn reads_of_several_threads_are_all_remembered() {
    check(&[
        (3, "a>b a>c a>d br cr dr aw"),
        (2, "a>b a>c a>d br cr dr d!m a?m aw"),
        (0, "a>b a>c a>d br cr dr b!m c!m d!m a?m aw"),
        (1, "a>b a>c br b!m cr c?m cw aw"),
    ]);
}

#[test]
fn a_younger_access_stands_only_for_what_it_covers() {
    check(&[
        // A read does not stand for the write before it.
        (1, "a>b aw ar br"),
        (1, "a>b aw a!n ar br"),
        (1, "a>b a>c aw a!m c?m cr br"),
        // A write of some bytes does not stand for that of others.
        (1, "a>b aw0-8 a!n aw0-4 bw4-8"),
        (2, "a>b a>c aw0-8 a!m c?m cw0-4 bw0-8"),
        // One that covers it does: one race for both.
        (1, "a>b aw a!n aw br"),
        (1, "a>b ar a!n aw br"),
        (1, "a>b a>c aw a!m c?m cw br"),
        // A read of another thread stands for one before it only if it is ordered after it.
        (1, "a>b a>c ar a!m c?m cr bw"),
        (2, "a>b a>c ar cr bw"),
    ]);
}

#[test]
fn a_race_is_found_with_the_next_access_too() {
    check(&[(2, "a>b a>c aw br cr"), (2, "a>b a>c aw bw cr"), (1, "a>b aw br br"), (2, "a>b aw br bw")]);
}

#[test]
fn what_is_settled_is_ordered_before_all_that_comes() {
    check(&[(0, "a>b bw b. aw"), (1, "a>b aw b. bw"), (1, "a>b bw b. b!n bw aw")]);
}

#[test]
fn what_is_forgotten_is_gone() {
    check(&[
        (0, "a>b aw f0-8 bw"),
        (1, "a>b aw f0-4 bw"),
        (0, "a>b aw f0-4 f4-8 bw"),
        (0, "a>b aw0-64 f0-64 bw0-64"),
        (0, "a>b aw0-64 f7-57 bw7-57"),
        (1, "a>b aw0-64 f7-57 bw6-57"),
        (1, "a>b aw0-64 f7-57 bw7-58"),
        // More than there are shards.
        (0, "a>b aw0-64 f0-1000000 bw0-64"),
        (1, "a>b aw0-64 f1-1000000 bw0-64"),
        // An object's edges go with it.
        (1, "a>b aw a!m fm b?m bw"),
        (0, "a>b aw a!m fn b?m bw"),
    ]);
}
