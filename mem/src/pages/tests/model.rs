//! The same as [`Pages`](crate::pages::Pages), by looking at each page.

use crate::pages::{Counts, Run, SPARSE, UNIT};

pub(super) struct Model {
    pub(super) pages: Vec<State>,
    /// By unit: the tick of the last allocation.
    touched: Vec<u32>,
    pub(super) now: u32,
    limit: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    InUse,
    Free,
    Released,
}

impl Model {
    pub(super) fn new(limit: usize) -> Model {
        Model { pages: Vec::new(), touched: vec![0; limit / UNIT], now: 0, limit }
    }

    pub(super) fn grow(&mut self, count: usize) -> bool {
        let fits = self.pages.len() + count <= self.limit;
        if fits {
            self.pages.resize(self.pages.len() + count, State::Released);
        }
        fits
    }

    pub(super) fn first_fit(&self, count: usize, align: usize) -> Option<usize> {
        let mut run = 0;
        for (page, &state) in self.pages.iter().enumerate() {
            run = if state == State::InUse { 0 } else { run + 1 };
            let aligned = (page + 1 - run).next_multiple_of(align);
            if aligned + count <= page + 1 {
                return Some(aligned);
            }
        }
        None
    }

    pub(super) fn use_up(&mut self, run: Run) -> bool {
        for unit in run.units() {
            self.touched[unit] = self.now;
        }
        let pages = &mut self.pages[run.start..run.end()];
        assert!(pages.iter().all(|&state| state != State::InUse), "{run:?} is in use already");
        let released = pages.iter().all(|&state| state == State::Released);
        pages.fill(State::InUse);
        released
    }

    pub(super) fn put(&mut self, run: Run, state: State) {
        self.pages[run.start..run.end()].fill(state);
    }

    fn unit(&self, unit: usize) -> &[State] {
        &self.pages[unit * UNIT..(unit + 1) * UNIT]
    }

    /// Whether something in the unit could be given back, by age and contents.
    fn is_candidate(&self, unit: usize, free_at_least: usize) -> bool {
        let free = self.unit(unit).iter().filter(|&&state| state != State::InUse).count();
        self.now - self.touched[unit] >= 2 && free >= free_at_least && self.unit(unit).contains(&State::Free)
    }

    pub(super) fn take_idle(&mut self, at_most: usize, granule: usize) -> Option<Run> {
        let run = self.whole_units(at_most).or_else(|| self.fragment(at_most, granule))?;
        self.put(run, State::InUse);
        Some(run)
    }

    fn whole_units(&self, at_most: usize) -> Option<Run> {
        let is_whole = |&unit: &usize| self.is_candidate(unit, UNIT);
        let highest = (0..self.pages.len() / UNIT).rev().find(is_whole)?;
        let count = (0..=highest).rev().take_while(is_whole).take(at_most / UNIT).count();
        (count != 0).then(|| Run { start: (highest + 1 - count) * UNIT, count: count * UNIT })
    }

    fn fragment(&self, at_most: usize, granule: usize) -> Option<Run> {
        let at_most = at_most / granule;
        for unit in (0..self.pages.len() / UNIT).rev().filter(|&unit| self.is_candidate(unit, SPARSE)) {
            let goes = |group: &&[State]| !group.contains(&State::InUse) && group.contains(&State::Free);
            let groups: Vec<&[State]> = self.unit(unit).chunks(granule).collect();
            let Some(last) = groups.iter().rposition(goes) else { continue };
            let count = groups[..=last].iter().rev().take_while(|group| goes(group)).take(at_most).count();
            if count != 0 {
                return Some(Run { start: unit * UNIT + (last + 1 - count) * granule, count: count * granule });
            }
        }
        None
    }

    pub(super) fn counts(&self) -> Counts {
        let count = |state| self.pages.iter().filter(|&&other| other == state).count();
        let (in_use, released) = (count(State::InUse), count(State::Released));
        Counts { total: self.pages.len(), in_use, free: self.pages.len() - in_use, released }
    }
}
