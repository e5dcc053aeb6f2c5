//! Random steps, and chosen ones, against a model; and what aborts.

mod aborts;
mod model;

use proptest::prelude::*;
use proptest::sample::Index;

use super::bits::Bits;
use super::*;

use model::{Model, State};

/// Both, and what they have handed out.
struct Pair {
    pages: Pages,
    model: Model,
    runs: Vec<Run>,
    taken: Vec<Run>,
}

#[derive(Clone, Debug)]
enum Step {
    Grow(usize),
    Alloc(usize, usize),
    Extend(Index, usize),
    /// All of a run, or from a page of it on, or only a part in its middle.
    Free(Index, Option<(Index, Index)>),
    Tick,
    TakeIdle(usize),
    PutReleased(Index),
    /// The kernel refused.
    PutBack(Index),
}

fn counts() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 1..5usize, 3 => 1..80usize, 2 => 100..600usize, 1 => 1..3000usize]
}

fn steps() -> impl Strategy<Value = Step> {
    let part = prop::option::of(any::<(Index, Index)>());
    prop_oneof![
        1 => (1..4usize).prop_map(|chunks| Step::Grow(chunks * CHUNK)),
        8 => counts().prop_map(|count| Step::Alloc(count, 1)),
        2 => (counts(), 0..10u32).prop_map(|(count, log)| Step::Alloc(count, 1 << log)),
        2 => (any::<Index>(), counts()).prop_map(|(run, more)| Step::Extend(run, more)),
        7 => (any::<Index>(), part).prop_map(|(run, part)| Step::Free(run, part)),
        2 => Just(Step::Tick),
        3 => prop_oneof![1..64usize, 200..2000usize].prop_map(Step::TakeIdle),
        2 => any::<Index>().prop_map(Step::PutReleased),
        1 => any::<Index>().prop_map(Step::PutBack),
    ]
}

impl Pair {
    fn new(limit: usize, granule: usize) -> Pair {
        let mut pages = Pages::new(limit).unwrap();
        pages.idle.granule = granule;
        Pair { pages, model: Model::new(limit), runs: Vec::new(), taken: Vec::new() }
    }

    fn grow(&mut self, count: usize) {
        assert_eq!(self.pages.grow(count), self.model.grow(count));
    }

    fn alloc(&mut self, count: usize, align: usize) -> Option<Run> {
        let expected = self.model.first_fit(count, align).map(|start| Run { start, count });
        let found = self.pages.alloc(count, align);
        assert_eq!(found.map(|(run, _)| run), expected, "{count} pages at a multiple of {align}");
        let (run, zeroed) = found?;
        assert_eq!(zeroed, self.model.use_up(run), "whether {run:?} is zeroed");
        self.runs.push(run);
        Some(run)
    }

    fn free(&mut self, run: Run) {
        self.pages.free(run);
        self.model.put(run, State::Free);
    }

    fn tick(&mut self) {
        self.pages.tick();
        self.model.now += 1;
    }

    fn take_idle(&mut self, at_most: usize) -> Option<Run> {
        let run = self.pages.take_idle(at_most);
        assert_eq!(run, self.model.take_idle(at_most, self.pages.idle.granule), "{at_most} idle pages");
        self.taken.extend(run);
        run
    }

    fn put_released(&mut self, run: Run) {
        self.pages.put_released(run);
        self.model.put(run, State::Released);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Grow(count) => self.grow(count),
            Step::Alloc(count, align) => drop(self.alloc(count, align)),
            Step::Extend(index, more) if !self.runs.is_empty() => {
                let run = index.get(&self.runs);
                let wanted = Run { start: run.end(), count: more };
                let there = self.model.pages.get(wanted.start..wanted.end());
                let expected = there.is_some_and(|pages| !pages.contains(&State::InUse));
                let extended = self.pages.extend(*run, more);
                assert_eq!(extended.is_some(), expected, "{run:?} by {more}");
                if let Some(zeroed) = extended {
                    assert_eq!(zeroed, self.model.use_up(wanted), "whether {wanted:?} is zeroed");
                    self.runs.push(wanted);
                }
            }
            Step::Free(index, part) if !self.runs.is_empty() => {
                let Run { start, count } = self.runs.swap_remove(index.index(self.runs.len()));
                let (from, to) = match part {
                    None => (0, count),
                    Some((one, other)) => {
                        let (one, other) = (one.index(count + 1), other.index(count + 1));
                        (one.min(other), one.max(other))
                    }
                };
                let pieces = [(0, from), (from, to), (to, count)].map(|(a, b)| Run { start: start + a, count: b - a });
                for (part, run) in pieces.into_iter().enumerate().filter(|(_, run)| run.count != 0) {
                    if part == 1 { self.free(run) } else { self.runs.push(run) }
                }
            }
            Step::Tick => self.tick(),
            Step::TakeIdle(at_most) => drop(self.take_idle(at_most)),
            Step::PutReleased(index) if !self.taken.is_empty() => {
                let run = self.taken.swap_remove(index.index(self.taken.len()));
                self.put_released(run);
            }
            Step::PutBack(index) if !self.taken.is_empty() => {
                let run = self.taken.swap_remove(index.index(self.taken.len()));
                self.free(run);
            }
            _ => {}
        }
    }

    fn check(&self) {
        self.pages.verify();
        assert_eq!(self.pages.counts(), self.model.counts());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    /// Twenty chunks make three nodes of the lowest level; the model's aligned first fit is exact as there are never so
    /// many holes that a search gives up.
    #[test]
    fn random_steps_do_what_they_do_to_an_array(
        granule in prop::sample::select(vec![1, 2, 8]),
        steps in prop::collection::vec(steps(), 1..250),
    ) {
        let mut pair = Pair::new(20 * CHUNK, granule);
        pair.grow(4 * CHUNK);
        for step in steps {
            pair.step(step);
            pair.check();
        }
    }

    #[test]
    fn a_set_of_pages_finds_its_runs(
        runs in prop::collection::vec((0..CHUNK, 1..200usize), 0..40),
        from in 0..CHUNK,
        count in 1..=CHUNK,
    ) {
        let mut bits = Bits::EMPTY;
        let mut model = [false; CHUNK];
        for (index, (start, len)) in runs.into_iter().enumerate() {
            let pages = start..(start + len).min(CHUNK);
            model[pages.clone()].fill(index % 3 != 2);
            if index % 3 == 2 {
                bits.remove(pages);
            } else {
                bits.insert(pages);
            }
        }
        let lengths: Vec<usize> = model.split(|&free| !free).map(<[bool]>::len).collect();
        let summary = bits.summary();
        prop_assert_eq!(summary.at_start(), lengths[0]);
        prop_assert_eq!(summary.longest(), *lengths.iter().max().unwrap());
        prop_assert_eq!(summary.at_end(), *lengths.last().unwrap());
        prop_assert_eq!(bits.run_below(from), model[..from].iter().rev().take_while(|&&free| free).count());
        prop_assert_eq!(bits.run_from(from), model[from..].iter().take_while(|&&free| free).count());
        prop_assert_eq!(bits.count(from..CHUNK), model[from..].iter().filter(|&&free| free).count());

        let count = count.min(summary.longest() + 1).min(CHUNK);
        let first = (from..=CHUNK - count).find(|&page| model[page..][..count].iter().all(|&free| free));
        prop_assert_eq!(bits.since(from).first_run(count), first);

        let last = model[..from].iter().rposition(|&free| free);
        let run = last.map(|last| model[..last].iter().rposition(|&free| !free).map_or(0, |page| page + 1)..last + 1);
        prop_assert_eq!(bits.last_run(from), run);
    }
}

/// Three summaries of the top level.
const LARGE: usize = 3 * CHUNK * 512;

#[test]
fn runs_lie_across_chunks_and_nodes_of_every_level() {
    let mut pair = Pair::new(LARGE, 1);
    pair.grow(LARGE);
    let all = pair.alloc(LARGE, 1).unwrap();
    assert_eq!(all, Run { start: 0, count: LARGE });
    assert_eq!(pair.alloc(1, 1), None);
    pair.check();
    // Around a boundary of each level.
    for boundary in [CHUNK, 8 * CHUNK, 64 * CHUNK, 512 * CHUNK, 1024 * CHUNK] {
        for (before, after) in [(1, 1), (3, 700), (700, 3), (5000, 6000)] {
            let hole = Run { start: boundary.saturating_sub(before), count: before.min(boundary) + after };
            pair.free(hole);
            assert_eq!(pair.alloc(hole.count + 1, 1), None);
            assert_eq!(pair.alloc(hole.count, 1), Some(hole));
        }
    }
    // More than all of one summary, with a shorter run before it.
    let (short, long) = (Run { start: 10, count: 300 }, Run { start: 400 * CHUNK - 5, count: 1000 * CHUNK });
    pair.free(short);
    pair.free(long);
    assert_eq!(pair.alloc(301, 1), Some(Run { start: long.start, count: 301 }));
    assert_eq!(pair.alloc(long.count - 301, 1), Some(Run { start: long.start + 301, count: long.count - 301 }));
    pair.check();
}

#[test]
fn the_last_page_under_the_limit_is_used_and_none_behind_it() {
    let limit = 9 * CHUNK;
    let mut pair = Pair::new(limit, 1);
    assert_eq!(pair.alloc(1, 1), None);
    pair.grow(limit - CHUNK);
    assert!(!pair.pages.grow(2 * CHUNK), "more than the limit allows");
    pair.grow(CHUNK);
    assert!(!pair.pages.grow(CHUNK), "more than the limit allows");

    let most = pair.alloc(limit - 2, 1).unwrap();
    assert_eq!(pair.alloc(3, 1), None);
    assert_eq!(pair.alloc(2, 1), Some(Run { start: limit - 2, count: 2 }));
    assert_eq!(pair.pages.extend(Run { start: limit - 2, count: 2 }, 1), None);
    pair.free(most);
    assert_eq!(pair.pages.extend(most, 1), None);
    pair.check();
}

/// A hole that fits exactly is used, with nothing to spare for cutting.
#[test]
fn aligned_runs_fill_the_holes_of_aligned_runs() {
    let mut pair = Pair::new(8 * CHUNK, 1);
    pair.grow(8 * CHUNK);
    let runs: Vec<Run> = (0..16).map(|_| pair.alloc(UNIT, UNIT).unwrap()).collect();
    assert_eq!(pair.alloc(1, 1), None);
    for run in runs.iter().step_by(2) {
        pair.free(*run);
    }
    for run in runs.iter().step_by(2) {
        assert_eq!(pair.alloc(UNIT, UNIT), Some(*run));
    }
    pair.check();
}

/// Where each of very many runs is long enough, but none aligned, one that can be cut is found.
#[test]
fn a_search_for_an_aligned_run_ends() {
    let mut pair = Pair::new(8 * CHUNK, 1);
    pair.grow(8 * CHUNK);
    let all = pair.alloc(8 * CHUNK, 1).unwrap();
    let holes = 2 * TRIES;
    for hole in 0..holes {
        pair.free(Run { start: hole * 8 + 1, count: 4 });
    }
    let aligned = Run { start: holes * 8, count: 4 };
    pair.free(aligned);
    assert_eq!(pair.pages.alloc(4, 8), None);
    pair.free(Run { start: all.end() - 13, count: 13 });
    assert_eq!(pair.pages.alloc(4, 8), Some((Run { start: all.end() - 8, count: 4 }, false)));
    pair.pages.verify();
}

#[test]
fn whole_units_are_given_back_first_and_together() {
    let mut pair = Pair::new(8 * CHUNK, 1);
    pair.grow(8 * CHUNK);
    pair.alloc(8 * CHUNK, 1);
    // Two units, a fragment above them, and another unit below.
    pair.free(Run { start: 0, count: UNIT });
    pair.free(Run { start: 2 * UNIT - 5, count: 2 * UNIT + 5 });
    pair.free(Run { start: 10 * UNIT + 50, count: 100 });
    assert_eq!(pair.take_idle(usize::MAX), None, "something has just been allocated in them");
    pair.tick();
    assert_eq!(pair.take_idle(usize::MAX), None, "no whole tick has passed");
    pair.tick();

    let both = Run { start: 2 * UNIT, count: 2 * UNIT };
    assert_eq!(pair.take_idle(3 * UNIT), Some(both));
    assert_eq!(pair.alloc(UNIT + 1, 1), None, "it has been taken out");
    pair.put_released(both);
    assert_eq!(pair.take_idle(3 * UNIT), Some(Run { start: 0, count: UNIT }));
    // The unit with five free pages keeps them.
    assert_eq!(pair.take_idle(60), Some(Run { start: 10 * UNIT + 90, count: 60 }));
    assert_eq!(pair.take_idle(60), Some(Run { start: 10 * UNIT + 50, count: 40 }));
    assert_eq!(pair.take_idle(60), None);
    pair.check();

    // Five pages and the released ones.
    let (run, zeroed) = pair.pages.alloc(2 * UNIT + 5, 1).unwrap();
    assert_eq!((run, zeroed), (Run { start: 2 * UNIT - 5, count: 2 * UNIT + 5 }, false));
}
