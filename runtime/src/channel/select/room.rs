//! Memory for one message of a type that is only known by its layout: where a [`Select`](super::Select) receives.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Messages of up to so many bytes need no memory of their own.
const SMALL: usize = 64;

/// See the [module](self). It may be moved, and the message with it.
pub(super) struct Room {
    here: Here,
    /// Where the message is if it is large, and the layout of that.
    there: Option<(NonNull<u8>, Layout)>,
}

#[repr(align(16))]
struct Here(MaybeUninit<[u8; SMALL]>);

impl Room {
    /// For messages of this layout, and smaller ones. Its size is not 0.
    pub(super) fn new(layout: Layout) -> Room {
        let is_small = layout.size() <= SMALL && layout.align() <= align_of::<Here>();
        Room { here: Here(MaybeUninit::uninit()), there: (!is_small).then(|| (allocate(layout), layout)) }
    }

    /// Where the message is, as long as the room is not moved.
    pub(super) fn place(&mut self) -> NonNull<()> {
        match self.there {
            Some((place, _)) => place.cast(),
            None => NonNull::from(&mut self.here.0).cast(),
        }
    }
}

fn allocate(layout: Layout) -> NonNull<u8> {
    // SAFETY: the size is not 0.
    let memory = unsafe { alloc(layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some((place, layout)) = self.there {
            // SAFETY: allocated by `new`.
            unsafe { dealloc(place.as_ptr(), layout) };
        }
    }
}
