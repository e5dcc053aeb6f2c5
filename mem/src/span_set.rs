//! A set of spans that all threads push to and pop from without a lock, first in, first out, as long as need be.
//!
//! ```text
//!            head: next to pop                      tail: next to push
//!                 │ index 1027                           │ index 2050
//!                 ▼                                      ▼
//!   block 2: [ · · · s s s … s ]  block 3: [ s … s ]  block 4: [ s s _ _ … _ ]
//!                 ▲                  ▲                   ▲
//!   spine:    [ (2)              (3)                 (4)              free ]       a ring, in which a block's place is its number
//! ```
//!
//! Entries have indexes, which only rise, in 64 bits: more than anybody will ever push. Entry `i` is in slot `i % BLOCK` of block `i / BLOCK`,
//! and the spine (`spine`) leads from a block's number to the block. Blocks are persistent memory, and shared by all sets of a kind
//! ([`Blocks`]): between two lives in a set, or in two sets, a block is in a stack of free ones, with all its slots empty and its counter zero.
//!
//! **Push** takes the index at the tail by `fetch_add`, which makes the slot its own, and stores the entry there, which publishes it. When
//! the block is not there yet, it installs it, under the spine's lock; that is the only wait in here.
//!
//! **Pop** looks at the slot at the head. It is filled: a compare-and-swap of the head claims it, then the slot is cleared, and last of all
//! the pop is counted in its block. It is empty: so is the set, or else a push is under way that will fill it, and pop returns `None` all the
//! same. It never waits for a pusher that has been descheduled between its two steps, as it would if it claimed first and looked
//! then (Go's does). The price: entries pushed after that one are not seen until it is there. When no push is under way, `None` means
//! empty. No index is ever claimed that has not been filled, so the head needs not be compared with the tail, and each has a cache line
//! of its own.
//!
//! # Who frees a block
//! Whoever completes its last pop, counted by completed pops. The obvious way, which Go took at first (golang.org/issue/37487), is to count
//! entries in use, and let the one who pops the last slot and leaves none in use free the block:
//!
//! 1. Popper A claims slot 0, of two.
//! 2. Popper B claims slot 1, clears it, counts down to one in use: not zero, so it does not free the block.
//! 3. A clears slot 0, counts down to zero; but its slot is not the last one, so it does not free the block either. It is lost.
//!
//! Not the last to *claim* but the last to *be done* must free it, whichever slot it had. Each pop adds one when it is done with the
//! block, and the one that makes it `BLOCK` knows that it is alone with it.
//!
//! # What a popper may see
//! A popper that is descheduled after it has read the head may look at a block that has left the set meanwhile:
//!
//! 1. Popper A reads the head, 0, and finds block 0.
//! 2. Others pop all of block 0. It is freed, and becomes block 7 of another set, with an entry in slot 0.
//! 3. A reads that entry. Its swap fails, as the head is no longer 0 and will never be again.
//!
//! So a popper believes what it read only after the swap: a head that is still at `i` has never left it, hence block and slot were those
//! of entry `i`. In the same way "empty" is believed only if the head is still what it was.
//!
//! # Rejected
//! - Head and tail in one 64-bit word, as in Go: 2^32 pushes are reached in weeks by a set that lives as long as the process.
//! - A list of blocks without a spine: then a head is two words, index and block, that must change together.

mod block;
#[cfg(all(test, loom))]
mod loom_models;
mod rules;
mod spine;
#[cfg(all(test, not(loom)))]
mod tests;

use std::fmt;

use crossbeam_utils::{Backoff, CachePadded};

use crate::atomic::{AtomicU64, Ordering};
use crate::unless_loom::const_unless_loom;
pub(crate) use block::Blocks;
use rules::{Ours, Rules};
use spine::Spine;

/// See the [module](self). An entry may be in it any number of times.
pub(crate) struct SpanSet<T: 'static, const BLOCK: usize = 512, R = Ours> {
    head: CachePadded<AtomicU64>,
    tail: CachePadded<AtomicU64>,
    spine: Spine<T, BLOCK, R>,
}

impl<T, const BLOCK: usize, R> SpanSet<T, BLOCK, R> {
    const_unless_loom! {
        /// An empty set, which takes its blocks from `blocks`.
        pub(crate) fn new(blocks: &'static Blocks<T, BLOCK>) -> Self {
            Self::starting_at(0, blocks)
        }
    }

    const_unless_loom! {
        /// An empty set whose first block has this number.
        fn starting_at(number: u64, blocks: &'static Blocks<T, BLOCK>) -> Self {
            let index = number * BLOCK as u64;
            SpanSet {
                head: CachePadded::new(AtomicU64::new(index)),
                tail: CachePadded::new(AtomicU64::new(index)),
                spine: Spine::starting_at(number, blocks),
            }
        }
    }

    /// How many entries there are, more or less: pushes and pops that are under way count as done or not.
    pub(crate) fn len(&self) -> usize {
        // Relaxed, both: an estimate. The head is read first, but may be the newer one all the same.
        let head = self.head.load(Ordering::Relaxed);
        self.tail.load(Ordering::Relaxed).saturating_sub(head) as usize
    }
}

impl<T: Sync, const BLOCK: usize, R: Rules> SpanSet<T, BLOCK, R> {
    /// Adds an entry.
    ///
    /// Waits for the spine's lock, once in `BLOCK` times. Out of memory for a block, the process ends: there is no entry without one, and
    /// whoever gives a span back cannot keep it.
    pub(crate) fn push(&self, entry: &'static T) {
        // Relaxed: it only makes the index ours. The slot publishes the entry, and the spine the block.
        let (number, slot) = place::<BLOCK>(self.tail.fetch_add(1, Ordering::Relaxed));
        let block = self.spine.find_or_install(number);
        R::pushed(block.count());
        block.fill(slot, entry);
    }

    /// Takes the oldest entry. `None`: there is none, or its push is still under way.
    pub(crate) fn pop(&self) -> Option<&'static T> {
        let backoff = Backoff::new();
        // Acquire: what is looked at is looked at afterwards. Pairs with the release of a pop, below.
        let mut index = self.head.load(Ordering::Acquire);
        loop {
            let (number, slot) = place::<BLOCK>(index);
            let seen = self.spine.find(number).and_then(|block| Some((block, block.entry(slot)?)));
            let Some((block, entry)) = seen else {
                // Acquire as above. If the slot was found empty because it has been popped already, or the block gone, then the acquire by which
                // that was seen makes this load see the head moved.
                let now = self.head.load(Ordering::Acquire);
                if now == index {
                    return None;
                }
                index = now;
                continue;
            };
            // Release pairs with the acquire of the head by others: who sees it moved also sees the pushes that we have seen or made, and does not
            // take the set for empty. Acquire on failure as above; on success there is nothing to acquire, the entry came with its slot.
            match self.head.compare_exchange_weak(index, index + 1, Ordering::Release, Ordering::Acquire) {
                Ok(_) => {
                    block.clear(slot);
                    if R::popped(block.count(), slot, BLOCK) {
                        self.spine.free(number, block);
                    }
                    return Some(entry);
                }
                Err(now) => index = now,
            }
            backoff.spin();
        }
    }
}

/// The block, by number, and the slot of an entry.
fn place<const BLOCK: usize>(index: u64) -> (u64, usize) {
    (index / BLOCK as u64, (index % BLOCK as u64) as usize)
}

impl<T, const BLOCK: usize, R> fmt::Debug for SpanSet<T, BLOCK, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanSet").field("len", &self.len()).finish_non_exhaustive()
    }
}
