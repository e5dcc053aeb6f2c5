//! Go's `TestPinner…`: pins count, and what is pinned may be pointed to.

use std::any::Any;
use std::ffi::c_int;
use std::ptr;

use sward_mem::collected;

use crate::c::{self, Pointer};
use crate::row::{Row, fails, passes, run};
use crate::{free, is_pinned, object, pin};

fn unpin<T>(object: *const T) {
    collected::unpin(object.addr());
}

/// Passes C a place that holds this pointer.
fn pass_pointer_to<T>(object: *mut T) {
    c::takes_struct(&mut Pointer { p: object.cast() });
}

#[test]
fn pins_count() {
    // TestPinnerSimple
    let object = object([0i64; 3]);
    assert!(!is_pinned(object));
    pin(object);
    assert!(is_pinned(object));
    unpin(object);
    assert!(!is_pinned(object));
    // TestPinnerMultiplePinsSame, and TestPinnerTwoPinner: it does not matter who pins.
    for _ in 0..100 {
        pin(object);
    }
    for _ in 0..100 {
        assert!(is_pinned(object));
        unpin(object);
    }
    assert!(!is_pinned(object));
    // TestPinnerPinKeepsAliveAndReleases, as far as there is no collector: another object is not pinned by that.
    pin(object);
    let other = self::object([0i64; 3]);
    assert!(is_pinned(object) && !is_pinned(other));
    // SAFETY: nobody uses them any more.
    unsafe {
        free(object);
        free(other);
    }
    let next = self::object([0i64; 3]);
    assert!(!is_pinned(next), "whatever was there before");
    // SAFETY: as above.
    unsafe { free(next) };
}

/// TestPinnerPinTinyObj, TestPinnerPinZerosizeObj.
#[test]
fn objects_of_any_size_are_pinned_alone() {
    let objects: Vec<_> = (0..64).map(|_| object(true)).collect();
    let empty = object(());
    for object in &objects {
        pin(*object);
        pin(*object);
        assert!(!is_pinned(empty));
    }
    objects.iter().for_each(|object| unpin(*object));
    pin(empty);
    assert!(is_pinned(empty) && objects.iter().all(|object| is_pinned(*object)));
    objects.iter().for_each(|object| unpin(*object));
    assert!(!objects.iter().any(|object| is_pinned(*object)));
    // SAFETY: nobody uses them any more.
    unsafe {
        free(empty);
        objects.into_iter().for_each(|object| free(object));
    }
}

const ROWS: &[Row] = &[
    fails("Reuse, before", "`ps`", || pass_pointer_to(object(0))),
    passes("Reuse, pinned", || {
        let object = object(0);
        for _ in 0..2 {
            pin(object);
            pass_pointer_to(object);
            unpin(object);
        }
    }),
    fails("Reuse, after", "`ps`", || {
        let object = object(0);
        pin(object);
        unpin(object);
        pass_pointer_to(object);
    }),
    fails("CgoCheckPtr2Ptr", "`pp`", || c::takes_pointers(object((0i64, object(0))).cast())),
    passes("CgoCheckPtr2Ptr, pinned", || {
        let object = object(0);
        pin(object);
        c::takes_pointers(self::object((0i64, object)).cast());
    }),
    fails("CgoCheckPtr2UnsafePtr", "`p` of `takes_void`", || c::takes_void(object(object(0)).cast())),
    passes("CgoCheckPtr2UnsafePtr, pinned", || {
        let object = object(0);
        pin(object);
        c::takes_void(self::object(object).cast());
    }),
    fails("CgoCheckPtr2UnknownPtr", "`p` of `takes_void`", || {
        let mut pointer = object(0);
        c::takes_void((&raw mut pointer).cast());
    }),
    // The pointer to the value is the first half of what an interface is, and a `dyn` reference.
    fails("CgoCheckInterface", "`p` of `takes_void`", || {
        // SAFETY: the object stays.
        let mut interface: &dyn Any = unsafe { &*object(0) };
        c::takes_void((&raw mut interface).cast());
    }),
    fails("CgoCheckSlice", "`numbers` of `takes_rust`", || {
        // SAFETY: the object stays.
        let numbers: &[i32] = unsafe { &*object([1, 2, 3]) };
        c::takes_rust(&"", &numbers);
    }),
    passes("CgoCheckSlice, pinned", || {
        let numbers = object([1, 2, 3]);
        pin(numbers);
        // SAFETY: the object stays.
        let numbers: &[i32] = unsafe { &*numbers };
        c::takes_rust(&"", &&numbers[1..]);
    }),
    fails("CgoCheckString", "`text` of `takes_rust`", || {
        // SAFETY: the object stays.
        let text = unsafe { std::str::from_utf8_unchecked(&*object(*b"foobar")) };
        c::takes_rust(&text, &&[][..]);
    }),
    fails("CgoCheckPinned2UnpinnedPanics", "`pp`", || {
        let outer = object(object(0));
        pin(outer);
        c::takes_pointers(outer);
    }),
    fails("CgoCheckPtr2Pinned2Unpinned", "found:    at offset 0 of the 8 bytes", || {
        let middle: *mut *mut c_int = object(object(0));
        pin(middle);
        c::takes_pointers(object(middle).cast());
    }),
    passes("CgoCheckPtr2Pinned2Unpinned, pinned", || {
        let inner: *mut c_int = object(0);
        let middle = object(inner);
        pin(inner);
        pin(middle);
        c::takes_pointers(middle);
        c::takes_pointers(object(middle).cast());
    }),
    passes("pinned objects that point to each other", || {
        let one = object(ptr::null_mut::<c_int>());
        let other = object(one);
        pin(one);
        pin(other);
        // SAFETY: nobody else has it.
        unsafe { one.write(other.cast()) };
        c::takes_pointers(one);
    }),
];

#[test]
fn pinned_objects() {
    run("pins::pinned_objects", "1", ROWS);
}
