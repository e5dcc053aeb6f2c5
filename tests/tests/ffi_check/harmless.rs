//! What the check must not mistake for anything, and must not stumble over: every kind of word, and pointers to nowhere.

use std::ptr;

use crate::c::{self, Text};
use crate::object;
use crate::row::{Row, passes, run};

/// Passes an address in each way there is.
fn pass_everywhere(address: usize) {
    let pointer = ptr::with_exposed_provenance_mut::<u8>(address);
    c::takes_struct(pointer.cast());
    c::takes_pointers(pointer.cast());
    c::takes_array(pointer.cast());
    c::takes_void(pointer.cast());
    c::takes_alias(pointer);
    c::takes_non_null(ptr::NonNull::new(pointer.cast()));
    c::takes_text(Text { p: pointer.cast(), n: address as isize });
    // As a word of what is passed.
    c::takes_lists(&raw const pointer as *const _);
    let mut words = vec![address; 100];
    c::takes_pointers(words.as_mut_ptr().cast());
}

const ROWS: &[Row] = &[
    passes("nowhere", || {
        object(0);
        for address in (0..usize::BITS).map(|bit| 1usize << bit) {
            for address in [address - 1, address, address + 1, address.wrapping_neg(), !address] {
                pass_everywhere(address);
            }
        }
    }),
    passes("blocks that are free", || {
        let live = object(0);
        for size in [1, 8, 100, 4096, 32 << 10, 1 << 20] {
            let block = vec![1u8; size];
            let (start, end) = (block.as_ptr().expose_provenance(), block.as_ptr_range().end.addr());
            pass_everywhere(end - 1);
            pass_everywhere(end);
            drop(block);
            pass_everywhere(start);
            pass_everywhere(end - 1);
        }
        c::takes_ints(live);
    }),
    passes("objects that are gone", || {
        object(0);
        let gone = object([1u64; 10_000]);
        // SAFETY: nobody uses it any more, but for its address.
        unsafe { crate::free(gone) };
        pass_everywhere(gone.addr());
        pass_everywhere(gone.addr() + 79_992);
    }),
    passes("the ends of an object", || {
        let object = object([1u64; 1024]);
        pass_everywhere(object.addr() - 1);
        pass_everywhere(object.addr() + 8192);
    }),
    passes("stacks", || {
        object(0);
        let local = 0u8;
        let here = (&raw const local).expose_provenance();
        // Guards, what is below them and above the stack, other stacks.
        for distance in (8..=24).map(|bit| 1usize << bit) {
            pass_everywhere(here & !(distance - 1));
            pass_everywhere((here & !(distance - 1)).wrapping_sub(8));
            pass_everywhere(here.wrapping_add(distance));
        }
    }),
    passes("big buffers and text", || {
        let object = object(0);
        let mut buffer: Vec<u64> = (0..1 << 16).collect();
        c::takes_void(buffer.as_mut_ptr().cast());
        // One word of the buffer is an address, but where no pointer would be.
        let mut bytes = vec![0u8; 1 << 16];
        bytes[9..17].copy_from_slice(&object.addr().to_ne_bytes());
        c::takes_void(bytes.as_mut_ptr().cast());
        // And of a type that has no pointers: it is not even looked at.
        bytes[..8].copy_from_slice(&object.addr().to_ne_bytes());
        c::takes_bytes(bytes.as_ptr());
        c::takes_strings([c"text".as_ptr()].as_ptr());
    }),
];

#[test]
fn nothing_harmless_is_refused() {
    run("harmless::nothing_harmless_is_refused", "2", ROWS);
}
