//! The address space of the heap, its pages, and the table that says which span a page belongs to.
//!
//! A region is one reservation. It costs nothing, and becomes memory from its start, in steps that grow with it, up to 64 MiB. The first region has
//! 16 GiB of address space, and each further one, reserved when the others are full, twice as much: two terabytes in all. Where the kernel refuses,
//! a region is half as large, and so on down; and none takes more than a quarter of what `ulimit -v` allows, since stacks and libraries want some
//! too.
//!
//! The table of a region has a word for each page, so any address is resolved by two loads, of the word and of the span's state, and interior
//! addresses as well. It is memory as far as the pages are; an eight-kibibyte page costs eight bytes of it.
//!
//! Blocks that are sampled for the heap profile live in a region of their own, [`SAMPLED`], each on its own pages, so that `free` knows one by its
//! address alone.
//!
//! # Rejected
//! One reservation of a terabyte, so that there is a single table. Emulators, and tools that keep a record of each page, take minutes and gigabytes
//! for it: `qemu-aarch64`, 27 seconds and 6 GB for each process.

use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::span::{Kind, Span, View};
use crate::PAGE;
use crate::os;
use crate::pages::{CHUNK, Pages, Run};
use crate::vast::Vast;

/// The address space of the first region, in bytes, and the least that a region is worth starting with.
const FIRST: usize = 16 << 30;
const LEAST: usize = 16 << 20;

/// The most that a block can be aligned to, in bytes, where there is address space enough.
const MOST_ALIGNED: usize = 1 << 30;

/// The address space for sampled blocks. `free` takes addresses in a range of this length for theirs, and looks closer.
const FOR_SAMPLES: usize = 4 << 30;

/// The most that is committed at once beyond what is asked for, in pages.
const LARGEST_STEP: usize = (64 << 20) / PAGE;

/// See the [module](self).
pub(crate) struct Region {
    /// How much address space it takes, if it can have that, in bytes.
    size: usize,
    /// The address of the first page. Before there is one, an address that no block has.
    start: AtomicUsize,
    /// How many pages there are now.
    pages: AtomicUsize,
    table: AtomicPtr<AtomicPtr<Span>>,
    inner: Mutex<Option<Inner>>,
}

/// The part of a region that takes its lock.
pub(crate) struct Inner {
    pub(crate) pages: Pages,
    space: Vast<u8>,
    /// What lies between the start of the reservation and that of the first page, in bytes.
    skipped: usize,
    /// What the address of the first page is a multiple of, in pages: no block can be aligned to more.
    alignment: usize,
    table: Vast<AtomicPtr<Span>>,
    /// In pages.
    limit: usize,
    grown: usize,
}

/// Where blocks are.
pub(crate) static HEAP: [Region; 7] = [
    Region::new(FIRST),
    Region::new(FIRST << 1),
    Region::new(FIRST << 2),
    Region::new(FIRST << 3),
    Region::new(FIRST << 4),
    Region::new(FIRST << 5),
    Region::new(FIRST << 6),
];

/// Where sampled blocks are.
pub(crate) static SAMPLED: Region = Region::new(FOR_SAMPLES);

/// Why there is no heap.
#[derive(Debug)]
pub(crate) struct NoSpace {
    limit: Option<usize>,
}

/// All regions that there is something of.
pub(crate) fn regions() -> impl Iterator<Item = &'static Region> {
    HEAP.iter().chain([&SAMPLED]).filter(|region| region.is_used())
}

/// The region of an address, if it is in one.
pub(crate) fn region_of(address: usize) -> Option<&'static Region> {
    HEAP.iter().chain([&SAMPLED]).find(|region| region.page_of(address).is_some())
}

/// Whether an address may be that of a sampled block. No other but a few are.
#[inline(always)]
pub(crate) fn is_sampled(address: usize) -> bool {
    // Relaxed: whoever frees a sampled block has it from somebody who had seen the region made.
    address.wrapping_sub(SAMPLED.start.load(Ordering::Relaxed)) < FOR_SAMPLES
}

/// The span that an address belongs to, any address whatever. It may end at any moment, unless the caller has a block of it.
#[inline]
pub(crate) fn span_at(address: usize) -> Option<&'static Span> {
    HEAP[0].span_at(address).or_else(|| region_of(address)?.span_at(address))
}

impl Region {
    const fn new(size: usize) -> Region {
        Region {
            size,
            start: AtomicUsize::new(usize::MAX / 2),
            pages: AtomicUsize::new(0),
            table: AtomicPtr::new(ptr::null_mut()),
            inner: Mutex::new(None),
        }
    }

    /// Makes the reservation, unless it has been made.
    pub(crate) fn reserve(&self) -> Result<(), NoSpace> {
        self.reserved(&mut self.lock(), LEAST).map(|_| ())
    }

    /// What is in the lock, after the reservation has been made, of so many bytes at least.
    fn reserved<'a>(&self, inner: &'a mut Option<Inner>, least: usize) -> Result<&'a mut Inner, NoSpace> {
        if inner.is_none() {
            *inner = Some(self.make(least)?);
        }
        Ok(inner.as_mut().expect("just made"))
    }

    fn make(&self, least: usize) -> Result<Inner, NoSpace> {
        let limit = os::address_space_limit();
        let mut bytes = limit.map_or(self.size, |limit| self.size.min(limit / 4));
        while bytes >= least {
            if let Some(inner) = Inner::reserve(bytes / (CHUNK * PAGE) * CHUNK) {
                // Relaxed: published with `pages`, which are zero as yet.
                self.table.store(inner.table.start().as_ptr(), Ordering::Relaxed);
                self.start.store(inner.first().addr().get(), Ordering::Relaxed);
                return Ok(inner);
            }
            bytes /= 2;
        }
        Err(NoSpace { limit })
    }

    /// Whether there are any pages of it.
    pub(crate) fn is_used(&self) -> bool {
        // Acquire as in `page_of`.
        self.pages.load(Ordering::Acquire) != 0
    }

    fn lock(&self) -> MutexGuard<'_, Option<Inner>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `f` with the region locked. It has been reserved.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        match &mut *self.lock() {
            Some(inner) => f(inner),
            None => crate::fatal!("a region of the heap is used before there is one"),
        }
    }

    /// Pages that nobody has, and whether they read as zeros. `None`: there are none so far.
    pub(crate) fn find(&self, count: usize, align: usize) -> Option<(Run, bool)> {
        self.lock().as_mut()?.find(count, align)
    }

    /// Pages that nobody has; `None` when there are none to be had, from the kernel either.
    pub(crate) fn allot(&self, count: usize, align: usize) -> Option<(Run, bool)> {
        let with_room = count.checked_add(align - 1)?;
        if with_room > self.size / PAGE {
            return None;
        }
        let mut inner = self.lock();
        // Nothing is reserved that is too small: a block that cannot be had must not cost the address space that there is.
        let inner = self.reserved(&mut inner, (with_room * PAGE).max(LEAST)).ok()?;
        let found = inner.find(count, align);
        if found.is_some() || align > inner.alignment || !inner.grow(with_room, self) {
            return found;
        }
        inner.find(count, align)
    }

    /// The number of the page that an address is in, if it is one of the region's.
    #[inline(always)]
    fn page_of(&self, address: usize) -> Option<usize> {
        // Acquire pairs with the release in `grow_by`: start, table and its new part are there.
        let pages = self.pages.load(Ordering::Acquire);
        // Relaxed: see above.
        let page = address.wrapping_sub(self.start.load(Ordering::Relaxed)) / PAGE;
        (page < pages).then_some(page)
    }

    /// The word of a page of the region.
    #[inline(always)]
    fn entry(&self, page: usize) -> &'static AtomicPtr<Span> {
        // SAFETY: the page is there, hence its entry; the table never goes. Relaxed: as in `page_of`.
        unsafe { &*self.table.load(Ordering::Relaxed).add(page) }
    }

    /// The span that an address belongs to, if it is in this region.
    #[inline(always)]
    pub(crate) fn span_at(&self, address: usize) -> Option<&'static Span> {
        // Acquire pairs with the release in `enter`: the span is made.
        let span = self.entry(self.page_of(address)?).load(Ordering::Acquire);
        // SAFETY: spans are never freed.
        unsafe { span.as_ref() }
    }

    /// The spans of the region, by address, as they are when they are looked at.
    pub(crate) fn spans(&'static self) -> impl Iterator<Item = (&'static Span, View)> {
        // Acquire as in `page_of`.
        let pages = self.pages.load(Ordering::Acquire);
        let mut page = 0;
        std::iter::from_fn(move || {
            while page < pages {
                let address = self.address_of(page);
                page += 1;
                // Not if it is another's by now, which begins elsewhere.
                let found = self.span_at(address).and_then(|span| Some((span, span.view()?)));
                if let Some((span, view)) = found.filter(|(_, view)| view.start == address) {
                    page += view.pages - 1;
                    return Some((span, view));
                }
            }
            None
        })
    }

    /// The addresses that have ever been in use.
    pub(crate) fn extent(&self) -> std::ops::Range<usize> {
        // Acquire as in `page_of`.
        let pages = self.pages.load(Ordering::Acquire);
        let start = self.start.load(Ordering::Relaxed);
        start..start + pages * PAGE
    }

    /// The address of a page.
    pub(crate) fn address_of(&self, page: usize) -> usize {
        // Relaxed: who has a page has seen the reservation.
        self.start.load(Ordering::Relaxed) + page * PAGE
    }

    /// The pages of a span that starts at this address of the region.
    pub(crate) fn run_of(&self, start: usize, pages: usize) -> Run {
        // Relaxed: as above.
        Run { start: (start - self.start.load(Ordering::Relaxed)) / PAGE, count: pages }
    }

    /// Makes these pages of the caller's a span, which the caller holds.
    pub(crate) fn begin(&self, span: &'static Span, run: Run, kind: Kind) {
        span.begin(self.address_of(run.start), run.count, kind);
        self.enter(run, ptr::from_ref(span).cast_mut());
    }

    /// Writes a span, or null, into the table, for pages of the caller's.
    pub(crate) fn enter(&self, run: Run, span: *mut Span) {
        for page in run.start..run.start + run.count {
            // Release pairs with the acquire in `span_at`.
            self.entry(page).store(span, Ordering::Release);
        }
    }

    /// Gives the memory of pages that the caller has taken out of use back to the kernel, without the lock, and makes them free. Returns whether the
    /// kernel agreed.
    pub(crate) fn give_back(&self, run: Run) -> bool {
        let start = NonNull::new(self.address_of(run.start) as *mut u8);
        // SAFETY: the pages are the caller's, and nobody needs their contents. A page of the kernel may be larger than ours: then the run
        // isn't whole, the kernel refuses, and it stays as it is.
        let given = start.is_some_and(|start| unsafe { os::give_back(start, run.count * PAGE) });
        self.with(|inner| if given { inner.pages.put_released(run) } else { inner.pages.free(run) });
        given
    }
}

impl Inner {
    fn reserve(limit: usize) -> Option<Inner> {
        // A multiple of huge pages at least.
        let alignment = 1 << (limit / 8).clamp(CHUNK, MOST_ALIGNED / PAGE).ilog2();
        let space: Vast<u8> = Vast::reserve((limit + alignment) * PAGE)?;
        let start = space.start().addr().get();
        let skipped = start.next_multiple_of(alignment * PAGE) - start;
        let (pages, table) = (Pages::new(limit)?, Vast::reserve(limit)?);
        Some(Inner { pages, space, skipped, alignment, table, limit, grown: 0 })
    }

    fn find(&mut self, count: usize, align: usize) -> Option<(Run, bool)> {
        if align <= self.alignment { self.pages.alloc(count, align) } else { None }
    }

    fn first(&self) -> NonNull<u8> {
        // SAFETY: within the reservation, which is larger by the alignment.
        unsafe { self.space.start().add(self.skipped) }
    }

    /// How many pages there can be.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Makes memory of more of the reservation. Returns whether there was enough of it, and of memory.
    fn grow(&mut self, wanted: usize, region: &Region) -> bool {
        let Some(least) = wanted.checked_next_multiple_of(CHUNK) else { return false };
        let left = self.limit - self.grown;
        let generous = least.max((self.grown / 4).min(LARGEST_STEP)).next_multiple_of(CHUNK);
        [generous, least].into_iter().any(|count| count <= left && self.grow_by(count, region))
    }

    fn grow_by(&mut self, count: usize, region: &Region) -> bool {
        let grown = self.grown + count;
        if !(self.table.grow(grown) && self.space.grow(self.skipped + grown * PAGE) && self.pages.grow(count)) {
            return false;
        }
        self.grown = grown;
        // Release pairs with the acquire in `page_of`.
        region.pages.store(grown, Ordering::Release);
        true
    }
}

impl fmt::Display for NoSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the heap needs at least {} MiB of address space, and the kernel refuses them; ", LEAST >> 20)?;
        match self.limit {
            Some(limit) => {
                write!(
                    f,
                    "this process may have {} MiB in all (`ulimit -v`), of which the heap takes a quarter at a time",
                    limit >> 20
                )
            }
            None => write!(f, "`ulimit -v` sets no limit, so see `vm.overcommit_memory` and `vm.overcommit_ratio`"),
        }
    }
}
