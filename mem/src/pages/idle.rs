//! What the scavenger may give back: which units have something, and for how long nothing has been allocated in them.
//!
//! Two sets of units, a bit each: those *wholly* free, and those *sparse*ly used, the former included. A unit is in
//! either only as long as some free page of it is not released. So the highest candidate is found by reading a bit for
//! each 2 MiB: a cache line for a GiB. Which sets a unit is in follows from its two counts, without a look at its
//! pages.

use crate::os;
use crate::vast::{Vast, Zeroed};
use crate::{PAGE, fatal};

use super::bits::last_below;
use super::{CHUNK, Chunk, Run, SPARSE, UNIT};

/// So many ticks must have begun since the last allocation in a unit: one of them has passed as a whole.
const QUIET: u32 = 2;

/// See the [module](self).
pub(super) struct Idle {
    units: Vast<Unit>,
    whole: Units,
    sparse: Units,
    now: u32,
    /// How many pages lie in one of the kernel's, which is the least that it takes back.
    pub(super) granule: usize,
}

struct Unit {
    free: u16,
    released: u16,
    /// The tick of the last allocation in it.
    touched: u32,
}
// SAFETY: zeros are numbers.
unsafe impl Zeroed for Unit {}

impl Unit {
    fn is_whole(&self) -> bool {
        self.free as usize == UNIT && self.released < self.free
    }

    fn is_sparse(&self) -> bool {
        self.free as usize >= SPARSE && self.released < self.free
    }
}

impl Idle {
    pub(super) fn new(units: usize) -> Option<Idle> {
        let granule = (os::page_size() / PAGE).max(1);
        Some(Idle {
            units: Vast::reserve(units)?,
            whole: Units::new(units)?,
            sparse: Units::new(units)?,
            now: 0,
            granule,
        })
    }

    #[must_use]
    pub(super) fn grow(&mut self, units: usize) -> bool {
        self.units.grow(units) && self.whole.grow(units) && self.sparse.grow(units)
    }

    pub(super) fn tick(&mut self) {
        // Comes round after 13 years: a unit left alone for so long rests a little longer.
        self.now = self.now.wrapping_add(1);
    }

    /// The pages of the run are allocated.
    pub(super) fn touch(&mut self, run: Run) {
        for unit in &mut self.units.as_mut_slice()[run.units()] {
            unit.touched = self.now;
        }
    }

    /// So many free pages of the unit, released ones among them, are no longer free.
    pub(super) fn taken(&mut self, index: usize, count: usize, released: usize) {
        let unit = &mut self.units.as_mut_slice()[index];
        unit.free -= count as u16;
        unit.released -= released as u16;
        self.sort(index);
    }

    /// So many pages of the unit are free now.
    pub(super) fn put(&mut self, index: usize, count: usize, released: bool) {
        let unit = &mut self.units.as_mut_slice()[index];
        unit.free += count as u16;
        if released {
            unit.released += count as u16;
        }
        self.sort(index);
    }

    /// Puts a unit into the sets that it belongs to.
    fn sort(&mut self, index: usize) {
        let unit = &self.units.as_slice()[index];
        self.whole.set(index, unit.is_whole());
        self.sparse.set(index, unit.is_sparse());
    }

    /// The highest whole units in a row, `at_most` so many pages.
    pub(super) fn whole_units(&self, at_most: usize) -> Option<Run> {
        if at_most < UNIT {
            return None;
        }
        let end = self.last_quiet(&self.whole, self.whole.end())? + 1;
        let mut start = end - 1;
        while (end - start + 1) * UNIT <= at_most
            && self.last_quiet(&self.whole, start).is_some_and(|next| next + 1 == start)
        {
            start -= 1;
        }
        Some(Run { start: start * UNIT, count: (end - start) * UNIT })
    }

    /// The highest free pages in a row that are not all released, within one unit, `at_most` so many.
    pub(super) fn fragment(&self, chunks: &[Chunk], at_most: usize) -> Option<Run> {
        let at_most = at_most - at_most % self.granule;
        if at_most == 0 {
            return None;
        }
        let mut end = self.sparse.end();
        while let Some(unit) = self.last_quiet(&self.sparse, end) {
            let chunk = unit * UNIT / CHUNK;
            let (base, first) = (chunk * CHUNK, unit * UNIT % CHUNK);
            let Chunk { free, released } = &chunks[chunk];
            let run = free.groups(released, self.granule).last_run(first + UNIT);
            // With large pages of the kernel, there may be none in the unit.
            if let Some(run) = run.filter(|run| run.end > first) {
                let start = run.start.max(first).max(run.end.saturating_sub(at_most));
                return Some(Run { start: base + start, count: run.end - start });
            }
            end = unit;
        }
        None
    }

    /// The highest unit of a set, below `end`, that has rested.
    fn last_quiet(&self, set: &Units, mut end: usize) -> Option<usize> {
        loop {
            let unit = last_below(set.0.as_slice(), end)?;
            if self.now.wrapping_sub(self.units.as_slice()[unit].touched) >= QUIET {
                return Some(unit);
            }
            end = unit;
        }
    }

    /// Aborts when a count of a unit, or a set, is not as it should be.
    pub(super) fn verify(&self, chunks: &[Chunk]) {
        for (index, unit) in self.units.as_slice()[..chunks.len() * CHUNK / UNIT].iter().enumerate() {
            let chunk = &chunks[index * UNIT / CHUNK];
            let first = index * UNIT % CHUNK;
            let free = chunk.free.count(first..first + UNIT);
            let released = chunk.released.count(first..first + UNIT);
            if (unit.free as usize, unit.released as usize) != (free, released) {
                fatal!(
                    "unit {index} has {free} free pages, {released} of them released, its counts say {} and {}",
                    unit.free,
                    unit.released,
                );
            }
            let sets = (self.whole.contains(index), self.sparse.contains(index));
            if sets != (unit.is_whole(), unit.is_sparse()) {
                fatal!("unit {index} has {free} free pages, {released} released, is (whole, sparse) in {sets:?}");
            }
        }
    }
}

/// A set of units.
struct Units(Vast<u64>);

impl Units {
    fn new(units: usize) -> Option<Units> {
        Vast::reserve(units.div_ceil(64)).map(Units)
    }

    #[must_use]
    fn grow(&mut self, units: usize) -> bool {
        self.0.grow(units.div_ceil(64))
    }

    /// One behind the highest unit that there might be.
    fn end(&self) -> usize {
        self.0.as_slice().len() * 64
    }

    fn contains(&self, unit: usize) -> bool {
        self.0.as_slice()[unit / 64] >> (unit % 64) & 1 != 0
    }

    fn set(&mut self, unit: usize, contained: bool) {
        let word = &mut self.0.as_mut_slice()[unit / 64];
        *word = *word & !(1 << (unit % 64)) | u64::from(contained) << (unit % 64);
    }
}
