//! Memory that is never freed, for what lives as long as the process: the heap's own records, green threads, machines, processors.
//!
//! That it is never freed is its use. A pointer into it can be followed at any time: by a lock-free structure that reads a record
//! another thread has just taken out, by a signal handler, by a dump of a broken process. Who is done with a record keeps it for the next of its
//! kind.
//!
//! An owner, a thread's cache for instance, cuts its blocks off a chunk of 256 KiB of its own (`bump`); [`alloc`] has one for everybody,
//! behind a lock. Blocks of 64 KiB and more get a mapping of their own, so that a chunk never loses more than that to one that did not
//! fit. Every mapping begins with a header through which it is in one list (`chunks`), and [`contains`] walks that list, without locks, to
//! tell whether an address is of this memory.
//!
//! [`used`] accounts for it by purpose.

mod bump;
mod chunks;

use std::alloc::Layout;
use std::ops::Range;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use bump::Bump;
use chunks::CHUNKS;

/// What persistent memory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// What the heap knows of each span.
    Spans,
    /// The blocks and spines of span sets.
    SpanSets,
    /// The caches of threads.
    Caches,
    /// Profiles of the heap.
    Profiles,
    /// Green threads, without their stacks.
    GreenThreads,
    /// The scheduler's OS threads.
    Machines,
    /// The scheduler's processors.
    Processors,
    /// The netpoller's descriptors.
    Descriptors,
}

/// Bytes in use, by purpose.
static USED: [AtomicUsize; Purpose::Descriptors as usize + 1] = [const { AtomicUsize::new(0) }; _];

/// The chunk of all who have none of their own.
static SHARED: Mutex<Bump> = Mutex::new(Bump::new());

/// Allocates zeroed memory that is never freed. `None`: the kernel refuses.
///
/// ```
/// use std::alloc::Layout;
/// use sward_mem::persistent::{self, Purpose};
///
/// let block = persistent::alloc(Layout::new::<[u64; 4]>(), Purpose::Profiles).expect("memory").cast::<[u64; 4]>();
/// // SAFETY: the memory is new, of that layout, and zeros are numbers.
/// assert_eq!(unsafe { block.read() }, [0; 4]);
/// assert!(persistent::contains(block.as_ptr().cast()));
/// ```
///
/// # Panics
/// If the alignment is above 4096, the smallest page that a kernel has.
pub fn alloc(layout: Layout, purpose: Purpose) -> Option<NonNull<u8>> {
    lock().alloc(layout, purpose)
}

/// Moves `value` to memory that is never freed. `None`: the kernel refuses, and the value is dropped.
///
/// ```
/// use sward_mem::persistent::{self, Purpose};
///
/// let answer: &'static u32 = persistent::leak(42, Purpose::Profiles).expect("memory");
/// assert_eq!(*answer, 42);
/// ```
///
/// # Panics
/// As [`alloc`].
pub fn leak<T>(value: T, purpose: Purpose) -> Option<&'static T> {
    let place = alloc(Layout::new::<T>(), purpose)?.cast::<T>();
    // SAFETY: the memory is new and of the layout of a `T`; it stays for ever, and there is no other pointer to it.
    unsafe {
        place.write(value);
        Some(place.as_ref())
    }
}

/// Makes `len` values, one by one, in memory that is never freed. `None`: the kernel refuses, and no value was made.
///
/// ```
/// use sward_mem::persistent::{self, Purpose};
///
/// let mut squares = (0..).map(|n| n * n);
/// let squares = persistent::leak_slice(4, Purpose::Profiles, || squares.next().expect("endless"));
/// assert_eq!(squares, Some(&[0, 1, 4, 9][..]));
/// ```
///
/// # Panics
/// As [`alloc`], and when `make` does; what it had made is then leaked.
pub fn leak_slice<T>(len: usize, purpose: Purpose, mut make: impl FnMut() -> T) -> Option<&'static [T]> {
    let start = alloc(Layout::array::<T>(len).ok()?, purpose)?.cast::<T>();
    // SAFETY: the memory is new and of the layout of `len` of `T`; each is written before the slice is made, and nobody else points there.
    unsafe {
        (0..len).for_each(|index| start.add(index).write(make()));
        Some(slice::from_raw_parts(start.as_ptr(), len))
    }
}

/// Whether an address is one of persistent memory. Takes no lock, and time in proportion to [`mapped`].
pub fn contains(p: *const ()) -> bool {
    mapping_of(p).is_some()
}

/// The addresses of the mapping of persistent memory that an address is in: memory around it that is there for ever, in which blocks are. Takes no
/// lock, like [`contains`].
pub fn mapping_of(p: *const ()) -> Option<Range<usize>> {
    CHUNKS.mapping_of(p.addr())
}

/// How many bytes are in use for a purpose.
pub fn used(purpose: Purpose) -> usize {
    // Relaxed: a figure for people, ordered with nothing.
    USED[purpose as usize].load(Ordering::Relaxed)
}

/// How many bytes of persistent memory there are, those in no use yet with them.
pub fn mapped() -> usize {
    CHUNKS.mapped()
}

/// Keeps [`alloc`] out until the guard is dropped: for `fork`, whose child must not find the lock held by a thread that it has not.
pub(crate) fn lock() -> MutexGuard<'static, Bump> {
    // A panic about an alignment leaves the chunk as it was.
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_where_they_are_put() {
        let words: Vec<_> = (0..100_000u64).map(|n| leak(n, Purpose::SpanSets).unwrap()).collect();
        assert!(words.iter().zip(0..).all(|(word, n)| **word == n));
        assert!(words.iter().all(|word| contains((*word as *const u64).cast())));
    }

    #[test]
    fn use_is_accounted_for_by_purpose() {
        // No other test has this purpose.
        let before = used(Purpose::Machines);
        leak([0u8; 100], Purpose::Machines).unwrap();
        leak_slice(70_000, Purpose::Machines, || 0u8).unwrap();
        assert_eq!(used(Purpose::Machines) - before, 70_100);
        assert!(mapped() >= 70_100);
    }

    #[test]
    fn a_refusal_is_no_panic() {
        assert_eq!(alloc(Layout::from_size_align(1 << 60, 8).unwrap(), Purpose::Caches), None);
        assert!(leak_slice(usize::MAX, Purpose::Caches, || 0u64).is_none());
    }

    #[test]
    fn the_lock_keeps_others_out() {
        let guard = lock();
        let other = std::thread::spawn(|| leak(1u8, Purpose::Caches).is_some());
        assert!(SHARED.try_lock().is_err());
        drop(guard);
        assert!(other.join().unwrap());
    }
}
