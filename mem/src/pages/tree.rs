//! The tree above the chunks, in which a run is found without looking at every chunk.
//!
//! A summary tells of a stretch of pages how long the free run at its start is, the longest one anywhere, and the one
//! at its end. The lowest level has one for each chunk, and each above one for eight of the one below: a node's eight
//! are a cache line. The topmost, of 2 GiB each, is a mere array: 512 of them for a TiB, of which a search reads those
//! from the lowest free page on. One level more would add a line to each of the other searches, for a heap that few
//! have.
//!
//! A search moves upwards while it finds nothing and downwards when it knows that the run is below. It carries along
//! the length of the run that ends where it is, so runs across chunks, and across nodes, are found like others.
//!
//! A change makes new summaries of its chunks, and of the nodes above until a level stays as it was, which is soon: a
//! few pages more or less are seldom the longest run of 32 MiB.

use std::fmt;
use std::ops::Range;

use crate::fatal;
use crate::vast::{Vast, Zeroed};

use super::bits::Bits;
use super::{CHUNK, Chunk};

const LEVELS: usize = 4;
const TOP: usize = LEVELS - 1;
const FAN_OUT: usize = 8;

/// See the [module](self).
pub(super) struct Tree([Vast<Summary>; LEVELS]);

/// The lengths of free runs in a stretch of pages: at its start, anywhere, at its end. 21 bits each are more than the
/// 19 that 2 GiB need.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Summary(u64);
// SAFETY: zero tells of no free pages.
unsafe impl Zeroed for Summary {}

/// How many pages a summary of this level covers.
const fn stretch(level: usize) -> usize {
    CHUNK * FAN_OUT.pow(level as u32)
}

/// How many summaries a level has above so many chunks, in whole nodes.
fn len(level: usize, chunks: usize) -> usize {
    chunks.div_ceil(stretch(level) / CHUNK).next_multiple_of(FAN_OUT)
}

impl Tree {
    pub(super) fn new(chunks: usize) -> Option<Tree> {
        let level = |level| Vast::reserve(len(level, chunks));
        Some(Tree([level(0)?, level(1)?, level(2)?, level(3)?]))
    }

    #[must_use]
    pub(super) fn grow(&mut self, chunks: usize) -> bool {
        self.0.iter_mut().enumerate().all(|(level, summaries)| summaries.grow(len(level, chunks)))
    }

    /// Where the first `count` free pages in a row start, none of them before page `from`.
    pub(super) fn find(&self, chunks: &[Chunk], count: usize, from: usize) -> Option<usize> {
        let first = from / CHUNK;
        let here = chunks.get(first)?.free.since(from % CHUNK);
        if let Some(found) = here.first_run(count) {
            return Some(first * CHUNK + found);
        }
        // The length of the run that ends where the stretch begins.
        let mut run = here.run_below(CHUNK);
        let (mut level, mut index) = above(0, first + 1);
        loop {
            let summary = *self.0[level].as_slice().get(index)?;
            if run + summary.at_start() >= count {
                return Some(index * stretch(level) - run);
            }
            if summary.longest() < count {
                run = if summary.at_start() == stretch(level) { run + stretch(level) } else { summary.at_end() };
                (level, index) = above(level, index + 1);
            } else if level > 0 {
                (level, index) = (level - 1, index * FAN_OUT);
            } else if let Some(found) = chunks[index].free.first_run(count) {
                return Some(index * CHUNK + found);
            } else {
                fatal!("chunk {index} has no {count} free pages in a row, its summary says {}", summary.longest());
            }
        }
    }

    /// Pages of a chunk have been put into `free`. Returns whether its summary has changed.
    pub(super) fn put(&mut self, chunk: usize, free: &Bits, pages: Range<usize>) -> bool {
        let old = self.0[0].as_slice()[chunk];
        self.set(0, chunk, old.after_put(free, pages))
    }

    /// Pages of a chunk have been taken out of `free`. Returns whether its summary has changed.
    pub(super) fn taken(&mut self, chunk: usize, free: &Bits, pages: Range<usize>) -> bool {
        let old = self.0[0].as_slice()[chunk];
        self.set(0, chunk, old.after_take(free, pages))
    }

    /// Follows changes in the summaries of these chunks.
    pub(super) fn update_above(&mut self, mut range: Range<usize>) {
        for level in 1..LEVELS {
            let mut changed = false;
            range = range.start / FAN_OUT..range.end.div_ceil(FAN_OUT);
            for index in range.clone() {
                changed |= self.set(level, index, self.merged(level, index));
            }
            if !changed {
                break;
            }
        }
    }

    /// Returns whether it was another one.
    fn set(&mut self, level: usize, index: usize, summary: Summary) -> bool {
        std::mem::replace(&mut self.0[level].as_mut_slice()[index], summary) != summary
    }

    /// What a summary above the lowest level should be, by those below it.
    fn merged(&self, level: usize, index: usize) -> Summary {
        let node = &self.0[level - 1].as_slice()[index * FAN_OUT..][..FAN_OUT];
        let (mut at_start, mut longest, mut run) = (None, 0, 0);
        for summary in node {
            let reach = run + summary.at_start();
            longest = longest.max(reach).max(summary.longest());
            if summary.at_start() == stretch(level - 1) {
                run = reach;
            } else {
                at_start.get_or_insert(reach);
                run = summary.at_end();
            }
        }
        Summary::new(at_start.unwrap_or(run), longest, run)
    }

    /// Aborts when a summary is not what it should be.
    pub(super) fn verify(&self, chunks: &[Chunk]) {
        for (level, summaries) in self.0.iter().enumerate() {
            for (index, &summary) in summaries.as_slice()[..len(level, chunks.len())].iter().enumerate() {
                let should = match level {
                    0 => chunks.get(index).map_or(Summary(0), |chunk| chunk.free.summary()),
                    _ if index * FAN_OUT < len(level - 1, chunks.len()) => self.merged(level, index),
                    _ => Summary(0),
                };
                if summary != should {
                    let (start, end) = (index * stretch(level), (index + 1) * stretch(level));
                    fatal!("pages {start}..{end} have free runs of {should} pages, their summary says {summary}");
                }
            }
        }
    }
}

/// The highest summary that begins where this one does.
fn above(mut level: usize, mut index: usize) -> (usize, usize) {
    while level < TOP && index.is_multiple_of(FAN_OUT) {
        (level, index) = (level + 1, index / FAN_OUT);
    }
    (level, index)
}

impl Summary {
    const BITS: u32 = 21;

    pub(super) fn new(at_start: usize, longest: usize, at_end: usize) -> Summary {
        Summary(at_start as u64 | (longest as u64) << Self::BITS | (at_end as u64) << (2 * Self::BITS))
    }

    /// A chunk's, after pages have been put into `free`. Only the run in which they now lie is looked at.
    fn after_put(self, free: &Bits, pages: Range<usize>) -> Summary {
        let (below, above) = (free.run_below(pages.start), free.run_from(pages.end));
        let run = below + pages.len() + above;
        let at_start = if below == pages.start { run } else { self.at_start() };
        let at_end = if pages.end + above == CHUNK { run } else { self.at_end() };
        Summary::new(at_start, self.longest().max(run), at_end)
    }

    /// A chunk's, after pages have been taken out of `free`. Only if the run in which they lay may have been the
    /// longest, is there more to look at than what is left of it.
    fn after_take(self, free: &Bits, pages: Range<usize>) -> Summary {
        let (below, above) = (free.run_below(pages.start), free.run_from(pages.end));
        if below + pages.len() + above == self.longest() {
            return free.summary();
        }
        let at_start = if below == pages.start { below } else { self.at_start() };
        let at_end = if pages.end + above == CHUNK { above } else { self.at_end() };
        Summary::new(at_start, self.longest(), at_end)
    }

    pub(super) fn at_start(self) -> usize {
        self.field(0)
    }

    pub(super) fn longest(self) -> usize {
        self.field(1)
    }

    pub(super) fn at_end(self) -> usize {
        self.field(2)
    }

    fn field(self, n: u32) -> usize {
        (self.0 >> (n * Self::BITS)) as usize & ((1 << Self::BITS) - 1)
    }
}

/// For reports: the first run, the longest, the last.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (first), {} (longest) and {} (last)", self.at_start(), self.longest(), self.at_end())
    }
}
