//! Collected objects: found from any address within, also while they come and go, and left alone by everything else.

mod common;

use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::program::{MODES, Program, in_each_mode};
use common::{Random, beside_threads, while_verified};
use sward_mem::collected;

#[global_allocator]
static HEAP: sward_mem::Heap = sward_mem::Heap;

/// An object that is aligned to more than a page of the heap.
#[repr(align(65536))]
struct Aligned(u8);

#[track_caller]
fn alloc<T>(value: T) -> NonNull<T> {
    collected::alloc(value).expect("memory")
}

/// # Safety
/// As for [`collected::free`].
unsafe fn free<T>(object: NonNull<T>) {
    // SAFETY: the caller's promise.
    unsafe { collected::free(object) }
}

#[test]
fn objects_are_found_from_any_address_within() {
    in_each_mode("objects_are_found_from_any_address_within", || {
        assert!(!collected::any());
        let line = line!() + 1;
        let object = alloc([1u16; 10_000]);
        assert!(collected::any());
        let start = object.addr().get();
        for address in [start, start + 1, start + 8192, start + 19_999] {
            let found = collected::find(address).expect("an object");
            assert_eq!((found.start, found.size, found.type_name), (start, 20_000, "[u16; 10000]"));
            assert_eq!((found.allocated_at.file(), found.allocated_at.line()), (file!(), line));
        }
        // Its pages are longer.
        for address in [start - 1, start + 20_000, start + 24_575, 0, usize::MAX] {
            assert!(collected::find(address).is_none(), "{address:#x}");
        }
        assert_eq!(sward_mem::block_at(start), None);
        // SAFETY: nobody uses it any more.
        unsafe { free(object) };
        assert!(!collected::any() && collected::find(start).is_none());
    });
}

#[test]
fn objects_of_any_size_and_alignment() {
    let (empty, aligned) = (alloc(()), alloc(Aligned(7)));
    let found = collected::find(empty.addr().get()).unwrap();
    assert_eq!((found.size, found.range().len()), (0, 1));
    assert_eq!(aligned.addr().get() % 65536, 0);
    // SAFETY: nobody else has them.
    unsafe {
        assert_eq!(aligned.as_ref().0, 7);
        free(empty);
        free(aligned);
    }
}

#[test]
fn an_object_is_dropped_when_it_ends() {
    struct Counts<'a>(&'a AtomicUsize);
    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let drops = AtomicUsize::new(0);
    let object = alloc(Counts(&drops));
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    // SAFETY: nobody uses it any more.
    unsafe { free(object) };
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn pins_count() {
    let object = alloc([0u64; 4]);
    let (start, within) = (object.addr().get(), object.addr().get() + 31);
    let is_pinned = || collected::find(start).unwrap().pinned;
    let fails = |what: &dyn Fn()| panic::catch_unwind(AssertUnwindSafe(what)).unwrap_err();
    for address in [start, within] {
        collected::pin(address);
    }
    for address in [within, start] {
        assert!(is_pinned());
        collected::unpin(address);
    }
    assert!(!is_pinned());
    fails(&|| collected::unpin(start));
    fails(&|| collected::pin(start + 32));
    // SAFETY: nobody uses it any more.
    unsafe { free(object) };
    fails(&|| collected::pin(start));
}

/// Makes an object, says where it is, and ends it.
fn come_and_go<T>(place: &AtomicUsize, value: T) {
    let object = alloc(value);
    place.store(object.addr().get(), Ordering::Relaxed);
    // SAFETY: nobody uses it any more, but for its address.
    unsafe { free(object) };
}

/// A reader that looks while an object's pages become another's sees the one or the other, as a whole, or none.
#[test]
fn objects_that_come_and_go_are_never_mixed_up() {
    in_each_mode("objects_that_come_and_go_are_never_mixed_up", || {
        let seen: [AtomicUsize; 16] = [const { AtomicUsize::new(0) }; 16];
        let looker = |number: u64| {
            let (seen, mut random) = (&seen, Random(number));
            move || {
                let address = seen[random.below(seen.len())].load(Ordering::Relaxed) + random.below(30_000);
                if let Some(found) = collected::find(address) {
                    assert!(found.range().contains(&address));
                    assert!(
                        matches!(
                            (found.size, found.type_name),
                            (1, "u8") | (9_000, "[u8; 9000]") | (20_000, "[u16; 10000]")
                        ),
                        "{found}"
                    );
                }
                // Any answer will do.
                black_box(sward_mem::block_at(address));
            }
        };
        beside_threads(2, looker, || {
            let mut random = Random(7);
            for round in 0..3_000 {
                let place = &seen[round % seen.len()];
                match random.below(4) {
                    0 => come_and_go(place, 1u8),
                    1 => come_and_go(place, [1u8; 9_000]),
                    2 => come_and_go(place, [1u16; 10_000]),
                    _ => place.store(vec![1u8; 40_000].as_ptr().addr(), Ordering::Relaxed),
                }
            }
        });
    });
}

#[test]
fn the_heap_is_in_order_with_objects_in_it() {
    in_each_mode("the_heap_is_in_order_with_objects_in_it", || {
        while_verified(|| {
            for round in 0..200 {
                let objects: Vec<_> = (0..round % 20).map(|_| alloc([0u64; 3_000])).collect();
                let before = sward_mem::stats();
                assert!(before.in_use >= objects.len() * 24_000, "{before}");
                // SAFETY: nobody uses them any more.
                objects.into_iter().for_each(|object| unsafe { free(object) });
            }
        });
    });
}

/// It is no block of the heap's.
#[test]
fn an_object_is_not_freed_as_a_block() {
    for mode in MODES {
        let test = "an_object_is_not_freed_as_a_block";
        Program::inside(test, || {
            let object = alloc([0u8; 40_000]);
            // SAFETY: none.
            drop(black_box(unsafe { Box::from_raw(object.as_ptr()) }));
        });
        let finished = Program::of(test).mode(mode).run().aborts();
        finished.says("fatal: invalid free of 0x").says("it is 0 bytes into a collected object, the span 0x");
    }
}

#[test]
fn blocks_are_found_from_any_address_within() {
    in_each_mode("blocks_are_found_from_any_address_within", || {
        for size in [1, 24, 1000, 30_000, 100_000, 10 << 20] {
            let block = vec![1u8; size];
            let start = block.as_ptr().addr();
            let found = sward_mem::block_at(start).expect("a block");
            assert!(found.start == start && found.len() >= size, "{size}: {found:?}");
            assert_eq!(sward_mem::block_at(start + size - 1), Some(found), "{size}");
            assert!(collected::find(start).is_none());
        }
        let large = vec![1u8; 1 << 20];
        let address = large.as_ptr().addr();
        drop(large);
        assert_eq!(sward_mem::block_at(address), None);
        let local = 0u8;
        for nowhere in [0, 1, usize::MAX, (&raw const local).addr(), (&raw const HEAP).addr()] {
            assert_eq!(sward_mem::block_at(nowhere), None, "{nowhere:#x}");
        }
    });
}
