//! Which pages of the heap are in use, which are free, and which of the free ones the kernel has back.
//!
//! Pages are numbers here: 8 KiB each, counted from the start of the heap's reservation, which lies at a multiple of
//! 2 MiB. Nothing here touches the memory they stand for. The heap keeps all of this under one mutex.
//!
//! # What is kept
//!
//! - Two bits a page (`pages/bits.rs`), in chunks of 512: whether it is *free*, and whether it is *released*: free, and
//!   with the kernel, so that it reads as zeros. A page that has never been handed out is released too. Zeros mean
//!   neither, so pages that are not there yet look like pages in use, and no search ends up in them.
//! - Above the chunks, a tree of summaries (`pages/tree.rs`) in which a search for the first run that is long enough
//!   skips what cannot have it. Runs may lie across chunks.
//! - `lowest`: no page below it is free. Searches start there.
//! - A few counts for each 2 MiB of memory, by which the scavenger finds what to give back (`pages/idle.rs`).
//!
//! All else follows from the bits; `verify` works it out anew and compares.
//!
//! # First fit
//!
//! The run at the lowest address wins, not the one that fits best: what lives long gathers at the low end, the high end
//! empties, and it is from there that memory is given back. The same rule fills the gaps of huge pages that are in use
//! anyway.
//!
//! An aligned run is found by trying the runs one after the other: each search goes on from the next multiple behind
//! the last run found. A search for a run long enough to be cut to any alignment would be one search only, but it
//! passes by holes that fit exactly, such as those which freed aligned runs leave, and the heap would grow for ever. It
//! is what ends a search that has tried [`TRIES`] runs in vain, as the lock is held all the while.
//!
//! # Huge pages
//!
//! Where transparent huge pages are on, the kernel backs 2 MiB of address space, aligned, with one page, which saves
//! much of the time lost in TLB misses. Three things are known to go wrong (Go 55328, 61718, 63334, 64332):
//!
//! - Giving back a part of a huge page splits its mapping at once, while the memory itself comes free only when the
//!   kernel, short of memory, gets round to splitting the page.
//! - khugepaged makes a huge page of 2 MiB of which a single small page is there (`max_ptes_none` is 511 by default),
//!   and so undoes the giving back. (What was given back still reads as zeros.)
//! - `MADV_HUGEPAGE` and `MADV_COLLAPSE` may stop a program for long while the kernel looks for memory; a range once
//!   marked with `MADV_NOHUGEPAGE` cannot be made neutral again; and each range marked otherwise than its neighbour is
//!   one more mapping, of which a process may have 65 530.
//!
//! So nothing is advised at all: where there are huge pages is between the kernel and the administrator. What is ours
//! to choose is what to give back, and when. The measure is the *unit* of 2 MiB:
//!
//! - Units that are wholly free go first, from the highest address down, neighbours together. Such a unit goes as a
//!   whole, even when parts of it have been released before: the kernel need not split it, khugepaged has nothing left
//!   to fill up, and one call does it.
//! - Only when no such unit is left, fragments of units go that are partly in use: else a heap with one page in use in
//!   each unit would never shrink.
//! - A unit with fewer than [`SPARSE`] free pages keeps them. What it would yield is little, costs a call for every few
//!   pages and the huge page, and will be the first to be handed out again.
//! - A unit rests from the last allocation in it until a whole tick has passed. A program that frees and allocates in
//!   turns does not pay for page faults.
//!
//! Rejected: giving back whole units only (see above); a goal of density for each unit as jemalloc has, which needs
//! units sorted by how full they are, and allocation that knows of it, where first fit by address does nearly as well.

mod bits;
mod idle;
#[cfg(test)]
mod tests;
mod tree;
mod verify;

use std::ops::Range;

use crate::fatal;
use crate::vast::{Vast, Zeroed};

use bits::Bits;
use idle::Idle;
use tree::Tree;

/// What the heap grows by, in pages: 4 MiB.
pub(crate) const CHUNK: usize = 512;
/// The measure for giving memory back, in pages: 2 MiB, which is a huge page where the kernel's pages are of 4 KiB.
pub(crate) const UNIT: usize = 256;
/// A unit in which fewer pages are free keeps them.
const SPARSE: usize = UNIT / 16;
/// So many runs are looked at, before a search for an aligned run goes for one that can be cut to any alignment.
const TRIES: usize = 64;

/// A run of pages: their numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    pub(crate) start: usize,
    pub(crate) count: usize,
}

/// How many pages there are.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    pub(crate) total: usize,
    /// Those count which the scavenger has taken out.
    pub(crate) in_use: usize,
    /// With those released.
    pub(crate) free: usize,
    /// Free, and the kernel has them.
    pub(crate) released: usize,
}

/// See the [module](self).
pub(crate) struct Pages {
    limit: usize,
    /// How many pages are there.
    total: usize,
    free: usize,
    released: usize,
    /// No page below is free.
    lowest: usize,
    chunks: Vast<Chunk>,
    tree: Tree,
    idle: Idle,
}

/// The pages of a chunk.
struct Chunk {
    free: Bits,
    /// Never without the same bit in `free`.
    released: Bits,
}
// SAFETY: zero is an empty set of pages.
unsafe impl Zeroed for Chunk {}

impl Pages {
    /// Room for pages with numbers under `limit`, a multiple of [`CHUNK`]; none is there yet. `None`: there is not
    /// enough address space.
    pub(crate) fn new(limit: usize) -> Option<Pages> {
        debug_assert!(limit.is_multiple_of(CHUNK), "{limit} pages are no whole chunks");
        let chunks = limit / CHUNK;
        Some(Pages {
            limit,
            total: 0,
            free: 0,
            released: 0,
            lowest: 0,
            chunks: Vast::reserve(chunks)?,
            tree: Tree::new(chunks)?,
            idle: Idle::new(limit / UNIT)?,
        })
    }

    /// Makes the next `count` pages be there, a multiple of [`CHUNK`]. They are free, and released. `false`: the limit
    /// is reached, or there is no memory for what is kept of them.
    #[must_use]
    pub(crate) fn grow(&mut self, count: usize) -> bool {
        debug_assert!(count.is_multiple_of(CHUNK), "{count} pages are no whole chunks");
        if count > self.limit - self.total {
            return false;
        }
        let new = Run { start: self.total, count };
        let chunks = new.end() / CHUNK;
        if !(self.chunks.grow(chunks) && self.tree.grow(chunks) && self.idle.grow(new.end() / UNIT)) {
            return false;
        }
        self.total = new.end();
        self.put(new, true);
        true
    }

    /// Takes the first `count` free pages in a row that start at a multiple of `align`, a power of two. Tells too
    /// whether they all read as zeros. `None`: there is no such run; with an `align` above 1, none may be found unless
    /// one is as long as `count + align - 1`.
    pub(crate) fn alloc(&mut self, count: usize, align: usize) -> Option<(Run, bool)> {
        debug_assert!(count != 0 && align.is_power_of_two(), "{count} pages at a multiple of {align}");
        let start = self.find(count, align)?;
        let run = Run { start, count };
        // A single page was the first free one, wherever it was found.
        if start == self.lowest || (count == 1 && align == 1) {
            self.lowest = run.end();
        }
        Some((run, self.take_to_use(run)))
    }

    /// Takes the `more` pages behind `run`, which is in use, as well, if they are free. Tells whether these all read as
    /// zeros.
    pub(crate) fn extend(&mut self, run: Run, more: usize) -> Option<bool> {
        let wanted = Run { start: run.end(), count: more };
        let chunks = self.chunks.as_slice();
        let are_free = wanted.end() <= self.total
            && pieces(wanted).all(|piece| chunks[piece.chunk].free.contains_all(piece.pages));
        are_free.then(|| self.take_to_use(wanted))
    }

    /// Frees a run, which may be a part of one that was allocated.
    pub(crate) fn free(&mut self, run: Run) {
        self.give_up(run, false);
    }

    /// 100 ms have passed.
    pub(crate) fn tick(&mut self) {
        self.idle.tick();
    }

    /// For the scavenger: takes out, as if allocated, a run of at most `at_most` free pages that is worth being given
    /// back to the kernel and has not been, in whole pages of the kernel. Whole units first, the highest ones, for
    /// which `at_most` must let one pass; then fragments. See the [module](self). The run comes back through
    /// [`put_released`](Self::put_released), or through [`free`](Self::free) when the kernel did not take it.
    pub(crate) fn take_idle(&mut self, at_most: usize) -> Option<Run> {
        let run = self.idle.whole_units(at_most).or_else(|| self.idle.fragment(self.chunks.as_slice(), at_most))?;
        self.take(run);
        Some(run)
    }

    /// Frees a run from [`take_idle`](Self::take_idle) that the kernel has back.
    pub(crate) fn put_released(&mut self, run: Run) {
        self.give_up(run, true);
    }

    /// How many pages there are. At no cost.
    pub(crate) fn counts(&self) -> Counts {
        Counts { total: self.total, in_use: self.total - self.free, free: self.free, released: self.released }
    }

    /// Where the first fit starts.
    fn find(&self, count: usize, align: usize) -> Option<usize> {
        let mut from = self.lowest;
        for _ in 0..TRIES {
            let start = self.tree.find(self.chunks.as_slice(), count, from)?;
            from = start.next_multiple_of(align);
            if start == from {
                return Some(start);
            }
        }
        let start = self.tree.find(self.chunks.as_slice(), count + align - 1, from)?;
        Some(start.next_multiple_of(align))
    }

    /// Takes free pages, which are going to be written. Returns whether they all were released.
    fn take_to_use(&mut self, run: Run) -> bool {
        self.idle.touch(run);
        self.take(run)
    }

    /// Takes free pages. Returns whether they all were released.
    fn take(&mut self, run: Run) -> bool {
        let (mut released, mut changed) = (0, false);
        let chunks = self.chunks.as_mut_slice();
        for Piece { unit, chunk: index, pages } in pieces(run) {
            let chunk = &mut chunks[index];
            let released_here = chunk.released.remove(pages.clone());
            chunk.free.remove(pages.clone());
            released += released_here;
            self.idle.taken(unit, pages.len(), released_here);
            changed |= self.tree.taken(index, &chunk.free, pages);
        }
        if changed {
            self.tree.update_above(run.chunks());
        }
        self.free -= run.count;
        self.released -= released;
        released == run.count
    }

    /// Puts back pages in use. Aborts when they are not.
    fn give_up(&mut self, run: Run, released: bool) {
        let Run { start, count } = run;
        if start.checked_add(count).is_none_or(|end| end > self.total) {
            fatal!("{count} pages from page {start} on are freed, of a heap of {} pages", self.total);
        }
        let chunks = self.chunks.as_slice();
        for Piece { chunk, pages, .. } in pieces(run) {
            if let Some(free) = chunks[chunk].free.first_in(pages) {
                fatal!(
                    "{count} pages from page {start} on are freed, of which page {} is free already",
                    chunk * CHUNK + free
                );
            }
        }
        self.lowest = self.lowest.min(start);
        self.put(run, released);
    }

    /// Makes pages free that are not.
    fn put(&mut self, run: Run, released: bool) {
        let mut changed = false;
        let chunks = self.chunks.as_mut_slice();
        for Piece { unit, chunk: index, pages } in pieces(run) {
            let chunk = &mut chunks[index];
            if released {
                chunk.released.insert(pages.clone());
            }
            chunk.free.insert(pages.clone());
            self.idle.put(unit, pages.len(), released);
            changed |= self.tree.put(index, &chunk.free, pages);
        }
        if changed {
            self.tree.update_above(run.chunks());
        }
        self.free += run.count;
        if released {
            self.released += run.count;
        }
    }
}

impl Run {
    pub(crate) fn end(self) -> usize {
        self.start + self.count
    }

    /// The chunks that it touches.
    fn chunks(self) -> Range<usize> {
        self.start / CHUNK..self.end().div_ceil(CHUNK)
    }

    /// The units that it touches.
    fn units(self) -> Range<usize> {
        self.start / UNIT..self.end().div_ceil(UNIT)
    }
}

/// The part of a run that lies in one unit.
struct Piece {
    unit: usize,
    chunk: usize,
    /// Counted from the start of the chunk.
    pages: Range<usize>,
}

fn pieces(run: Run) -> impl Iterator<Item = Piece> {
    debug_assert!(run.count != 0, "no pages from page {} on", run.start);
    run.units().map(move |unit| {
        let chunk = unit * UNIT / CHUNK;
        let (start, end) = (run.start.max(unit * UNIT), run.end().min((unit + 1) * UNIT));
        Piece { unit, chunk, pages: start - chunk * CHUNK..end - chunk * CHUNK }
    })
}
