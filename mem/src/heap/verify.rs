//! Looking at the whole heap: whether everything is as the invariants say, while other threads go on.
//!
//! The gate is closed meanwhile, so that spans, sets and bitmaps stand still. What goes on is what threads do with their bins, which moves blocks
//! between them and the program and changes nothing that is looked at.

use super::arena::Region;
use super::central::Central;
use super::class::{CLASSES, Class};
use super::mode::Mode;
use super::report::Place;
use super::span::{Kind, Span, View};
use super::{arena, caches, check};
use crate::fatal;

/// What [`verify`] has looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Pages of 8 KiB, in use or not.
    pub pages: usize,
    /// Spans.
    pub spans: usize,
    /// Blocks of classes, free or not.
    pub blocks: usize,
}

/// Looks at all that the heap keeps about itself: every summary, table entry, bitmap, set and bin; and, if the heap
/// [checks](crate::Heap#errors), at the poison in each free block and the canary behind each other. A difference ends the process with the values.
///
/// ```
/// #[global_allocator]
/// static HEAP: sward_mem::Heap = sward_mem::Heap;
///
/// let blocks: Vec<_> = (0..1000).map(|n| vec![0u8; n]).collect();
/// let verified = sward_mem::verify();
/// assert!(verified.spans > 10 && verified.blocks > 1000);
/// # drop(blocks);
/// ```
///
/// Other threads may go on as long as their bins have something, and wait otherwise: some milliseconds for a gigabyte.
pub fn verify() -> Verified {
    let mut verified = Verified::default();
    if Mode::get() == Mode::Aside {
        return verified;
    }
    // From here on nothing may be allocated, or this thread waits for itself.
    let _closed = caches::close();
    let mut claimed = [0; CLASSES];
    for region in arena::regions() {
        let counts = region.with(|inner| {
            inner.pages.verify();
            inner.pages.counts()
        });
        let mut pages = 0;
        for (span, view) in region.spans() {
            pages += view.pages;
            verify_span(region, span, &view, &mut claimed);
            verified.spans += 1;
            verified.blocks += if let Kind::Small(_) = view.kind { view.blocks } else { 0 };
        }
        if pages != counts.in_use {
            fatal!("{pages} pages are part of spans, but {} are in use", counts.in_use);
        }
        verified.pages += counts.total;
    }
    for class in Class::all() {
        verify_class(class, claimed[class.index()]);
    }
    verified
}

fn verify_span(region: &'static Region, span: &'static Span, view: &View, claimed: &mut [usize; CLASSES]) {
    for page in 0..view.pages {
        let address = view.start + page * crate::PAGE;
        if !region.span_at(address).is_some_and(|other| std::ptr::eq(other, span)) {
            fatal!("page {page} of the span of {} at {:#x} is not in the table", view.pages, view.start);
        }
    }
    if let Kind::Small(class) = view.kind {
        let vacancies = &span.vacancies;
        let (ones, count) = (vacancies.ones(), vacancies.count());
        if ones != count || ones > view.blocks || (ones != 0 && !vacancies.is_claimed()) {
            fatal!(
                "the span of {} blocks of {} bytes at {:#x} has {ones} free ones and counts {count}, claimed: {}",
                view.blocks,
                view.block,
                view.start,
                vacancies.is_claimed(),
            );
        }
        claimed[class.index()] += vacancies.is_claimed() as usize;
    }
    if Mode::get().checks() {
        check::verify(span, view);
    }
}

/// Whether as many spans as are claimed are where claimed ones are, and what is in the bins is blocks that are not free.
fn verify_class(class: Class, claimed: usize) {
    let held = caches::all().filter(|cache| cache.holds(class)).count();
    let central = Central::of(class).len();
    if held + central != claimed {
        fatal!(
            "{claimed} spans of {} bytes are claimed, {held} of them by caches and {central} by the set",
            class.size()
        );
    }
    for slot in caches::all().flat_map(|cache| cache.bin(class).filled()) {
        // Relaxed: its owner may take it just now, and it is a block of the class all the same.
        let address = slot.load(std::sync::atomic::Ordering::Relaxed).addr();
        let span = arena::span_at(address).filter(|span| span.is_of(class));
        let is_block =
            |span: &Span| span.block_beginning_at(address).is_some_and(|block| !span.vacancies.is_set(block));
        if !span.is_some_and(is_block) {
            fatal!("{address:#x} is kept at hand as a block of {} bytes: {}", class.size(), Place(address));
        }
    }
}
