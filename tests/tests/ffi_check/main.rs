//! The foreign-memory check, by the rows of Go's `ptr_test` and `pinner_test`: what a program may pass to C, return to it and store for it. Which of Go's
//! rows are not here, and why, is in the book's chapter on the check.
//!
//! A violation ends the process, so each row is a process of its own: this program once more, told the row. A row that fails says what it fails
//! with; with the check switched off it passes.

// Nothing for ThreadSanitizer: a hundred processes, each with one thread that passes something to C.
#![cfg(not(feature = "tsan"))]

mod arguments;
mod c;
mod harmless;
mod imports;
mod owners;
mod pins;
mod row;
mod stores;

use std::ptr::NonNull;

use sward_mem::collected;

/// A collected object that stays.
#[track_caller]
fn object<T>(value: T) -> *mut T {
    collected::alloc(value).expect("memory").as_ptr()
}

/// Pins the object at an address.
fn pin<T>(object: *const T) {
    collected::pin(object.addr());
}

/// Whether it is pinned.
fn is_pinned<T>(object: *const T) -> bool {
    collected::find(object.addr()).expect("an object").pinned
}

/// Ends an object.
///
/// # Safety
/// As for [`collected::free`].
unsafe fn free<T>(object: *mut T) {
    // SAFETY: the caller's promise.
    unsafe { collected::free(NonNull::new(object).expect("an object")) }
}
