//! An array so large that it is only ever there in part: reserved as a whole, so that it never moves, and memory from its start up to
//! where it has been grown. What the heap knows of each of its pages is in such arrays.

use std::marker::PhantomData;
use std::mem::{align_of, size_of};
use std::ptr::NonNull;
use std::slice;

use crate::atomic::{AtomicPtr, AtomicU64};
use crate::os::{self, OS_PAGE};

/// What may come into being as zeros.
///
/// # Safety
/// All bits zero is a valid value, and dropping one does nothing.
pub(crate) unsafe trait Zeroed {}
// SAFETY: zero is a number.
unsafe impl Zeroed for u8 {}
// SAFETY: as above.
unsafe impl Zeroed for u64 {}
// SAFETY: as above.
unsafe impl Zeroed for AtomicU64 {}
// SAFETY: zero is the null pointer.
unsafe impl<T> Zeroed for AtomicPtr<T> {}

/// See the [module](self).
pub(crate) struct Vast<T> {
    start: NonNull<T>,
    /// In elements.
    reserved: usize,
    /// In bytes.
    committed: usize,
    owns: PhantomData<T>,
}

// SAFETY: it is the sole owner of its elements, like a `Vec`.
unsafe impl<T: Send> Send for Vast<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Vast<T> {}

impl<T: Zeroed> Vast<T> {
    /// Room for `len` elements, none of which is there yet. `None`: there is not that much address space.
    pub(crate) fn reserve(len: usize) -> Option<Self> {
        const { assert!(align_of::<T>() <= OS_PAGE && size_of::<T>() != 0) };
        let bytes = len.checked_mul(size_of::<T>())?.next_multiple_of(os::page_size());
        Some(Vast { start: os::reserve(bytes)?.cast(), reserved: len, committed: 0, owns: PhantomData })
    }

    /// Makes the first `len` elements be there; new ones are zeros. Returns whether the kernel had the memory.
    #[must_use]
    pub(crate) fn grow(&mut self, len: usize) -> bool {
        assert!(len <= self.reserved, "{len} elements in an array of {}", self.reserved);
        let wanted = (len * size_of::<T>()).next_multiple_of(os::page_size());
        if wanted <= self.committed {
            return true;
        }
        // SAFETY: `committed` and `wanted` are within the reservation.
        let agreed = unsafe { os::commit(self.start.cast().byte_add(self.committed), wanted - self.committed) };
        if agreed {
            self.committed = wanted;
        }
        agreed
    }

    /// Where the array begins.
    pub(crate) fn start(&self) -> NonNull<T> {
        self.start
    }

    /// The elements that are there.
    pub(crate) fn as_slice(&self) -> &[T] {
        // SAFETY: this part is memory, zeros or what was written since, and ours alone.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len()) }
    }

    /// The elements that are there.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, and `self` is borrowed alone.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len()) }
    }

    fn len(&self) -> usize {
        self.reserved.min(self.committed / size_of::<T>())
    }
}

impl<T> Drop for Vast<T> {
    fn drop(&mut self) {
        // SAFETY: the reservation is this array's, and nobody can borrow from it any more.
        unsafe { os::unreserve(self.start.cast(), (self.reserved * size_of::<T>()).next_multiple_of(os::page_size())) };
    }
}
