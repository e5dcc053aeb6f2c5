//! How far the memory goes that a pointer argument points to.
//!
//! | argument | what is looked at |
//! |---|---|
//! | `&T`, `&mut T` | the value |
//! | `*const T`, `*mut T`, `NonNull<T>` to a block of the heap | from there to the end of the block: it may be an array |
//! | the same, to a collected object | all of the object |
//! | the same, to a stack, a global, persistent memory | one `T` |
//! | `*const c_void`, or a pointer to a type without a size, to a block or an object | all of it |
//! | the same, to a stack, a global, persistent memory | one word: nothing says what is there |
//!
//! With an `Option` around it, each is what it is without. Null is no memory.

use std::ops::Range;
use std::ptr::NonNull;

use super::owner::Owner;

/// The size and the alignment of a pointer.
const WORD: usize = size_of::<usize>();

/// A type of pointers, as arguments of foreign functions have them.
pub trait Pointer {
    /// Where it points to, and what its type says of that.
    fn place(&self) -> Place;
}

/// What a pointer points to.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub(super) address: usize,
    pub(super) extent: Extent,
}

/// How far something goes, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Extent {
    /// It cannot hold a pointer.
    Nothing,
    Exactly(usize),
    /// One such element, or several.
    AtLeast(usize),
    Unknown,
}

impl Place {
    const NULL: Place = Place { address: 0, extent: Extent::Nothing };

    fn of_reference<T: ?Sized>(value: &T) -> Place {
        let extent = if align_of_val(value) < WORD { Extent::Nothing } else { Extent::Exactly(size_of_val(value)) };
        Place { address: (&raw const *value).addr(), extent }
    }

    fn of_pointer<T>(pointer: *const T) -> Place {
        let extent = match size_of::<T>() {
            0 => Extent::Unknown,
            _ if align_of::<T>() < WORD => Extent::Nothing,
            size => Extent::AtLeast(size),
        };
        Place { address: pointer.addr(), extent }
    }

    /// The memory to look at, if it is of this owner: all of it is mapped.
    pub(super) fn memory(self, owner: &Owner) -> Option<Range<usize>> {
        let Place { address, extent } = self;
        let known = match owner {
            Owner::Collected(object) => object.range(),
            Owner::Heap(range)
            | Owner::GreenStack(range)
            | Owner::OwnStack(range)
            | Owner::Globals(range)
            | Owner::Persistent(range) => range.clone(),
            Owner::Foreign => return None,
        };
        let wanted = match (extent, owner) {
            (Extent::Nothing, _) => return None,
            (Extent::Exactly(size), _) => address..address.saturating_add(size),
            (Extent::AtLeast(_) | Extent::Unknown, Owner::Collected(_)) => known.clone(),
            (Extent::AtLeast(_), Owner::Heap(_)) => address..known.end,
            (Extent::AtLeast(size), _) => address..address.saturating_add(size),
            (Extent::Unknown, Owner::Heap(_)) => known.clone(),
            (Extent::Unknown, _) => address..address.saturating_add(WORD),
        };
        Some(wanted.start..wanted.end.min(known.end))
    }
}

impl<T: ?Sized> Pointer for &T {
    fn place(&self) -> Place {
        Place::of_reference(*self)
    }
}

impl<T: ?Sized> Pointer for &mut T {
    fn place(&self) -> Place {
        Place::of_reference(*self)
    }
}

impl<T> Pointer for *const T {
    fn place(&self) -> Place {
        Place::of_pointer(*self)
    }
}

impl<T> Pointer for *mut T {
    fn place(&self) -> Place {
        Place::of_pointer(*self)
    }
}

impl<T> Pointer for NonNull<T> {
    fn place(&self) -> Place {
        Place::of_pointer(self.as_ptr())
    }
}

impl<P: Pointer> Pointer for Option<P> {
    fn place(&self) -> Place {
        self.as_ref().map_or(Place::NULL, Pointer::place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory of each kind, from 1000 to 2000.
    const RANGE: Range<usize> = 1000..2000;

    fn memory(extent: Extent, owner: &Owner) -> Option<Range<usize>> {
        Place { address: 1200, extent }.memory(owner)
    }

    #[test]
    fn how_far_memory_goes() {
        let (heap, global) = (Owner::Heap(RANGE), Owner::Globals(RANGE));
        for (extent, in_block, elsewhere) in [
            (Extent::Nothing, None, None),
            (Extent::Exactly(16), Some(1200..1216), Some(1200..1216)),
            (Extent::Exactly(5000), Some(1200..2000), Some(1200..2000)),
            (Extent::AtLeast(16), Some(1200..2000), Some(1200..1216)),
            (Extent::AtLeast(5000), Some(1200..2000), Some(1200..2000)),
            (Extent::Unknown, Some(1000..2000), Some(1200..1208)),
        ] {
            assert_eq!(memory(extent, &heap), in_block, "{extent:?}");
            assert_eq!(memory(extent, &global), elsewhere, "{extent:?}");
            for owner in [Owner::GreenStack(RANGE), Owner::OwnStack(RANGE), Owner::Persistent(RANGE)] {
                assert_eq!(memory(extent, &owner), elsewhere, "{extent:?}");
            }
            assert_eq!(memory(extent, &Owner::Foreign), None);
        }
    }

    #[test]
    fn what_types_say() {
        #[repr(C)]
        struct Opaque([u8; 0]);
        let place = |pointer: &dyn Pointer| format!("{:?}", pointer.place().extent);
        let words = [0usize; 3];
        assert_eq!(place(&&words), "Exactly(24)");
        assert_eq!(place(&&words[1..]), "Exactly(16)");
        assert_eq!(place(&&"text"), "Exactly(16)");
        assert_eq!(place(&"text"), "Nothing");
        assert_eq!(place(&&0u32), "Nothing");
        assert_eq!(place(&&raw const words), "AtLeast(24)");
        assert_eq!(place(&(&raw const words).cast::<u8>()), "Nothing");
        assert_eq!(place(&(&raw const words).cast::<Opaque>()), "Unknown");
        assert_eq!(place(&NonNull::<usize>::dangling()), "AtLeast(8)");
        assert_eq!(place(&Some(&mut [0usize; 2])), "Exactly(16)");
        assert_eq!(place(&None::<NonNull<usize>>), "Nothing");
    }
}
