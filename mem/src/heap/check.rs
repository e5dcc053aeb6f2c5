//! The checked heap: each `malloc` and `free` is looked at, so that a program's mistake is named where it happens.
//!
//! The bins of all caches are closed then, so everything comes here. What is looked at:
//!
//! - A block that is freed must begin where one begins, be of the size that it was allocated with, and not be free: with the bits of `vacancies` all
//!   of that is known exactly, as no block is in a bin.
//! - Free blocks are filled with **poison**. Whoever reads one gets nonsense, whoever writes into one is found when it is allocated again, or by
//!   [`verify`](super::verify()).
//! - With canaries, a block is longer than was asked for by 16 bytes or more. They are filled, up to the last eight, which say how much was asked
//!   for:
//!
//! ```text
//!   │ what was asked for … │ C5 C5 C5 C5 C5 C5 C5 C5 … │ size ⊕ address ⊕ key │
//! ```

use std::alloc::Layout;
use std::{ptr, slice};

use super::arena;
use super::cache::Cache;
use super::class::Class;
use super::mode::Mode;
use super::refill;
use super::report::{self, Place};
use super::span::{Kind, Span, View};
use super::spans;
use crate::{PAGE, fatal};

/// What free blocks are full of.
const POISON: u8 = 0xDB;
/// What is behind a block.
const CANARY: u8 = 0xC5;
/// Of what is behind a block, at least so much, in bytes: the filling, and the word at the end.
const BEHIND: usize = 16;
const KEY: usize = 0x5EED_0FCA_A71E_5000;

/// Of a block that has pages to itself, so much is poisoned, in bytes. More would take longer than what the program does with it, and the kernel
/// may have its pages soon.
const MOST_POISONED: usize = 64 << 10;

/// A layout with what is behind it.
fn padded(layout: Layout) -> usize {
    match Mode::get() {
        Mode::Canaries => layout.size() + BEHIND,
        _ => layout.size(),
    }
}

/// Allocates a block. Null: no memory.
pub(crate) fn alloc(cache: &Cache, layout: Layout) -> *mut u8 {
    let size = padded(layout);
    let (address, len) = match Class::of(size, layout.align()) {
        Some(class) => {
            let mut found = None;
            cache.take(class, 1, |address| found = Some(address));
            let Some(address) = found else { return ptr::null_mut() };
            expect_poison(address, class.size());
            (address, class.size())
        }
        None => match spans::of_pages(cache, size.div_ceil(PAGE), layout.align().div_ceil(PAGE)) {
            Some((span, _)) => (span.view_held().start, span.view_held().block),
            None => return ptr::null_mut(),
        },
    };
    if Mode::get() == Mode::Canaries {
        // SAFETY: the block is new and of that length, which leaves room behind what was asked for.
        unsafe { (address as *mut u8).add(layout.size()).write_bytes(CANARY, len - 8 - layout.size()) };
        // SAFETY: as above; blocks are multiples of eight long.
        unsafe { ((address + len - 8) as *mut usize).write(layout.size() ^ address ^ KEY) };
    }
    address as *mut u8
}

/// Frees a block, if it is one and of that layout. Else the process ends.
pub(crate) fn free(block: *mut u8, layout: Layout) {
    let (address, size) = (block.addr(), padded(layout));
    let Some((span, view)) = arena::span_at(address).and_then(|span| Some((span, span.view()?))) else {
        report::invalid_free(address, layout.size());
    };
    let class = Class::of(size, layout.align());
    match (view.kind, class) {
        (Kind::Single, None) if view.start == address && view.pages == size.div_ceil(PAGE) => {
            expect_canary(address, &view, Some(layout.size()));
            poison(address, view.block.min(MOST_POISONED));
            spans::release(span);
        }
        (Kind::Small(kind), Some(class)) if kind == class => {
            let Some(number) = span.block_beginning_at(address) else {
                report::invalid_free(address, layout.size());
            };
            if span.vacancies.is_set(number) {
                report::double_free(span, number / 64, 1 << (number % 64));
            }
            expect_canary(address, &view, Some(layout.size()));
            poison(address, view.block);
            refill::give_back(class, [address].into_iter());
        }
        _ => report::invalid_free(address, layout.size()),
    }
}

/// Poisons the blocks of a new span.
pub(crate) fn poison_span(span: &Span) {
    let view = span.view_held();
    poison(view.start, view.blocks * view.block);
}

fn poison(address: usize, len: usize) {
    // SAFETY: the block is free, and the caller's.
    unsafe { (address as *mut u8).write_bytes(POISON, len) };
}

/// Looks at the contents of a span's blocks, while nobody allocates or frees any.
pub(crate) fn verify(span: &Span, view: &View) {
    match view.kind {
        Kind::Single => expect_canary(view.start, view, None),
        // Nobody frees it but who has made it, and nothing is behind it.
        Kind::Collected(_) => {}
        Kind::Small(_) => (0..view.blocks).for_each(|number| {
            let address = view.start + number * view.block;
            match span.vacancies.is_set(number) {
                true => expect_poison(address, view.block),
                false => expect_canary(address, view, None),
            }
        }),
    }
}

fn expect_poison(address: usize, len: usize) {
    // SAFETY: the block is free, so it is the heap's. (Whoever writes to it all the same is who is looked for.)
    let block = unsafe { slice::from_raw_parts(address as *const u8, len) };
    if let Some(at) = first_other(block, POISON) {
        fatal!(
            "a free block has been written to: byte {at} of the {len} at {address:#x} is {:#04x}, not {POISON:#04x}: {}",
            block[at],
            Place(address + at),
        );
    }
}

/// Where the first byte is that is not `filling`.
fn first_other(bytes: &[u8], filling: u8) -> Option<usize> {
    // If each byte is like the next, all are like the first: a comparison of memory, which is fast in debug builds, too.
    let uniform = bytes.first().is_none_or(|&first| first == filling && bytes[1..] == bytes[..bytes.len() - 1]);
    if uniform { None } else { bytes.iter().position(|&byte| byte != filling) }
}

/// Looks at what is behind a block, of which so much was asked for, or as much as it says itself.
fn expect_canary(address: usize, view: &View, asked: Option<usize>) {
    if Mode::get() != Mode::Canaries {
        return;
    }
    let end = address + view.block - 8;
    // SAFETY: the end of a block of the heap's; its word there is none of the program's business.
    let says = unsafe { (end as *const usize).read() } ^ address ^ KEY;
    let len = asked.unwrap_or(says);
    if says != len || says > view.block - BEHIND {
        fatal!("the end of the block at {address:#x} has been overwritten: {}", Place(address));
    }
    // SAFETY: as above, for what lies between what was asked for and that word.
    let behind = unsafe { slice::from_raw_parts((address + len) as *const u8, end - address - len) };
    if let Some(at) = first_other(behind, CANARY) {
        fatal!(
            "byte {} of the {len} that were asked for at {address:#x} has been written to: it is {:#04x}, not {CANARY:#04x}: {}",
            len + at,
            behind[at],
            Place(address),
        );
    }
}
