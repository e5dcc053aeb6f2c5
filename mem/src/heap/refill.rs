//! Between a cache and the spans: refilling a bin, and giving back what is in it.

use std::sync::atomic::Ordering;

use super::arena;
use super::cache::{Cache, Slot};
use super::central::Central;
use super::class::Class;
use super::report;
use super::span::Span;
use super::spans;

/// For a refill so many spans are looked at, when each has only a few free blocks.
const SPANS: usize = 8;

impl Cache {
    /// Fills an empty bin to a half, or less. Returns whether it got anything: `false` is no memory.
    pub(crate) fn refill(&self, class: Class) -> bool {
        let bin = self.bin(class);
        let room = bin.room();
        let wanted = room.len().div_ceil(2);
        // From the top down: popped, the blocks come in the order of their addresses.
        let mut lowest = wanted;
        let got = self.take(class, wanted, |address| {
            lowest -= 1;
            // Relaxed, here and below: the bin is this thread's.
            room[lowest].store(address as *mut u8, Ordering::Relaxed);
        });
        if lowest != 0 {
            move_down(&room[lowest..wanted], room);
        }
        bin.set_len(got);
        got != 0
    }

    /// Allocates up to `wanted` blocks, calling `each` with their addresses. Returns how many: 0 when there is no memory. A new span is made only
    /// when the others had nothing.
    pub(crate) fn take(&self, class: Class, wanted: usize, mut each: impl FnMut(usize)) -> usize {
        let mut got = 0;
        for _ in 0..SPANS {
            let Some(span) = self.held[class.index()].take().or_else(|| Central::of(class).take()) else { break };
            got += self.take_from(span, class, wanted - got, &mut each);
            if got >= wanted.div_ceil(2) {
                return got;
            }
        }
        match got {
            0 => spans::of_class(self, class).map_or(0, |span| self.take_from(span, class, wanted, &mut each)),
            some => some,
        }
    }

    /// Allocates up to `wanted` blocks of a span that it was handed, and holds it if there may be more.
    fn take_from(&self, span: &'static Span, class: Class, wanted: usize, each: &mut impl FnMut(usize)) -> usize {
        let view = span.view_held();
        let taken = span.vacancies.take(wanted, |block| each(view.start + block * view.block));
        if taken == wanted {
            self.held[class.index()].set(Some(span));
        } else if !span.vacancies.give_up() {
            // Somebody has just freed a block of it, or is in the middle of that.
            Central::of(class).put(span);
        }
        taken
    }

    /// Gives the older half of a full bin back.
    pub(crate) fn flush_half(&self, class: Class) {
        let half = self.bin(class).filled().len().div_ceil(2);
        self.flush(class, half);
    }

    /// Gives the `count` oldest blocks of a bin back.
    pub(crate) fn flush(&self, class: Class, count: usize) {
        let filled = self.bin(class).filled();
        let (old, young) = filled.split_at(count);
        // Relaxed, all: the bin is this thread's.
        give_back(class, old.iter().map(|slot| slot.load(Ordering::Relaxed).addr()));
        move_down(young, filled);
        self.bin(class).set_len(young.len());
    }

    /// Gives all back that the cache has.
    pub(crate) fn flush_all(&self) {
        for class in Class::all() {
            self.flush(class, self.bin(class).filled().len());
            if let Some(span) = self.held[class.index()].take() {
                Central::of(class).put(span);
                if span.vacancies.count() == class.shape().blocks {
                    Central::of(class).note_free();
                }
            }
        }
    }
}

/// Copies slots to where the others begin, further down in the same bin, which is the caller's.
fn move_down(from: &[Slot], to: &[Slot]) {
    for (to, from) in to.iter().zip(from) {
        // Relaxed: see above.
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Frees blocks of a class. Those of one span that follow on each other are freed together.
pub(crate) fn give_back(class: Class, blocks: impl Iterator<Item = usize>) {
    let mut batch: Option<Batch> = None;
    for address in blocks {
        let span = arena::span_at(address).filter(|span| span.is_of(class));
        let Some((span, block)) = span.and_then(|span| Some((span, span.block_beginning_at(address)?))) else {
            report::invalid_free(address, class.size());
        };
        let (word, bit) = (block / 64, 1 << (block % 64));
        match &mut batch {
            Some(batch) if std::ptr::eq(batch.span, span) => batch.add(word, bit),
            _ => {
                let next = Batch { class, span, word, mask: bit, freed: 0 };
                if let Some(done) = batch.replace(next) {
                    done.finish();
                }
            }
        }
    }
    if let Some(done) = batch {
        done.finish();
    }
}

/// Blocks of one span to be freed: those of a word of its bitmap, and how many of other words have been.
struct Batch {
    class: Class,
    span: &'static Span,
    word: usize,
    mask: u64,
    freed: u32,
}

impl Batch {
    #[inline]
    fn add(&mut self, word: usize, bit: u64) {
        if word != self.word {
            self.set();
            self.word = word;
            self.mask = 0;
        } else if self.mask & bit != 0 {
            // So that the report finds it free.
            self.set();
            report::double_free(self.span, word, bit);
        }
        self.mask |= bit;
    }

    fn set(&mut self) {
        let twice = self.span.vacancies.set(self.word, self.mask);
        if twice != 0 {
            report::double_free(self.span, self.word, twice);
        }
        self.freed += self.mask.count_ones();
    }

    fn finish(mut self) {
        self.set();
        let added = self.span.vacancies.add(self.freed);
        let central = Central::of(self.class);
        if added.claimed {
            central.put(self.span);
        }
        if added.count as usize == self.class.shape().blocks {
            central.note_free();
        }
    }
}
