//! Blocks of slots, and where free ones are kept.

use std::alloc::Layout;
use std::ptr;

use crate::atomic::{AtomicPtr, AtomicUsize, Ordering};
use crate::fatal;
use crate::persistent::{self, Purpose};
use crate::tagged_stack::{Node, TaggedStack};
use crate::unless_loom::const_unless_loom;

/// A piece of a span set. A free one has empty slots, and its counter is zero.
#[repr(align(64))]
pub(super) struct Block<T: 'static, const ENTRIES: usize> {
    /// The next free block, while this one is free.
    next: AtomicPtr<Self>,
    /// By which the [`Rules`](super::rules::Rules) tell when it is free.
    count: AtomicUsize,
    slots: [AtomicPtr<T>; ENTRIES],
}

impl<T, const ENTRIES: usize> Block<T, ENTRIES> {
    /// A free block. `None`: the kernel refuses.
    fn make() -> Option<&'static Self> {
        let block = persistent::alloc(Layout::new::<Self>(), Purpose::SpanSets)?.cast::<Self>();
        let place = block.as_ptr();
        // Made in place: as a value it would take kilobytes of what may be a small stack.
        // SAFETY: the memory is new and of a block's layout; every field is written before the reference is made.
        unsafe {
            (&raw mut (*place).next).write(AtomicPtr::new(ptr::null_mut()));
            (&raw mut (*place).count).write(AtomicUsize::new(0));
            let slots = (&raw mut (*place).slots).cast::<AtomicPtr<T>>();
            (0..ENTRIES).for_each(|slot| slots.add(slot).write(AtomicPtr::new(ptr::null_mut())));
            Some(block.as_ref())
        }
    }

    pub(super) fn count(&self) -> &AtomicUsize {
        &self.count
    }

    /// Publishes an entry.
    pub(super) fn fill(&self, slot: usize, entry: &'static T) {
        // Release pairs with the acquire of `entry`: what was done with the entry before is seen by who pops it.
        self.slots[slot].store(ptr::from_ref(entry).cast_mut(), Ordering::Release);
    }

    /// What is in a slot.
    pub(super) fn entry(&self, slot: usize) -> Option<&'static T> {
        // Acquire pairs with the release of `fill`, and with that of `clear`: who finds a slot cleared sees the head moved.
        let entry = self.slots[slot].load(Ordering::Acquire);
        // SAFETY: every entry came from a `&'static T`.
        unsafe { entry.as_ref() }
    }

    /// Empties a slot.
    pub(super) fn clear(&self, slot: usize) {
        // Release pairs with the acquire of `entry`.
        self.slots[slot].store(ptr::null_mut(), Ordering::Release);
    }
}

impl<T, const ENTRIES: usize> Node for Block<T, ENTRIES> {
    fn next(&self) -> &AtomicPtr<Self> {
        &self.next
    }
}

/// The free blocks of all span sets of a kind.
pub(crate) struct Blocks<T: 'static, const ENTRIES: usize = 512> {
    free: TaggedStack<Block<T, ENTRIES>>,
    #[cfg(test)]
    made: std::sync::atomic::AtomicUsize,
}

impl<T, const ENTRIES: usize> Blocks<T, ENTRIES> {
    const_unless_loom! {
        /// No blocks yet. They are made when needed.
        pub(crate) fn new() -> Self {
            Blocks {
                free: TaggedStack::new(),
                #[cfg(test)]
                made: std::sync::atomic::AtomicUsize::new(0),
            }
        }
    }

    /// A free block, which is the caller's from then on.
    pub(super) fn take(&self) -> &'static Block<T, ENTRIES> {
        self.free.pop().unwrap_or_else(|| {
            #[cfg(test)]
            self.made.fetch_add(1, Ordering::Relaxed);
            match Block::make() {
                Some(block) => block,
                None => fatal!("out of memory for a block of a span set, {} bytes", size_of::<Block<T, ENTRIES>>()),
            }
        })
    }

    /// Takes back a block, of which the slots are empty. Nobody else has anything to do with it any more.
    pub(super) fn give(&self, block: &'static Block<T, ENTRIES>) {
        // Relaxed: the stack publishes it.
        block.count.store(0, Ordering::Relaxed);
        self.free.push(block);
    }

    /// How many blocks are not free, while nobody uses the sets.
    #[cfg(test)]
    pub(super) fn in_use(&self) -> usize {
        self.made.load(Ordering::Relaxed) - self.free.count()
    }
}
