//! Making and ending spans: pages from a region, records that are used again.

use std::alloc::Layout;
use std::{ptr, slice};

use super::arena::{self, HEAP, Region, SAMPLED};
use super::cache::Cache;
use super::central::Central;
use super::check;
use super::class::Class;
use super::collected::Origin;
use super::mode::Mode;
use super::scavenger;
use super::span::{Kind, Span};
use crate::fatal;
use crate::pages::Run;
use crate::persistent::{Bump, Purpose};
use crate::tagged_stack::TaggedStack;

/// Before the heap grows, sets are gone round of whose spans one in so many has become free as a whole.
const SHARE: usize = 4;

/// The records of spans that have ended.
static UNUSED: TaggedStack<Span> = TaggedStack::new();

/// A new span for a class, with all blocks free, which the caller holds. `None`: no memory.
pub(crate) fn of_class(cache: &Cache, class: Class) -> Option<&'static Span> {
    let (span, _) = make(cache, &HEAP, class.shape().pages, 1, Kind::Small(class))?;
    if Mode::get().checks() {
        check::poison_span(span);
    }
    Some(span)
}

/// A new span of one block, and whether it reads as zeros. The alignment is in pages. `None`: no memory.
pub(crate) fn of_pages(cache: &Cache, pages: usize, align: usize) -> Option<(&'static Span, bool)> {
    make(cache, &HEAP, pages, align, Kind::Single)
}

/// The same, in the region of sampled blocks.
pub(crate) fn of_sampled_pages(cache: &Cache, pages: usize, align: usize) -> Option<(&'static Span, bool)> {
    make(cache, slice::from_ref(&SAMPLED), pages, align, Kind::Single)
}

/// A new span of one collected object. The alignment is in pages. `None`: no memory.
pub(crate) fn of_object(cache: &Cache, pages: usize, align: usize, origin: Origin) -> Option<&'static Span> {
    make(cache, &HEAP, pages, align, Kind::Collected(origin)).map(|(span, _)| span)
}

fn make(
    cache: &Cache,
    regions: &'static [Region],
    pages: usize,
    align: usize,
    kind: Kind,
) -> Option<(&'static Span, bool)> {
    let span = record(&mut cache.bump.borrow_mut())?;
    let Some((region, (run, zeroed))) = allot(regions, pages, align) else {
        UNUSED.push(span);
        return None;
    };
    region.begin(span, run, kind);
    Some((span, zeroed))
}

fn record(bump: &mut Bump) -> Option<&'static Span> {
    UNUSED.pop().or_else(|| {
        let place = bump.alloc(Layout::new::<Span>(), Purpose::Spans)?.cast();
        // SAFETY: new memory of that layout, which stays.
        unsafe {
            place.write(Span::new());
            Some(place.as_ref())
        }
    })
}

/// Pages that nobody has, of the first of these regions that has any, and whether they read as zeros. Before one grows, spans are looked for that
/// are free as a whole.
fn allot(regions: &'static [Region], pages: usize, align: usize) -> Option<(&'static Region, (Run, bool))> {
    let find = |region: &'static Region| Some((region, region.find(pages, align)?));
    let grow = |region: &'static Region| Some((region, region.allot(pages, align)?));
    let found = regions.iter().find_map(find);
    // No span of a class has a sampled block.
    if found.is_some() || ptr::eq(regions, slice::from_ref(&SAMPLED)) {
        return found.or_else(|| regions.iter().find_map(grow));
    }
    Class::all().for_each(|class| Central::of(class).release_free(SHARE));
    regions.iter().find_map(grow).or_else(|| {
        // The kernel has no more: now each span counts.
        Class::all().for_each(|class| Central::of(class).release_free(usize::MAX));
        regions.iter().find_map(find)
    })
}

/// Ends a span that the caller holds and that nobody has a block of; for a single block, that is the caller's. Its pages are free.
pub(crate) fn release(span: &'static Span) {
    let view = span.view_held();
    let region = region_of(view.start);
    let run = region.run_of(view.start, view.pages);
    if !span.end() {
        fatal!("double free of {:#x}, a block of {} bytes", view.start, view.block);
    }
    span.sample.end();
    region.enter(run, ptr::null_mut());
    UNUSED.push(span);
    free(region, run);
}

/// Makes the single block of a span, the caller's, `pages` long where it is. Returns whether that could be done.
pub(crate) fn resize(span: &'static Span, pages: usize) -> bool {
    let view = span.view_held();
    let region = region_of(view.start);
    let run = region.run_of(view.start, view.pages);
    match pages.checked_sub(view.pages) {
        Some(0) => true,
        Some(more) => {
            let extended = region.with(|inner| inner.pages.extend(run, more)).is_some();
            if extended {
                region.enter(Run { start: run.start + run.count, count: more }, ptr::from_ref(span).cast_mut());
                span.resize(pages);
            }
            extended
        }
        None => {
            let rest = Run { start: run.start + pages, count: view.pages - pages };
            span.resize(pages);
            region.enter(rest, ptr::null_mut());
            free(region, rest);
            true
        }
    }
}

/// Gives back pages that are no more part of a span.
fn free(region: &'static Region, run: Run) {
    let excess = region.with(|inner| {
        inner.pages.free(run);
        scavenger::excess(inner.pages.counts())
    });
    if excess != 0 {
        scavenger::wake();
    }
}

fn region_of(start: usize) -> &'static Region {
    arena::region_of(start).unwrap_or_else(|| fatal!("a span at {start:#x}, which is in no region of the heap"))
}
