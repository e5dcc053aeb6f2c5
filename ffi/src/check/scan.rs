//! Looking at memory word by word.
//!
//! What is looked at may be anything: padding that was never written, a field that another thread writes to. To the compiler that is memory that must
//! not be read, so the words are read in assembly, which is taken as it is. Sanitizers do not see it either, and rightly: the program does nothing
//! wrong.

use std::arch::asm;
use std::ops::Range;

use sward_mem::collected::{self, Object};

use super::owner::is_global;

const WORD: usize = size_of::<usize>();

/// A pointer to an object that is not pinned.
#[derive(Debug)]
pub(super) struct Found {
    /// What was looked at.
    pub(super) memory: Range<usize>,
    /// Where the pointer is.
    pub(super) at: usize,
    pub(super) object: Object,
}

/// Looks for a pointer to an unpinned object: in this memory, and in what it leads to that C may then read, which are pinned objects and globals.
/// The memory is mapped.
pub(super) fn scan(memory: Range<usize>) -> Option<Found> {
    unpinned(memory.clone()).or_else(|| {
        words(memory).find_map(|(_, word)| match collected::find(word) {
            Some(object) => unpinned(object.range()),
            // How large it is nobody knows.
            None if is_global(word) => unpinned(word..word + WORD),
            None => None,
        })
    })
}

/// Looks for a pointer to an unpinned object in this memory alone, which is mapped.
pub(super) fn unpinned(memory: Range<usize>) -> Option<Found> {
    let pointers = words(memory.clone()).filter_map(|(at, word)| Some((at, collected::find(word)?)));
    let (at, object) = { pointers }.find(|(_, object)| !object.pinned)?;
    Some(Found { memory, at, object })
}

/// Each aligned word in a range of mapped memory, and its address.
pub(super) fn words(memory: Range<usize>) -> impl Iterator<Item = (usize, usize)> {
    let first = memory.start.next_multiple_of(WORD);
    let count = memory.end.saturating_sub(first) / WORD;
    (0..count).map(move |index| {
        let at = first + index * WORD;
        // SAFETY: the word is within the range, and aligned.
        (at, unsafe { read(at) })
    })
}

/// Where a value is.
pub(super) fn range_of<T>(value: &T) -> Range<usize> {
    let start = (&raw const *value).addr();
    start..start + size_of::<T>()
}

/// # Safety
/// The word is mapped, and aligned.
unsafe fn read(address: usize) -> usize {
    let word;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a load of mapped memory.
    unsafe {
        asm!("mov {}, [{}]", out(reg) word, in(reg) address, options(readonly, nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        asm!("ldr {}, [{}]", out(reg) word, in(reg) address, options(readonly, nostack, preserves_flags));
    }
    word
}
