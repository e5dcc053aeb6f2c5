//! The interleavings of two or three threads on small sets, with the right rules and with those of history.

use std::sync::{Arc, Mutex};

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::thread;

use super::rules::{CountsUsed, InstallsOne};
use super::*;

struct Entry {
    id: usize,
    /// Belongs to the pusher before the push and to the popper after the pop, which loom checks.
    content: UnsafeCell<()>,
}

// SAFETY: loom panics when the content is accessed by two threads at once.
unsafe impl Sync for Entry {}

struct Model<const BLOCK: usize, R> {
    set: SpanSet<Entry, BLOCK, R>,
    blocks: &'static Blocks<Entry, BLOCK>,
    entries: &'static [Entry],
    /// What has been pushed and popped, for the end.
    pushed: Mutex<Vec<usize>>,
    popped: Mutex<Vec<usize>>,
}

impl<const BLOCK: usize, R: Rules> Model<BLOCK, R> {
    fn new() -> Self {
        let blocks = Box::leak(Box::new(Blocks::new()));
        Model {
            set: SpanSet::starting_at(0, blocks),
            blocks,
            entries: Vec::from_iter((0..4).map(|id| Entry { id, content: UnsafeCell::new(()) })).leak(),
            pushed: Mutex::default(),
            popped: Mutex::default(),
        }
    }

    fn push(&self, id: usize) {
        self.pushed.lock().unwrap().push(id);
        self.entries[id].content.with_mut(|_| {});
        self.set.push(&self.entries[id]);
    }

    /// Pops, or returns `false`: empty, or a push is under way.
    fn try_pop(&self) -> bool {
        let Some(entry) = self.set.pop() else { return false };
        entry.content.with_mut(|_| {});
        self.popped.lock().unwrap().push(entry.id);
        true
    }

    /// Pops where there is an entry and no push under way.
    fn pop(&self) {
        assert!(self.try_pop(), "nothing to pop");
    }

    /// Once all threads are done: what was pushed, and nothing else, can be popped once; the blocks in use, and the words that lead to
    /// them, are those that they have to be.
    fn check(&self) {
        while self.try_pop() {}
        let [pushed, popped] = [&self.pushed, &self.popped].map(|ids| {
            let mut ids = ids.lock().unwrap().clone();
            ids.sort_unstable();
            ids
        });
        assert_eq!(pushed, popped, "lost or doubled");
        let in_use = usize::from(!pushed.len().is_multiple_of(BLOCK));
        assert_eq!(self.blocks.in_use(), in_use, "blocks in use");
        assert_eq!(self.set.spine.words().0, in_use, "words of the spine");
    }
}

/// Runs `threads` after `before` in all ways, but for those with more than three switches where the running thread could have gone on.
///
/// Each of the threads is the main one in turn. Loom begins with the main one and switches where it sees a dependency, but overlooks a
/// store that follows a load of the same thread if the other thread has only loaded; then the order the other way round shows it.
fn explore<const BLOCK: usize, R: Rules + Send + Sync>(before: fn(&Model<BLOCK, R>), threads: &[fn(&Model<BLOCK, R>)]) {
    for main in 0..threads.len() {
        let mut threads = threads.to_vec();
        threads.swap(0, main);
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let model = Arc::new(Model::new());
            before(&model);
            let others = Vec::from_iter(threads[1..].iter().map(|&work| {
                let model = model.clone();
                thread::spawn(move || work(&model))
            }));
            threads[0](&model);
            others.into_iter().for_each(|other| other.join().unwrap());
            model.check();
        });
    }
}

/// Poppers empty a block together.
fn poppers_empty_a_block<R: Rules + Send + Sync>() {
    let two = |model: &Model<2, R>| (0..2).for_each(|id| model.push(id));
    explore(two, &[Model::pop, Model::pop]);
}

#[test]
fn loom_the_last_pop_to_be_done_frees_the_block() {
    poppers_empty_a_block::<Ours>();
}

#[test]
#[should_panic(expected = "blocks in use")]
fn loom_counting_entries_in_use_leaks_a_block() {
    poppers_empty_a_block::<CountsUsed>();
}

/// Pushers need blocks of which none is there.
fn pushers_need_blocks<R: Rules + Send + Sync>() {
    explore::<1, R>(|_| {}, &[|model| model.push(0), |model| model.push(1)]);
}

#[test]
fn loom_blocks_are_installed_until_the_own_is_there() {
    pushers_need_blocks::<Ours>();
}

#[test]
#[should_panic(expected = "a block with a push under way is installed")]
fn loom_installing_one_block_is_not_enough() {
    pushers_need_blocks::<InstallsOne>();
}

/// A block is freed while the ring grows: its place, in a ring of one, is needed for the next.
#[test]
fn loom_a_freed_block_stays_off_a_growing_spine() {
    explore::<1, Ours>(|model| model.push(0), &[Model::pop, |model| model.push(1)]);
}

/// The ring grows twice, by two threads, while a third frees a block of the first.
#[test]
fn loom_a_freed_block_stays_off_a_spine_that_grows_twice() {
    explore::<1, Ours>(|model| model.push(0), &[Model::pop, |model| model.push(1), |model| model.push(2)]);
}

/// A popper is overtaken by others, and by the next life of the block that it looks at.
#[test]
fn loom_a_popper_that_comes_late_takes_nothing_twice() {
    let two = |model: &Model<1, Ours>| (0..2).for_each(|id| model.push(id));
    let overtake = |model: &Model<1, Ours>| {
        model.pop();
        model.push(2);
        model.pop();
    };
    explore(two, &[Model::pop, overtake]);
}

/// One of two that have emptied a block uses it again.
#[test]
fn loom_a_block_that_is_used_again_is_clean() {
    let two = |model: &Model<2, Ours>| (0..2).for_each(|id| model.push(id));
    let again = |model: &Model<2, Ours>| {
        model.pop();
        (2..4).for_each(|id| model.push(id));
        (0..2).for_each(|_| model.pop());
    };
    explore(two, &[Model::pop, again]);
}

/// A popper looks at a slot that is being filled for the second time.
#[test]
fn loom_a_slot_does_not_show_its_former_life() {
    let life = |model: &Model<1, Ours>| {
        model.push(0);
        model.pop();
    };
    explore(life, &[|model| model.push(1), |model| _ = model.try_pop()]);
}

/// Entries are popped while more are pushed, in a block and over to the next.
#[test]
fn loom_pushes_and_pops_at_once() {
    let push = |model: &Model<2, Ours>| (0..3).for_each(|id| model.push(id));
    explore(|_| {}, &[push, |model| (0..2).for_each(|_| _ = model.try_pop())]);
}
