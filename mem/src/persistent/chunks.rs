//! The list of all mappings of persistent memory. It only ever grows, at its front, so readers need no lock: what they have reached stays.
//!
//! A mapping's header is complete before a compare-and-swap makes it the first. Whoever reads the first one sees that header, hence the
//! next one, and so on to the end, each published before the one that leads to it.

use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::os;

/// Every mapping.
pub(super) static CHUNKS: Chunks = Chunks { first: AtomicPtr::new(ptr::null_mut()), mapped: AtomicUsize::new(0) };

/// See the [module](self).
pub(super) struct Chunks {
    first: AtomicPtr<Header>,
    /// In bytes.
    mapped: AtomicUsize,
}

/// What a mapping begins with.
struct Header {
    next: *mut Header,
    /// Of the mapping, in bytes.
    len: usize,
}

/// What a mapping has room for: zeroed memory behind its header.
pub(super) struct Room {
    pub(super) start: *mut u8,
    pub(super) end: *mut u8,
}

impl Chunks {
    /// Maps `len` bytes or somewhat more, and makes them members. `None`: the kernel refuses.
    pub(super) fn map(&self, len: usize) -> Option<Room> {
        let len = len.checked_next_multiple_of(os::page_size())?;
        let chunk = os::map(len)?;
        self.push(chunk.cast(), len);
        // Relaxed: a figure for people, ordered with nothing.
        self.mapped.fetch_add(len, Ordering::Relaxed);
        let start = chunk.as_ptr();
        Some(Room { start: start.wrapping_add(size_of::<Header>()), end: start.wrapping_add(len) })
    }

    fn push(&self, chunk: NonNull<Header>, len: usize) {
        // Acquire pairs with the release below, of another thread: its header was complete before ours leads to it.
        let mut first = self.first.load(Ordering::Acquire);
        loop {
            // SAFETY: the mapping is new, aligned to a page, longer than a header, and nobody else's before it is in the list.
            unsafe { chunk.write(Header { next: first, len }) };
            // Release pairs with the acquire of `mapping_of`, and of the next push: they see the header. Acquire on failure as above.
            match self.first.compare_exchange_weak(first, chunk.as_ptr(), Ordering::Release, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// The mapping that an address lies in.
    pub(super) fn mapping_of(&self, address: usize) -> Option<Range<usize>> {
        // Acquire pairs with the release of `push`.
        let mut chunk = self.first.load(Ordering::Acquire);
        // SAFETY: what is in the list is a header, complete before it got there, never changed or unmapped since.
        while let Some(header) = unsafe { chunk.as_ref() } {
            if address.wrapping_sub(chunk.addr()) < header.len {
                return Some(chunk.addr()..chunk.addr() + header.len);
            }
            chunk = header.next;
        }
        None
    }

    /// How many bytes there are in all.
    pub(super) fn mapped(&self) -> usize {
        // Relaxed: as in `map`.
        self.mapped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_from_the_first_byte_to_the_last() {
        let room = CHUNKS.map(10_000).unwrap();
        let (start, end) = (room.start.addr() - size_of::<Header>(), room.end.addr());
        assert_eq!((end - start) % os::page_size(), 0);
        assert!(end - start >= 10_000);
        assert!(
            [start, room.start.addr(), end - 1]
                .into_iter()
                .all(|address| CHUNKS.mapping_of(address) == Some(start..end))
        );
    }

    #[test]
    fn what_is_not_ours_is_no_member() {
        static STATIC: u8 = 0;
        let (on_stack, on_heap) = (0u8, Box::new(0u8));
        for address in
            [0, 1, usize::MAX, (&raw const STATIC).addr(), (&raw const on_stack).addr(), (&raw const *on_heap).addr()]
        {
            assert!(CHUNKS.mapping_of(address).is_none(), "{address:#x}");
        }
    }

    #[test]
    fn no_mapping_is_lost_to_another_pushed_at_the_same_time() {
        let chunks = Chunks { first: AtomicPtr::new(ptr::null_mut()), mapped: AtomicUsize::new(0) };
        let map = || {
            let start = chunks.map(4096).unwrap().start.addr();
            assert!(chunks.mapping_of(start).is_some());
            start
        };
        let rooms: Vec<_> = std::thread::scope(|s| {
            let threads: Vec<_> = (0..4).map(|_| s.spawn(|| Vec::from_iter((0..500).map(|_| map())))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert!(rooms.iter().all(|start| chunks.mapping_of(*start).is_some()));
        assert_eq!(chunks.mapped(), 4 * 500 * os::page_size());
    }
}
