//! A span: a run of pages that holds blocks of one size, and what is known of it.
//!
//! Spans are type-stable: made in persistent memory, reused, never freed. So whoever finds one through the page table may look at it, even if its
//! pages are given back just then. It sees so by the state word, which is read first and once more at the end, as of a sequence lock:
//!
//! ```text
//!   reader                                   owner
//!   1 state: generation 7, alive
//!                                            2 state := dead; pages go; the span is used for others
//!                                            3 start, pages, … := new; state := generation 8, alive
//!   4 reads start, pages, … of either
//!   5 state is not what it was: there is no such block
//! ```

use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering, fence};

use super::class::{Class, MOST};
use super::collected::{Origin, OriginCell};
use super::profile::Sample;
use crate::PAGE;
use crate::tagged_stack::Node;
use crate::vacancies::Vacancies;

/// What a span holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Blocks of a class.
    Small(Class),
    /// One block that has its pages for itself.
    Single,
    /// One collected object that has its pages for itself.
    Collected(Origin),
}

/// What a span is, at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) kind: Kind,
    /// Its address.
    pub(crate) start: usize,
    pub(crate) pages: usize,
    /// The size of a block, in bytes.
    pub(crate) block: usize,
    /// How many blocks there are.
    pub(crate) blocks: usize,
}

const ALIVE: u32 = 1;
const SINGLE: u32 = u32::MAX;
const COLLECTED: u32 = SINGLE - 1;

/// See the [module](self).
#[repr(align(64))]
pub(crate) struct Span {
    /// Bit 0: it is alive. Above: a generation, which each use has its own of.
    state: AtomicU32,
    /// The class, or `SINGLE`, or `COLLECTED`.
    class: AtomicU32,
    reciprocal: AtomicU32,
    blocks: AtomicU32,
    start: AtomicUsize,
    pages: AtomicUsize,
    block: AtomicUsize,
    /// In the stack of spans that are not used.
    next: AtomicPtr<Span>,
    /// Which blocks are free; of a single one nothing.
    pub(crate) vacancies: Vacancies<{ MOST / 64 }>,
    /// Of a single block: whether it has been sampled.
    pub(crate) sample: Sample,
    /// Of a collected object: what it is.
    origin: OriginCell,
    /// Of a collected object: how often it has been pinned.
    pub(crate) pins: AtomicUsize,
}

impl Node for Span {
    fn next(&self) -> &AtomicPtr<Span> {
        &self.next
    }
}

impl Span {
    pub(crate) fn new() -> Span {
        Span {
            state: AtomicU32::new(0),
            class: AtomicU32::new(0),
            reciprocal: AtomicU32::new(0),
            blocks: AtomicU32::new(0),
            start: AtomicUsize::new(0),
            pages: AtomicUsize::new(0),
            block: AtomicUsize::new(0),
            next: AtomicPtr::default(),
            vacancies: Vacancies::new(),
            sample: Sample::none(),
            origin: OriginCell::new(),
            pins: AtomicUsize::new(0),
        }
    }

    /// Makes a dead span one of these pages, with all blocks free and the caller as the holder.
    pub(crate) fn begin(&self, start: usize, pages: usize, kind: Kind) {
        let (class, block, blocks, reciprocal) = match kind {
            Kind::Small(class) => {
                let shape = class.shape();
                (class.index() as u32, shape.size, shape.blocks, shape.reciprocal)
            }
            Kind::Single => (SINGLE, pages * PAGE, 1, 0),
            Kind::Collected(_) => (COLLECTED, pages * PAGE, 1, 0),
        };
        // Release pairs with the acquire fence in `view`: who reads any of what follows also sees that the state is no more what it was.
        fence(Ordering::Release);
        // Relaxed, all: the state is stored last.
        self.class.store(class, Ordering::Relaxed);
        self.reciprocal.store(reciprocal, Ordering::Relaxed);
        self.blocks.store(blocks as u32, Ordering::Relaxed);
        self.start.store(start, Ordering::Relaxed);
        self.pages.store(pages, Ordering::Relaxed);
        self.block.store(block, Ordering::Relaxed);
        self.vacancies.reset(blocks);
        if let Kind::Collected(origin) = kind {
            self.origin.set(origin);
            self.pins.store(0, Ordering::Relaxed);
        }
        let state = self.state.load(Ordering::Relaxed);
        debug_assert_eq!(state & ALIVE, 0);
        // Release pairs with the acquire in `view`.
        self.state.store(state | ALIVE, Ordering::Release);
    }

    /// Ends it: its pages may be used otherwise from now on. Returns false if somebody has ended it already.
    #[must_use]
    pub(crate) fn end(&self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        // The generation goes on by one, and the span is not alive. AcqRel: of two who end it, which is a double free, one sees that.
        let ended = (state & !ALIVE).wrapping_add(2);
        state & ALIVE != 0 && self.state.compare_exchange(state, ended, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// What it is, if it is alive: safe at any time.
    pub(crate) fn view(&self) -> Option<View> {
        // Acquire pairs with the release in `begin`: what is read below is of this generation or a later one.
        let state = self.state.load(Ordering::Acquire);
        if state & ALIVE == 0 {
            return None;
        }
        let view = self.view_held();
        // Acquire pairs with the release fence in `begin`.
        fence(Ordering::Acquire);
        (self.state.load(Ordering::Relaxed) == state).then_some(view)
    }

    /// What it is, for who has a block of it, or holds it: it stays that.
    pub(crate) fn view_held(&self) -> View {
        // Relaxed, all: the caller got the block or the span from somebody who had seen it begin, or is `view`.
        let kind = match self.class.load(Ordering::Relaxed) {
            SINGLE => Kind::Single,
            COLLECTED => Kind::Collected(self.origin.get()),
            class => Kind::Small(Class::at(class as usize)),
        };
        View {
            kind,
            start: self.start.load(Ordering::Relaxed),
            pages: self.pages.load(Ordering::Relaxed),
            block: self.block.load(Ordering::Relaxed),
            blocks: self.blocks.load(Ordering::Relaxed) as usize,
        }
    }

    /// Changes the number of pages of a single block, by whom it belongs to.
    pub(crate) fn resize(&self, pages: usize) {
        // Relaxed: readers see the old size or the new, and both were true.
        self.pages.store(pages, Ordering::Relaxed);
        self.block.store(pages * PAGE, Ordering::Relaxed);
    }

    /// Which block of a span of a class is at an address within it, and how far into the block the address is.
    #[inline]
    pub(crate) fn block_at(&self, address: usize) -> (usize, usize) {
        // Relaxed, all: as in `view_held`.
        let offset = address - self.start.load(Ordering::Relaxed);
        let block = ((offset as u64 * self.reciprocal.load(Ordering::Relaxed) as u64) >> 32) as usize;
        (block, offset - block * self.block.load(Ordering::Relaxed))
    }

    /// Which block of a span of a class begins at an address within it, if one does.
    #[inline]
    pub(crate) fn block_beginning_at(&self, address: usize) -> Option<usize> {
        let (block, inside) = self.block_at(address);
        // Relaxed: as in `view_held`.
        (inside == 0 && block < self.blocks.load(Ordering::Relaxed) as usize).then_some(block)
    }

    /// Whether it is a span of this class, for who has a block of it.
    #[inline]
    pub(crate) fn is_of(&self, class: Class) -> bool {
        // Relaxed: as in `view_held`.
        self.class.load(Ordering::Relaxed) == class.index() as u32
    }
}
