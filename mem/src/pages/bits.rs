//! A set of the pages of one chunk, a bit each, and how runs are found in it a word at a time.

use std::ops::Range;

use super::CHUNK;
use super::tree::Summary;

const WORD: usize = u64::BITS as usize;

/// A set of pages, which are counted from the start of their chunk.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Bits([u64; CHUNK / WORD]);

impl Bits {
    #[cfg(test)]
    pub(super) const EMPTY: Bits = Bits([0; CHUNK / WORD]);

    /// Puts pages in.
    pub(super) fn insert(&mut self, pages: Range<usize>) {
        for (word, mask) in masks(pages) {
            self.0[word] |= mask;
        }
    }

    /// Takes pages out. Returns how many of them were in.
    pub(super) fn remove(&mut self, pages: Range<usize>) -> usize {
        let mut removed = 0;
        for (word, mask) in masks(pages) {
            removed += (self.0[word] & mask).count_ones() as usize;
            self.0[word] &= !mask;
        }
        removed
    }

    /// How many of the pages are in.
    pub(super) fn count(&self, pages: Range<usize>) -> usize {
        masks(pages).map(|(word, mask)| (self.0[word] & mask).count_ones() as usize).sum()
    }

    /// Whether the pages are all in.
    pub(super) fn contains_all(&self, pages: Range<usize>) -> bool {
        masks(pages).all(|(word, mask)| self.0[word] & mask == mask)
    }

    /// The first of the pages that is in.
    pub(super) fn first_in(&self, pages: Range<usize>) -> Option<usize> {
        let (word, found) =
            masks(pages).map(|(word, mask)| (word, self.0[word] & mask)).find(|&(_, found)| found != 0)?;
        Some(word * WORD + found.trailing_zeros() as usize)
    }

    /// The first page that is in this set, but not in the other one.
    pub(super) fn first_outside(&self, other: &Bits) -> Option<usize> {
        let word = self.0.iter().zip(&other.0).position(|(&word, &other)| word & !other != 0)?;
        Some(word * WORD + (self.0[word] & !other.0[word]).trailing_zeros() as usize)
    }

    /// The last run in the set of which all pages are below `end`.
    pub(super) fn last_run(&self, end: usize) -> Option<Range<usize>> {
        let last = last_below(&self.0, end)?;
        Some(last - self.run_below(last)..last + 1)
    }

    /// The length of the run that ends below page `end`.
    pub(super) fn run_below(&self, end: usize) -> usize {
        let mut at = end;
        while at > 0 {
            let below = (at - 1) % WORD + 1;
            let ones = (self.0[(at - 1) / WORD] << (WORD - below)).leading_ones() as usize;
            at -= ones;
            if ones < below {
                break;
            }
        }
        end - at
    }

    /// The length of the run that begins with page `start`.
    pub(super) fn run_from(&self, start: usize) -> usize {
        let mut at = start;
        while at < CHUNK {
            let ones = (self.0[at / WORD] >> (at % WORD)).trailing_ones() as usize;
            at += ones;
            if !at.is_multiple_of(WORD) || ones == 0 {
                break;
            }
        }
        at - start
    }

    /// Those from page `start` on.
    pub(super) fn since(&self, start: usize) -> Bits {
        let mut since = *self;
        since.0[..start / WORD].fill(0);
        since.0[start / WORD] &= u64::MAX << (start % WORD);
        since
    }

    /// Where the first `count` pages in a row start.
    pub(super) fn first_run(&self, count: usize) -> Option<usize> {
        // The run that ends where the word begins.
        let mut run = 0;
        for (base, &word) in (0..).step_by(WORD).zip(&self.0) {
            if run + word.trailing_ones() as usize >= count {
                return Some(base - run);
            }
            if word == u64::MAX {
                run += WORD;
                continue;
            }
            let starts = starts_of_runs(word, count);
            if starts != 0 {
                return Some(base + starts.trailing_zeros() as usize);
            }
            run = word.leading_ones() as usize;
        }
        None
    }

    /// The lengths of the runs.
    pub(super) fn summary(&self) -> Summary {
        let (mut at_start, mut longest, mut run) = (None, 0, 0);
        for &word in &self.0 {
            let reach = run + word.trailing_ones() as usize;
            longest = longest.max(reach);
            if word == u64::MAX {
                run = reach;
                continue;
            }
            at_start.get_or_insert(reach);
            longest = longest_run(word, longest);
            run = word.leading_ones() as usize;
        }
        Summary::new(at_start.unwrap_or(run), longest, run)
    }

    /// The pages that are in `self`, not in `without`, counted by groups of `group` pages (a power of two, 64 at most):
    /// all of a group, if all are in `self` and any is not in `without`; else none.
    pub(super) fn groups(&self, without: &Bits, group: usize) -> Bits {
        let first_of_each = u64::MAX / (u64::MAX >> (WORD - group));
        let mut groups = *self;
        for (word, without) in groups.0.iter_mut().zip(&without.0) {
            let all = starts_of_runs(*word, group);
            let any = !starts_of_runs(*without, group);
            *word = (all & any & first_of_each) * (u64::MAX >> (WORD - group));
        }
        groups
    }
}

/// The highest number below `end` in a set that is an array of words.
pub(super) fn last_below(set: &[u64], end: usize) -> Option<usize> {
    let last = end.checked_sub(1)?;
    let (mut word, mut mask) = (last / WORD, u64::MAX >> (WORD - 1 - last % WORD));
    loop {
        let found = set[word] & mask;
        if found != 0 {
            return Some(word * WORD + found.ilog2() as usize);
        }
        (word, mask) = (word.checked_sub(1)?, u64::MAX);
    }
}

/// The words in which a range, not an empty one, lies, and the bits that it has there.
fn masks(range: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
    let last = range.end - 1;
    (range.start / WORD..=last / WORD).map(move |word| {
        let from = if word == range.start / WORD { range.start % WORD } else { 0 };
        let to = if word == last / WORD { last % WORD } else { WORD - 1 };
        (word, (u64::MAX << from) & (u64::MAX >> (WORD - 1 - to)))
    })
}

/// The bits with which `count` ones in a row begin.
fn starts_of_runs(mut word: u64, count: usize) -> u64 {
    if count > WORD {
        return 0;
    }
    let mut len = 1;
    while len < count {
        let step = len.min(count - len);
        word &= word >> step;
        len += step;
    }
    word
}

/// The length of the longest run of ones in a word, or `known`, whichever is more.
fn longest_run(word: u64, known: usize) -> usize {
    let mut longest = known;
    let mut longer = starts_of_runs(word, known + 1);
    while longer != 0 {
        longest += 1;
        longer &= longer >> 1;
    }
    longest
}
