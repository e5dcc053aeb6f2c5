//! From a block's number to the block: a ring of words, each a block with the number that it has, or free.
//!
//! A number's place in the ring is its low bits. Numbers rise for ever, and the ring stays as long as the most blocks that were ever in
//! use at once need: a block that is freed leaves its place to the one whose number is a ring's length higher. The word names the number,
//! modulo 2^22 ([`Tagged`]), since a finder may come early or late: the place may still have the last block, of which pops are not
//! quite done, or already the next.
//!
//! Blocks are installed in the order of their numbers, under a lock, and found and taken off without.
//!
//! # Installing until it is there
//! Pushers get the lock in any order, and a pusher whose block is not there installs the blocks before it too:
//!
//! 1. Pushers A, B and C claim slots in blocks 0, 1 and 2, none of which is installed.
//! 2. C gets the lock first. If it installed one block, that would be block 0, and C would look for block 2 in vain. (Go installs one, and
//!    takes it for its own.)
//!
//! # Growing
//! When the place of the next block is taken, a ring of twice the length is made, the words are copied, and it is published; the old one
//! stays as it is, for those who still look at it. (All the old ones together are as long as the current one; none is used again.) Meanwhile
//! blocks are being freed:
//!
//! 1. The grower copies the word of block 0.
//! 2. A popper frees block 0: it clears the word, in the old ring, the only one that it can see.
//! 3. The grower publishes the new ring. In it block 0 would stay for ever, and its place be taken for ever.
//!
//! So each of them, after its own step, looks whether the other has made his. The popper clears, *then* looks for a newer ring, and if there is
//! one clears there too. The grower publishes, *then* looks whether a word that it has copied has been cleared, and if so clears the
//! copy. A sequentially consistent fence between the steps of each makes sure that at least one of them sees the other's. Clearing is
//! by compare-and-swap of the very word, so twice does no harm.
//!
//! Until it is cleared, such a word leads only those astray who look for a block of which all entries have been popped: poppers whose
//! claim is going to fail.

use std::marker::PhantomData;
use std::ptr;
#[cfg(not(loom))]
use std::sync::Mutex;
use std::sync::PoisonError;

#[cfg(loom)]
use loom::sync::Mutex;

use super::block::{Block, Blocks};
use super::rules::Rules;
use crate::atomic::{AtomicPtr, Ordering, fence};
use crate::fatal;
use crate::persistent::{self, Purpose};
use crate::tagged::{TAGS, Tagged};
use crate::unless_loom::const_unless_loom;

/// The longest that a ring may get. Numbers of blocks in use at once are less apart, so that tags tell them apart.
const LONGEST: usize = TAGS as usize / 2;

/// See the [module](self).
pub(super) struct Spine<T: 'static, const BLOCK: usize, R> {
    /// Null before the first push.
    ring: AtomicPtr<Ring<T, BLOCK>>,
    /// The number of the next block to be installed. Whoever holds the lock may install it, and replace the ring.
    next: Mutex<u64>,
    blocks: &'static Blocks<T, BLOCK>,
    rules: PhantomData<R>,
}

struct Ring<T: 'static, const BLOCK: usize> {
    /// A power of two of them.
    words: &'static [AtomicPtr<Block<T, BLOCK>>],
}

impl<T, const BLOCK: usize, R> Spine<T, BLOCK, R> {
    const_unless_loom! {
        /// A spine without blocks, of which the first is going to have this number.
        pub(super) fn starting_at(number: u64, blocks: &'static Blocks<T, BLOCK>) -> Self {
            Spine { ring: AtomicPtr::new(ptr::null_mut()), next: Mutex::new(number), blocks, rules: PhantomData }
        }
    }
}

impl<T, const BLOCK: usize, R: Rules> Spine<T, BLOCK, R> {
    /// The block of a number. `None`: it is not installed yet, or has been freed.
    pub(super) fn find(&self, number: u64) -> Option<&'static Block<T, BLOCK>> {
        // Acquire pairs with the release of `install`, of this block or a later one; with that of `free`, see `pop`.
        let word = Tagged::from_word(self.ring()?.word(number).load(Ordering::Acquire));
        if word.tag() != number % TAGS {
            return None;
        }
        // SAFETY: every word came from a `&'static Block`, or is null.
        unsafe { word.pointer().as_ref() }
    }

    /// The block of a number, for who has claimed a slot there, so that it cannot be freed.
    pub(super) fn find_or_install(&self, number: u64) -> &'static Block<T, BLOCK> {
        self.find(number).unwrap_or_else(|| {
            self.install(number);
            self.find(number).expect("a block with a push under way is installed")
        })
    }

    /// Installs blocks up to and with that of a number, unless somebody else has.
    #[cold]
    fn install(&self, number: u64) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..R::INSTALLS {
            if *next > number {
                return;
            }
            let word = Tagged::new(self.blocks.take(), *next).word();
            // Release pairs with the acquire of `find`: the block is seen as free ones are.
            self.ring_with_room(*next).word(*next).store(word, Ordering::Release);
            *next += 1;
        }
    }

    /// Takes off a block of which all entries have been popped, and gives it to others.
    pub(super) fn free(&self, number: u64, block: &'static Block<T, BLOCK>) {
        let mut ring = self.ring().expect("a block that is freed was installed");
        loop {
            ring.remove(Tagged::new(block, number).word());
            // SeqCst pairs with the fence of `grow`: either we see the new ring, or the grower sees the word cleared.
            fence(Ordering::SeqCst);
            let now = self.ring().expect("there is a ring for ever once there is one");
            if ptr::eq(now, ring) {
                break;
            }
            ring = now;
        }
        self.blocks.give(block);
    }

    /// The current ring.
    fn ring(&self) -> Option<&'static Ring<T, BLOCK>> {
        // Acquire pairs with the release of `publish`: the words that were copied are seen.
        let ring = self.ring.load(Ordering::Acquire);
        // SAFETY: every ring came from a `&'static Ring`.
        unsafe { ring.as_ref() }
    }

    /// A ring where there is room for the next block. Only for who holds the lock.
    fn ring_with_room(&self, number: u64) -> &'static Ring<T, BLOCK> {
        let Some(ring) = self.ring() else {
            let first = Ring::make(1);
            self.publish(first);
            return first;
        };
        // Acquire pairs with the release of `remove`: who finds the next block there sees what came before.
        if ring.word(number).load(Ordering::Acquire).is_null() {
            return ring;
        }
        self.grow(ring)
    }

    /// Replaces the ring by one of twice the length. There is room for the next block, as the last ring's length of blocks is all there is.
    #[cold]
    fn grow(&self, old: &Ring<T, BLOCK>) -> &'static Ring<T, BLOCK> {
        let new = Ring::make(old.words.len() * 2);
        for word in old.words {
            // Acquire pairs with the release of `remove`, as in `ring_with_room`.
            let word = word.load(Ordering::Acquire);
            if !word.is_null() {
                // Relaxed: published with the ring.
                new.word(Tagged::from_word(word).tag()).store(word, Ordering::Relaxed);
            }
        }
        self.publish(new);
        // SeqCst pairs with the fence of `free`.
        fence(Ordering::SeqCst);
        for word in new.words {
            // Relaxed: nobody else installs, so there is nothing in this ring but what was copied.
            let word = word.load(Ordering::Relaxed);
            // Acquire as above.
            if !word.is_null() && old.word(Tagged::from_word(word).tag()).load(Ordering::Acquire).is_null() {
                new.remove(word);
            }
        }
        new
    }

    fn publish(&self, ring: &'static Ring<T, BLOCK>) {
        // Release pairs with the acquire of `ring`.
        self.ring.store(ptr::from_ref(ring).cast_mut(), Ordering::Release);
    }

    /// How many words are taken, and how many there are, while nobody uses the set.
    #[cfg(test)]
    pub(super) fn words(&self) -> (usize, usize) {
        let words = self.ring().map_or(&[][..], |ring| ring.words);
        (words.iter().filter(|word| !word.load(Ordering::Relaxed).is_null()).count(), words.len())
    }
}

impl<T, const BLOCK: usize> Ring<T, BLOCK> {
    /// A ring without blocks.
    fn make(len: usize) -> &'static Self {
        if len > LONGEST {
            fatal!("a span set of {len} blocks of {BLOCK}, more than there can be");
        }
        let words = persistent::leak_slice(len, Purpose::SpanSets, || AtomicPtr::new(ptr::null_mut()));
        match words.and_then(|words| persistent::leak(Ring { words }, Purpose::SpanSets)) {
            Some(ring) => ring,
            None => fatal!("out of memory for the spine of a span set, {} bytes", len * size_of::<usize>()),
        }
    }

    /// Where a block is, by its number, or by the tag, which has as many bits of it as matter here.
    fn word(&self, number: u64) -> &AtomicPtr<Block<T, BLOCK>> {
        &self.words[number as usize & (self.words.len() - 1)]
    }

    /// Clears a word, if it is there.
    fn remove(&self, word: *mut Block<T, BLOCK>) {
        // Release pairs with the acquire of who finds the place free. Relaxed on failure: then somebody else has cleared it.
        let _ = self.word(Tagged::from_word(word).tag()).compare_exchange(
            word,
            ptr::null_mut(),
            Ordering::Release,
            Ordering::Relaxed,
        );
    }
}
