//! The checked store.

use std::panic::Location;

use crate::check;

/// Writes `value` to `dst`, as [`ptr::write`](std::ptr::write) does: for memory that C sees.
///
/// With `SWARD_FFICHECK=2` it is checked. If `dst` is foreign memory, the value may not hold a pointer to a collected object that is not pinned: C
/// keeps the pointer, and the collector does not know that. A violation ends the process with a message. Memory of ours may hold such pointers:
/// stacks, globals, the heap, persistent memory. The stack of another OS thread can't be told from foreign memory.
///
/// # Safety
/// As for [`ptr::write`](std::ptr::write): `dst` is valid for writes, and aligned. The old value isn't dropped.
///
/// ```
/// use sward_ffi as ffi;
///
/// // SAFETY: a block for one number, which is freed once.
/// unsafe {
///     let number = libc::malloc(size_of::<u64>()).cast::<u64>();
///     ffi::store(number, 42);
///     assert_eq!(number.read(), 42);
///     libc::free(number.cast());
/// }
/// ```
#[inline]
#[track_caller]
pub unsafe fn store<T>(dst: *mut T, value: T) {
    if check::is_needed() {
        check::stored(dst, &value, Location::caller());
    }
    // SAFETY: the caller's promise.
    unsafe { dst.write(value) }
}
