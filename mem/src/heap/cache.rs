//! A thread's cache: where nearly every `malloc` and `free` begins and ends.
//!
//! For each class there is a **bin**, an array of pointers to free blocks, used as a stack: `malloc` pops, `free` pushes, whatever span the block is
//! of and whichever thread it comes from. That is a load of thread-local storage and a handful of instructions, none atomic, none that touches the
//! block, which may be in another processor's cache. An empty bin is refilled to a half from the span of its class that the cache holds, or from one
//! with free blocks that nobody holds, or from a new one. Of a full one the older half goes back, each block to the bitmap of its span (`vacancies`).
//!
//! ```text
//!         floor                top            ceiling
//!     null  │ ■ ■ ■ ■ ■ ■ ■ ■ ■ │ · · · · · · · │          top == floor: empty      top == ceiling: full
//!            older ───────────►
//! ```
//!
//! Below the floor there is a null, so that what `malloc` pops says whether there was anything.
//!
//! A cache whose bins are **closed** (floor, top and ceiling are the same) has each `malloc` and `free` take the long way. That is how the heap
//! checks each of them (`check`), and it is what a thread has before its first allocation ([`EMPTY`]): so the short way needs no question about
//! either.
//!
//! # Rejected
//! - *Free lists through the blocks* (mimalloc, tcmalloc): to pop one is to read the block. A block that another thread has just freed is in that
//!   processor's cache; here only the pointer is read, and the store that uses the block does not hold anybody up. What a use after free writes into
//!   is not our list, either.
//! - *Giving a block that another thread frees back at once, through its span's list*: an atomic operation each, where a bin pays for some 64 at a
//!   time.

use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::arena;
use super::class::{CLASSES, Class};
use super::profile::Sampler;
use super::span::Span;
use crate::gate::Flag;
use crate::persistent::{self, Bump, Purpose};
use crate::tagged_stack::Node;

/// A place in a bin.
pub(crate) type Slot = AtomicPtr<u8>;

/// What is under the floor of closed bins.
static NOTHING: Slot = Slot::new(ptr::null_mut());

/// What a thread has that has not allocated anything yet.
pub(crate) static EMPTY: Cache = Cache::new();

/// See the [module](self). Written by the cache's thread only; others read it to check the heap.
pub(crate) struct Bin {
    top: AtomicPtr<Slot>,
    floor: AtomicPtr<Slot>,
    ceiling: AtomicPtr<Slot>,
}

/// See the [module](self). It is in persistent memory, and belongs to one thread after another.
#[repr(C, align(64))]
pub(crate) struct Cache {
    bins: [Bin; CLASSES],
    /// How many bytes may be allocated before an allocation is sampled: see `profile`.
    pub(crate) until_sample: Cell<isize>,
    pub(crate) sampler: Sampler,
    /// The span of each class that this cache holds.
    pub(crate) held: [Cell<Option<&'static Span>>; CLASSES],
    pub(crate) flag: Flag,
    /// Persistent memory for spans that this thread makes.
    pub(crate) bump: RefCell<Bump>,
    /// In the stack of caches without a thread.
    next: AtomicPtr<Cache>,
    /// In the list of all caches.
    pub(crate) next_of_all: AtomicPtr<Cache>,
}

// SAFETY: its cells are used only by the thread that the cache belongs to, and `EMPTY`'s by nobody; `held` also by who has closed the gate, behind
// which alone its owner changes it.
unsafe impl Sync for Cache {}

impl Node for Cache {
    fn next(&self) -> &AtomicPtr<Cache> {
        &self.next
    }
}

impl Cache {
    const fn new() -> Cache {
        Cache {
            bins: [const { Bin::closed() }; CLASSES],
            until_sample: Cell::new(0),
            sampler: Sampler::new(),
            held: [const { Cell::new(None) }; CLASSES],
            flag: Flag::new(),
            bump: RefCell::new(Bump::new()),
            next: AtomicPtr::new(ptr::null_mut()),
            next_of_all: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// A new one, with bins that are open, or closed.
    pub(crate) fn make(open: bool) -> Option<&'static Cache> {
        let cache = persistent::leak(Cache::new(), Purpose::Caches)?;
        if open {
            let slots = Class::all().map(|class| 1 + class.shape().cached).sum();
            let mut rest = persistent::leak_slice(slots, Purpose::Caches, || Slot::new(ptr::null_mut()))?;
            for class in Class::all() {
                let own;
                (own, rest) = rest.split_at(1 + class.shape().cached);
                cache.bin(class).open(own);
            }
        }
        Some(cache)
    }

    /// Whether it holds a span of this class, for its thread, or while the gate is closed.
    pub(crate) fn holds(&self, class: Class) -> bool {
        self.held[class.index()].get().is_some()
    }

    #[inline(always)]
    pub(crate) fn bin(&self, class: Class) -> &Bin {
        // SAFETY: a class is less than the number of classes.
        unsafe { self.bins.get_unchecked(class.index()) }
    }

    /// A block of the class, for an allocation of `size` bytes; null: there is none, or this allocation is to be sampled.
    #[inline(always)]
    pub(crate) fn pop(&self, class: Class, size: usize) -> *mut u8 {
        let bin = self.bin(class);
        // Relaxed, here and below: only this thread writes.
        let top = bin.top.load(Ordering::Relaxed);
        // SAFETY: below the top there is a slot, be it the one under the floor.
        let (below, block) = unsafe {
            let below = top.sub(1);
            (below, (*below).load(Ordering::Relaxed))
        };
        let left = self.until_sample.get() - size as isize;
        if block.is_null() || left < 0 {
            return ptr::null_mut();
        }
        self.until_sample.set(left);
        bin.top.store(below, Ordering::Relaxed);
        block
    }

    /// Takes a free block. Returns false if it did not: the bin is full, or the block may be one that was sampled.
    #[inline(always)]
    pub(crate) fn push(&self, class: Class, block: *mut u8) -> bool {
        let bin = self.bin(class);
        // Relaxed, here and below: only this thread writes.
        let top = bin.top.load(Ordering::Relaxed);
        if top == bin.ceiling.load(Ordering::Relaxed) || arena::is_sampled(block.addr()) {
            return false;
        }
        bin.push(top, block);
        true
    }
}

impl Bin {
    const fn closed() -> Bin {
        // Behind the only slot, which is null.
        let end = (&raw const NOTHING).cast_mut().wrapping_add(1);
        Bin { top: AtomicPtr::new(end), floor: AtomicPtr::new(end), ceiling: AtomicPtr::new(end) }
    }

    /// Gives it slots, of which the first remains null.
    fn open(&self, slots: &'static [Slot]) {
        let slots = slots[1..].as_ptr_range();
        // Relaxed: the cache is not in use yet.
        self.floor.store(slots.start.cast_mut(), Ordering::Relaxed);
        self.top.store(slots.start.cast_mut(), Ordering::Relaxed);
        self.ceiling.store(slots.end.cast_mut(), Ordering::Relaxed);
    }

    #[inline(always)]
    fn push(&self, top: *mut Slot, block: *mut u8) {
        // Release pairs with the acquire in `filled`: who checks the heap, and finds the slot filled, finds the block.
        // SAFETY: the caller has seen that the top is below the ceiling.
        unsafe {
            (*top).store(block, Ordering::Relaxed);
            self.top.store(top.add(1), Ordering::Release);
        }
    }

    /// The slots that are filled, the oldest first. What is in them may change, for any but the owner.
    pub(crate) fn filled(&self) -> &'static [Slot] {
        // Acquire pairs with the release in `push`. Relaxed: it does not change once the cache is in use.
        let (floor, top) = (self.floor.load(Ordering::Relaxed), self.top.load(Ordering::Acquire));
        // SAFETY: the slots of a bin are never freed, and its top never below its floor.
        unsafe { std::slice::from_raw_parts(floor, top.offset_from_unsigned(floor)) }
    }

    /// The slots that are not filled.
    pub(crate) fn room(&self) -> &'static [Slot] {
        let (top, ceiling) = (self.top.load(Ordering::Relaxed), self.ceiling.load(Ordering::Relaxed));
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(top, ceiling.offset_from_unsigned(top)) }
    }

    /// For the owner: makes the first `len` of the filled slots all that are filled, or so many more than are.
    pub(crate) fn set_len(&self, len: usize) {
        let floor = self.floor.load(Ordering::Relaxed);
        // SAFETY: the caller has filled that many slots of the bin.
        self.top.store(unsafe { floor.add(len) }, Ordering::Relaxed);
    }

    /// For the owner: fills one more slot, of which there must be one.
    pub(crate) fn add(&self, block: *mut u8) {
        self.push(self.top.load(Ordering::Relaxed), block);
    }
}
