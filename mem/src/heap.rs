//! The heap: blocks of any size for everybody, Go's structure with a short way in and out.
//!
//! ```text
//!   malloc, free
//!        │  a bin of pointers for each class           cache, class, tls
//!        ▼
//!   the thread's cache  ── holds a span per class
//!        │  refill                  flush │            refill, vacancies
//!        ▼                                ▼
//!   central: per class a set of spans with free blocks            central, span_set
//!        │  new span                      │ free as a whole      spans, span
//!        ▼                                ▼
//!   arena: pages, and which span they are of           arena, pages
//!        │  grow                          │ scavenger
//!        ▼                                ▼
//!                     the kernel
//! ```
//!
//! Each arrow is taken once for dozens of the one above. What is above 32 KiB has pages for itself and goes to the arena at once.
//!
//! # Invariants
//! - A block is in one of these places: with the program, in one bin, or free in the bitmap of its span.
//! - A span that has free blocks is held by one cache, or in the central set of its class, or somebody is just seeing to it (`vacancies`).
//! - All pages that are in use belong to a live span, which the table names for each of them, or are with the scavenger.
//! - Where one of these is changed, the gate is behind (`gate`): when it is closed they all hold, and `verify` says so.

mod arena;
mod cache;
mod caches;
mod central;
mod check;
mod class;
pub mod collected;
mod fork;
mod mode;
pub mod profile;
mod refill;
mod report;
mod scavenger;
mod span;
mod spans;
mod stats;
mod tls;
mod verify;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::Range;
use std::ptr;

use crate::{PAGE, os};
use class::Class;
use mode::Mode;
pub use scavenger::threads;
use span::Kind;
pub use stats::{ClassStats, Stats, stats};
pub use verify::{Verified, verify};

/// The span heap, as a global allocator.
///
/// ```
/// #[global_allocator]
/// static HEAP: sward_mem::Heap = sward_mem::Heap;
///
/// let words: Vec<String> = "it is as simple as that".split(' ').map(String::from).collect();
/// assert_eq!(words.len(), 6);
/// ```
///
/// `#[sward::main]` installs it. It works in programs without a green thread, too.
///
/// There is one heap in a process, whichever value it is reached by. Under a sanitizer, or a tool of valgrind's that watches memory, it hands
/// everything on to libc's allocator, which the tool has replaced.
///
/// # Errors
/// Like every allocator, it returns null when there is no memory; most of Rust's collections then abort. If there is not even address space to begin
/// with, the process ends with a message and exit code 2. A block that is freed twice, or that is none, ends the process by an abort when it is
/// noticed: at once if frees are checked (`SWARD_DEBUG=heapcheck=1`, and debug builds), otherwise some time later or never.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heap;

// SAFETY: blocks are at least of the layout's size, at its alignment, and nobody else's until they are freed: see the invariants above. It does not
// unwind.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    #[unsafe(link_section = "sward_heap")]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(class) = Class::of(layout.size(), layout.align()) {
            // SAFETY: the word points to a cache, this thread's.
            let block = unsafe { &*tls::cache() }.pop(class, layout.size());
            if !block.is_null() {
                return block;
            }
        }
        alloc_slowly(layout)
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(class) = Class::of(layout.size(), layout.align()) {
            // SAFETY: as in `alloc`.
            if unsafe { &*tls::cache() }.push(class, block) {
                return;
            }
        }
        // SAFETY: the caller's promise.
        unsafe { free_slowly(block, layout) }
    }

    #[unsafe(link_section = "sward_heap")]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if Class::of(layout.size(), layout.align()).is_none() && Mode::get() == Mode::Fast {
            return alloc_pages(layout, true);
        }
        // SAFETY: the caller's promise.
        let block = unsafe { self.alloc(layout) };
        if !block.is_null() {
            // SAFETY: it is a block of that size, just allocated.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    #[unsafe(link_section = "sward_heap")]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if Mode::get() == Mode::Fast {
            match (Class::of(layout.size(), layout.align()), Class::of(new_size, layout.align())) {
                (Some(old), Some(new)) if old == new => return block,
                (None, None) if resize(block, new_size) => return block,
                _ => {}
            }
        }
        // SAFETY: the caller promises a size that makes a layout.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: the caller's promises: the block is of that layout, the size is not zero.
        unsafe {
            let new = self.alloc(new_layout);
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

/// When there is no block in the thread's bin, or one is to be sampled.
#[cold]
#[inline(never)]
#[unsafe(link_section = "sward_heap")]
fn alloc_slowly(layout: Layout) -> *mut u8 {
    if Mode::get() == Mode::Aside {
        // SAFETY: the caller of `alloc` promises a size above zero.
        return unsafe { System.alloc(layout) };
    }
    let Some(cache) = caches::mine() else { return ptr::null_mut() };
    if Mode::get().checks() {
        let _passage = caches::pass(cache);
        return check::alloc(cache, layout);
    }
    let Some(class) = Class::of(layout.size(), layout.align()) else { return alloc_pages(layout, false) };
    if profile::is_due(cache, layout.size())
        && let Some(block) = profile::alloc(cache, class, layout.size())
    {
        return block;
    }
    let _passage = caches::pass(cache);
    if cache.bin(class).filled().is_empty() && !cache.refill(class) {
        return ptr::null_mut();
    }
    cache.pop(class, layout.size())
}

/// A block that has pages for itself.
#[cold]
#[inline(never)]
#[unsafe(link_section = "sward_heap")]
fn alloc_pages(layout: Layout, zeroed: bool) -> *mut u8 {
    let Some(cache) = caches::mine() else { return ptr::null_mut() };
    let passage = caches::pass(cache);
    let made = spans::of_pages(cache, layout.size().div_ceil(PAGE), layout.align().div_ceil(PAGE));
    drop(passage);
    let Some((span, is_zero)) = made else { return ptr::null_mut() };
    profile::count(cache, span, layout.size());
    let block = span.view_held().start as *mut u8;
    if zeroed && !is_zero {
        // SAFETY: the pages are the new block's.
        unsafe { block.write_bytes(0, layout.size()) };
    }
    block
}

/// When a block is not for the thread's bin, or the bin is full.
///
/// # Safety
/// As for `dealloc`.
#[cold]
#[inline(never)]
unsafe fn free_slowly(block: *mut u8, layout: Layout) {
    if Mode::get() == Mode::Aside {
        // SAFETY: the caller's promise; the block comes from there.
        return unsafe { System.dealloc(block, layout) };
    }
    let Some(cache) = caches::mine() else { return };
    // A destructor between a failed call and the look at `errno` is not to change it.
    let _errno = os::KeepErrno::new();
    let _passage = caches::pass(cache);
    if Mode::get().checks() {
        return check::free(block, layout);
    }
    let address = block.addr();
    let Some(span) = arena::span_at(address) else { report::invalid_free(address, layout.size()) };
    let view = span.view_held();
    match view.kind {
        Kind::Single if view.start == address => spans::release(span),
        Kind::Single | Kind::Collected(_) => report::invalid_free(address, layout.size()),
        Kind::Small(class) => {
            if cache.bin(class).room().is_empty() {
                cache.flush_half(class);
            }
            cache.bin(class).add(block);
        }
    }
}

/// Makes a block that has pages for itself larger or smaller, where it is. Returns whether that could be done.
#[cold]
#[inline(never)]
#[unsafe(link_section = "sward_heap")]
fn resize(block: *mut u8, new_size: usize) -> bool {
    let (Some(cache), Some(span)) = (caches::mine(), arena::span_at(block.addr())) else { return false };
    let passage = caches::pass(cache);
    let resized = spans::resize(span, new_size.div_ceil(PAGE));
    drop(passage);
    if resized {
        span.sample.end();
        profile::count(cache, span, new_size);
    }
    resized
}

/// The addresses of the heap's block that an address is in; `None`: it is in none, or in one that is known to be free. A free block that a thread
/// keeps at hand is not. Safe at any time, of any address: what is there may be freed meanwhile, but stays readable.
///
/// ```
/// #[global_allocator]
/// static HEAP: sward_mem::Heap = sward_mem::Heap;
///
/// let numbers = vec![1u64; 100];
/// let block = sward_mem::block_at((&raw const numbers[7]).addr()).expect("a block");
/// assert_eq!(block.start, numbers.as_ptr().addr());
/// assert!(block.len() >= 800);
/// ```
///
/// A block is as long as its class, or its pages, make it: somewhat longer than was asked for. Under a tool for which the heap [steps aside](Heap)
/// there are no blocks.
pub fn block_at(address: usize) -> Option<Range<usize>> {
    let span = arena::span_at(address)?;
    let view = span.view()?;
    // Behind the last block, or in another place by now, there is none.
    let number = address.checked_sub(view.start)? / view.block;
    let is_block = number < view.blocks
        && match view.kind {
            Kind::Small(_) => !span.vacancies.is_set(number),
            Kind::Single => true,
            Kind::Collected(_) => false,
        };
    let start = view.start + number * view.block;
    is_block.then_some(start..start + view.block)
}
