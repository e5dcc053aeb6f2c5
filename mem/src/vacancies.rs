//! Which blocks of a span are free: a bit each, which any thread may set, and the claim that decides whose the set bits are.
//!
//! A block is freed by setting its bit, on whatever thread, and allocated by clearing it. Only the **holder** of the span clears bits. The holder is
//! the thread whose cache has it, or that has just popped it from the set of spans with free blocks. The word beside the bits is the claim, and a
//! count:
//!
//! ```text
//!   bit 0      CLAIMED: somebody sees to this span: it is held, or in the set (or on the way)
//!   bits 1..   the count of the bits that are set, once nobody is in the middle of something; it may wrap below zero for a moment
//! ```
//!
//! - Who frees sets the bits, then adds to the count and, in the same step, claims the span if nobody has; then it puts it into the set.
//! - The holder clears bits, then takes them off the count. When it finds no more, it gives the claim up, by a CAS from a claim and zero. If that
//!   fails there is something again, or will be at once; the claim stays and the span goes into the set.
//!
//! So no span that has a free block is without somebody who sees to it:
//!
//! ```text
//!   free, thread A                       holder, thread B
//!   1 bit := 1
//!                                        2 sees the bit, clears it; count -= 1 (to -1)
//!                                        3 sees no more bits; CAS (0, CLAIMED) → (0, -) fails: it is (-1, CLAIMED)
//!                                        4 puts the span into the set, where the next one finds nothing, or some
//!   5 count += 1 (to 0), is CLAIMED: done
//! ```
//!
//! Were the count raised first, the holder could see a count and no bit; were there no count, whoever gives the claim up would need a look at all
//! bits behind a full fence. A span whose count says that every block is free is free as a whole: nobody is in the middle of freeing one
//! (it would not be counted yet), nobody has one that could be freed. So its holder may make it another span at once: that is why the claim comes
//! with the count. Who counted first and claimed afterwards could claim, by then, what has become of it.
//!
//! A bit that is set already belongs to a block that is freed twice.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};

const CLAIMED: u32 = 1;
const ONE: u32 = 2;

/// See the [module](self).
pub(crate) struct Vacancies<const WORDS: usize> {
    claim: AtomicU32,
    bits: [AtomicU64; WORDS],
}

impl<const WORDS: usize> Vacancies<WORDS> {
    /// No block at all, and nobody's.
    pub(crate) fn new() -> Self {
        Vacancies { claim: AtomicU32::new(0), bits: std::array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// Makes the first `blocks` free, and the caller the holder.
    ///
    /// The span must be the caller's alone.
    pub(crate) fn reset(&self, blocks: usize) {
        for (word, bits) in self.bits.iter().enumerate() {
            let here = blocks.saturating_sub(word * 64).min(64);
            // Relaxed, as below: the span is published to others by what hands out its blocks.
            bits.store(lowest(here), Ordering::Relaxed);
        }
        self.claim.store(CLAIMED + ONE * blocks as u32, Ordering::Relaxed);
    }

    /// Frees the blocks of `mask` in a word. Returns those of them that were free already. [`add`](Self::add) is to follow.
    #[inline]
    pub(crate) fn set(&self, word: usize, mask: u64) -> u64 {
        // Release pairs with the acquire in `take`: what was done with a block comes before what its next owner does with it. Acquire lets
        // a report of a double free see the first.
        self.bits[word].fetch_or(mask, Ordering::AcqRel) & mask
    }

    /// Counts `freed` blocks.
    #[inline]
    pub(crate) fn add(&self, freed: u32) -> Added {
        // Relaxed, and on failure: the exchange decides.
        let mut before = self.claim.load(Ordering::Relaxed);
        loop {
            let after = before.wrapping_add(ONE * freed) | CLAIMED;
            // AcqRel pairs with the others of this word: whoever sees the count, and above all that all are free, sees the bits.
            match self.claim.compare_exchange_weak(before, after, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Added { count: after / ONE, claimed: before & CLAIMED == 0 },
                Err(now) => before = now,
            }
        }
    }

    /// For the holder: allocates up to `wanted` blocks, those with the lowest addresses, calling `each` with their numbers. Returns how many.
    #[inline]
    pub(crate) fn take(&self, wanted: usize, mut each: impl FnMut(usize)) -> usize {
        let mut left = wanted;
        for (word, bits) in self.bits.iter().enumerate() {
            if left == 0 {
                break;
            }
            // Relaxed: only the holder clears bits, so those that are seen stay; the acquire is below.
            let mut mask = bits.load(Ordering::Relaxed);
            if mask == 0 {
                continue;
            }
            while mask.count_ones() as usize > left {
                mask &= !(1 << mask.ilog2());
            }
            // Acquire pairs with the release in `set`.
            bits.fetch_and(!mask, Ordering::AcqRel);
            left -= mask.count_ones() as usize;
            while mask != 0 {
                each(word * 64 + mask.trailing_zeros() as usize);
                mask &= mask - 1;
            }
        }
        let taken = wanted - left;
        if taken != 0 {
            // AcqRel as in `add`.
            self.claim.fetch_sub(ONE * taken as u32, Ordering::AcqRel);
        }
        taken
    }

    /// For the holder, who found nothing more: gives the claim up and returns true, or returns false if there is, or will be, something; the caller
    /// then still has the claim.
    pub(crate) fn give_up(&self) -> bool {
        // Release hands the span to whoever claims it next; Acquire pairs with the additions that made the count zero.
        self.claim.compare_exchange(CLAIMED, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// How many blocks are free: exact for the holder of a span whose blocks are all free, otherwise a moment's value.
    pub(crate) fn count(&self) -> usize {
        // Acquire pairs with `add`: if all are free, what was done with them is seen.
        (self.claim.load(Ordering::Acquire) / ONE) as usize
    }

    /// Whether somebody sees to the span.
    pub(crate) fn is_claimed(&self) -> bool {
        // Relaxed: for checks, while nobody changes it.
        self.claim.load(Ordering::Relaxed) & CLAIMED != 0
    }

    /// Whether a block is free.
    pub(crate) fn is_set(&self, block: usize) -> bool {
        // Acquire pairs with `set`.
        self.bits[block / 64].load(Ordering::Acquire) >> (block % 64) & 1 != 0
    }

    /// The number of bits that are set.
    pub(crate) fn ones(&self) -> usize {
        // Relaxed: a statistic.
        self.bits.iter().map(|bits| bits.load(Ordering::Relaxed).count_ones() as usize).sum()
    }
}

/// What came of freeing blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Added {
    /// How many are free now.
    pub(crate) count: u32,
    /// Whether the caller claimed the span, and so has to put it where it is found.
    pub(crate) claimed: bool,
}

fn lowest(count: usize) -> u64 {
    if count == 64 { u64::MAX } else { (1 << count) - 1 }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::{Arc, Mutex};
    use loom::thread;

    /// A span of two blocks, and the set that it is in or not.
    struct Model {
        vacancies: Vacancies<1>,
        in_set: Mutex<usize>,
        blocks: [UnsafeCell<u32>; 2],
    }

    impl Model {
        fn new(in_set: usize) -> Arc<Model> {
            let blocks = [UnsafeCell::new(0), UnsafeCell::new(0)];
            Arc::new(Model { vacancies: Vacancies::new(), in_set: Mutex::new(in_set), blocks })
        }

        /// Frees either block on a thread of its own.
        fn free_each(model: &Arc<Model>) -> [thread::JoinHandle<()>; 2] {
            [0, 1].map(|block| {
                let model = model.clone();
                thread::spawn(move || model.free(block))
            })
        }

        fn free(&self, block: usize) {
            self.blocks[block].with_mut(|_| {});
            assert_eq!(self.vacancies.set(0, 1 << block), 0);
            if self.vacancies.add(1).claimed {
                *self.in_set.lock().unwrap() += 1;
            }
        }

        /// Takes the span out of the set, if it is there, and all blocks that it has.
        fn allocate(&self) -> Vec<usize> {
            {
                let mut in_set = self.in_set.lock().unwrap();
                if *in_set == 0 {
                    return Vec::new();
                }
                *in_set -= 1;
            }
            let mut got = Vec::new();
            self.vacancies.take(2, |block| {
                self.blocks[block].with_mut(|_| {});
                got.push(block);
            });
            if !self.vacancies.give_up() {
                *self.in_set.lock().unwrap() += 1;
            }
            got
        }
    }

    /// Two threads free a block each while a third allocates: the span is never in the set twice, and never out of it with a free block.
    #[test]
    fn loom_a_span_with_free_blocks_is_seen_to() {
        loom::model(|| {
            let model = Model::new(0);
            let threads = Model::free_each(&model);
            let mut got = model.allocate();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(model.vacancies.is_claimed() as usize, *model.in_set.lock().unwrap());
            assert_eq!(model.vacancies.count(), 2 - got.len());
            got.extend(model.allocate());
            got.sort();
            assert_eq!(got, [0, 1]);
        });
    }

    /// All blocks are counted free only when nobody is in the middle of freeing one.
    #[test]
    fn loom_a_span_that_is_free_as_a_whole_is_nobodys() {
        loom::model(|| {
            let model = Model::new(1);
            model.vacancies.reset(2);
            model.vacancies.take(2, |_| {});
            let other = {
                let model = model.clone();
                thread::spawn(move || {
                    model.free(0);
                    model.free(1);
                })
            };
            if model.vacancies.count() == 2 {
                model.blocks.iter().for_each(|block| block.with_mut(|_| {}));
            }
            other.join().unwrap();
        });
    }

    /// A span that is free as a whole may become another one at once: of those who freed its blocks nobody is about to claim it still.
    #[test]
    fn loom_a_span_that_is_used_again_is_not_claimed_for_what_it_was() {
        loom::model(|| {
            let model = Model::new(0);
            model.vacancies.reset(2);
            model.vacancies.take(2, |_| {});
            assert!(model.vacancies.give_up());
            let threads = Model::free_each(&model);
            let is_in_set = std::mem::take(&mut *model.in_set.lock().unwrap()) != 0;
            let is_new = is_in_set && model.vacancies.count() == 2;
            if is_new {
                model.vacancies.reset(2);
                model.vacancies.take(2, |_| {});
                assert!(model.vacancies.give_up());
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(*model.in_set.lock().unwrap(), usize::from(!is_in_set));
            assert_eq!(model.vacancies.is_claimed(), !is_new);
        });
    }
}
