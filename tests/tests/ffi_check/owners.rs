//! Whose memory is where.

use std::alloc::Layout;
use std::ptr;
use std::sync::atomic::AtomicU64;

use sward::ffi::check::{Owner, owner};
use sward_mem::persistent::{self, Purpose};
use sward_tests::run;

use crate::object;

fn owner_of<T>(place: *const T) -> Owner {
    owner(place.addr())
}

/// Checks the kind of owner, by its variant, and that its memory is around the place.
macro_rules! assert_owner {
    ($place:expr, $variant:ident) => {{
        let place = $place;
        match owner_of(place) {
            Owner::$variant(range) => assert!(range.contains(&place.addr()), "{range:x?} is not around {place:p}"),
            other => panic!("{place:p} is {other}"),
        }
    }};
}

fn is_foreign<T>(place: *const T) -> bool {
    matches!(owner_of(place), Owner::Foreign)
}

#[test]
fn the_heap_and_its_objects() {
    let object = object([0u64; 4]);
    assert!(matches!(owner_of(object.wrapping_byte_add(31)), Owner::Collected(found) if found.start == object.addr()));
    // SAFETY: nobody uses it any more.
    unsafe { crate::free(object) };
    // Under a sanitizer the heap is libc's.
    if sward::heap::stats().reserved != 0 {
        let (small, large) = (Box::new(0u64), vec![0u64; 100_000]);
        assert_owner!(&raw const *small, Heap);
        assert_owner!(&raw const large[99_999], Heap);
    }
}

#[test]
fn persistent_memory_of_any_size() {
    for size in [8, 1000, 64 << 10, 1 << 20] {
        let layout = Layout::from_size_align(size, 8).unwrap();
        let start = persistent::alloc(layout, Purpose::Profiles).expect("memory").as_ptr();
        assert_owner!(start.cast_const(), Persistent);
        assert_owner!(start.wrapping_add(size - 1).cast_const(), Persistent);
    }
}

#[test]
fn globals_of_the_program() {
    static WRITTEN: AtomicU64 = AtomicU64::new(7);
    static ZERO: AtomicU64 = AtomicU64::new(0);
    assert_owner!(&raw const WRITTEN, Globals);
    assert_owner!(&raw const ZERO, Globals);
    unsafe extern "C" {
        static stdin: *mut u8;
    }
    // One of C's.
    assert!(is_foreign(&raw const stdin));
}

#[test]
fn foreign_memory() {
    // SAFETY: malloc has no conditions.
    let block = unsafe { libc::malloc(100) };
    assert!(is_foreign(block));
    // SAFETY: it comes from there.
    unsafe { libc::free(block) };
    for address in [0, 1, 8, 4096, 1 << 47, usize::MAX - 7, usize::MAX] {
        assert!(is_foreign(ptr::without_provenance::<u8>(address)), "{address:#x}");
    }
    // Code, and what nobody writes to.
    assert!(is_foreign(foreign_memory as fn() as *const u8));
    assert!(is_foreign("text".as_ptr()));
}

#[test]
fn the_stack_of_an_os_thread() {
    let local = 0u64;
    assert_owner!(&raw const local, OwnStack);
    let other = (&raw const local).addr();
    std::thread::scope(|s| {
        s.spawn(move || {
            let local = [0u64; 1000];
            assert_owner!(&raw const local, OwnStack);
            // It cannot be told from memory of C's.
            assert!(matches!(owner(other), Owner::Foreign));
        });
    });
    // What has been left behind is nobody's.
    assert!(is_foreign((&raw const local).wrapping_byte_sub(64 << 10)));
}

#[test]
fn stacks_of_green_threads() {
    let local = run(|| {
        let local = 0u64;
        assert_owner!(&raw const local, GreenStack);
        let address = (&raw const local).addr();
        // Any green thread's.
        sward::spawn(move || assert!(matches!(owner(address), Owner::GreenStack(_)))).join().unwrap();
        let Owner::GreenStack(frames) = owner(address) else { unreachable!("as above") };
        for address in [frames.start - 1, frames.end, frames.end + 8] {
            assert!(!matches!(owner(address), Owner::GreenStack(range) if range == frames), "{address:#x}");
        }
        address
    });
    // Its stack stays readable, and is found from an OS thread.
    assert!(matches!(owner(local), Owner::GreenStack(_)));
}
