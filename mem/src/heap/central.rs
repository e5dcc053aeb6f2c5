//! Per class, the spans that have free blocks and that no cache holds: what caches take when theirs are exhausted.
//!
//! They are in a [span set](crate::span_set). A span comes into it when the first of its blocks is freed that has been exhausted, and out when a
//! cache takes it. Exhausted spans are nowhere: who has a block finds its span by the page table.
//!
//! A span whose blocks have all been freed stays in the set, since nothing can be taken out of the middle of it. [`Central::release_free`] goes
//! round the set for those and gives their pages back: the scavenger does so a moment after there have been some, and whoever needs pages before the
//! heap grows.
//!
//! # Rejected
//! - *A lock and a list per class* (jemalloc, tcmalloc): the middle of a list can be reached, but refills on many processors wait for each other.
//! - *Go's four sets per class*, of swept and unswept, partial and full spans: blocks here are freed one by one, by who owns them, so that there is
//!   nothing to sweep and nobody who looks for full spans.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::class::{CLASSES, Class};
use super::span::Span;
use super::{scavenger, spans};
use crate::span_set::{Blocks, SpanSet};

/// See the [module](self).
pub(crate) struct Central {
    partial: SpanSet<Span>,
    /// About how many spans of the set have become free as a whole since somebody went round it.
    free: AtomicUsize,
}

/// The blocks of all the sets.
static BLOCKS: Blocks<Span> = Blocks::new();

static CENTRALS: [Central; CLASSES] =
    [const { Central { partial: SpanSet::new(&BLOCKS), free: AtomicUsize::new(0) } }; CLASSES];

impl Central {
    pub(crate) fn of(class: Class) -> &'static Central {
        &CENTRALS[class.index()]
    }

    /// A span that has free blocks, or had some just now; the caller holds it.
    pub(crate) fn take(&self) -> Option<&'static Span> {
        self.partial.pop()
    }

    /// Takes over the claim of a span that the caller holds.
    pub(crate) fn put(&self, span: &'static Span) {
        self.partial.push(span);
    }

    /// Notes that all blocks of a span are free that nobody holds.
    pub(crate) fn note_free(&self) {
        // SeqCst pairs with the load in `release_free`: see the scavenger's `wake`.
        self.free.fetch_add(1, Ordering::SeqCst);
        scavenger::wake();
    }

    /// About how many spans there are.
    pub(crate) fn len(&self) -> usize {
        self.partial.len()
    }

    /// Gives the pages of the spans back that are free as a whole, going round the set once, if they are at least one in `share`.
    pub(crate) fn release_free(&self, share: usize) {
        // SeqCst: as in `note_free`.
        let free = self.free.load(Ordering::SeqCst);
        if free == 0 || free.saturating_mul(share) < self.len() {
            return;
        }
        self.free.store(0, Ordering::Relaxed);
        for _ in 0..self.len() {
            let Some(span) = self.take() else {
                // The set has become empty, or a push is under way: what is behind it is looked at the next time.
                self.free.fetch_add(1, Ordering::Relaxed);
                return;
            };
            if span.vacancies.count() == span.view_held().blocks {
                spans::release(span);
            } else {
                self.put(span);
            }
        }
    }
}
