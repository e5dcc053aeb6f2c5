//! The foreign-memory check: what C gets to see must not hold pointers that only the collector can follow.
//!
//! The collector knows the pointers that are in memory of ours. What C keeps it does not know, nor what C reads while it runs: an object that only C
//! has a pointer to is freed under it. So there are rules, Go's, and they are checked:
//!
//! 1. **Arguments** (level 1). What a foreign function is passed may point to a collected object, for as long as the call takes. But the memory that
//!    it points to, if it is ours, may not hold a pointer to a collected object, unless that is pinned.
//! 2. **Results** (level 1). What a callback returns to C may not be or hold such a pointer at all: C keeps it.
//! 3. **Stores** (level 2). What [`store`](crate::store()) writes to memory that is not ours may not either.
//!
//! A violation ends the process with a message that says what was passed, where in it the pointer was found, and which object it points to. Going on
//! would mean a block that is freed while C uses it: some other day, in some other place.
//!
//! # What is ours
//! `owner` tells by the address alone: collected objects, the heap's blocks, stacks, the program's globals, persistent memory. Memory of C's is C's
//! business, so it is not looked into.
//!
//! # What is looked at
//! Rust does not keep types until it runs, so memory is looked at word by word: each aligned word that is an address within a collected object is a
//! pointer to it (`scan`). Numbers and text can thus be mistaken for a pointer only where they may lie in memory as a pointer does: what has an
//! alignment below eight, and so all text, buffers of bytes and arrays of C's `int`, is never looked into. How far memory goes is taken from
//! the type of the argument where that says it, and from the owner where it does not (`pointer`).
//!
//! What is looked at is mapped, whatever the pointer is: nothing is read but within the bounds that the owner knows.
//!
//! It goes one step further than what is passed: a pinned object that is pointed to from there is looked into, and so is the word of a global that is.
//!
//! # What it costs
//! Without collected objects, a load and a branch for each call. With them, a look at each word of what is passed.
//!
//! # Rejected
//! - *Following pointers as far as they go*, as a collector does: whoever passes C a pointer to a structure of the program's would have it all
//!   looked at with each call.
//! - *Looking into blocks of the heap that are pointed to from what is passed*: C may have pointers to what Rust owns, and it is Rust's types that
//!   say what C makes of it.

mod level;
mod owner;
mod pointer;
mod scan;
mod violation;

use std::panic::Location;

use sward_mem::collected;

pub use level::Level;
pub use owner::{Owner, owner};
pub use pointer::Pointer;

use pointer::{Extent, Place};
use scan::scan;
use violation::{Deed, Violation};

/// Whether there may be anything to look for: whether there are any collected objects.
#[inline(always)]
pub fn is_needed() -> bool {
    collected::any()
}

/// Checks the arguments of a call, which `look` shows one after the other, if the level says so.
#[cold]
#[inline(never)]
pub fn arguments(function: &'static str, look: impl FnOnce(&Call)) {
    if Level::get() >= Level::Arguments {
        look(&Call { function });
    }
}

/// A call whose arguments are being checked.
#[derive(Debug)]
pub struct Call {
    function: &'static str,
}

impl Call {
    /// Looks at an argument that is a pointer. What it points to is as large as its type, and a raw pointer may point to several.
    pub fn pointer<P: Pointer>(&self, argument: &'static str, pointer: &P) {
        self.look_into(argument, pointer.place());
    }

    /// Looks at an argument that is a pointer whose type does not say what it points to.
    pub fn untyped<P: Pointer>(&self, argument: &'static str, pointer: &P) {
        self.look_into(argument, Place { extent: Extent::Unknown, ..pointer.place() });
    }

    /// Looks at an argument of any type: each word in it may be a pointer.
    pub fn value<T>(&self, argument: &'static str, value: &T) {
        for (_, address) in scan::words(scan::range_of(value)) {
            self.look_into(argument, Place { address, extent: Extent::Unknown });
        }
    }

    fn look_into(&self, argument: &'static str, place: Place) {
        if let Some(found) = place.memory(&owner(place.address)).and_then(scan) {
            Violation { deed: Deed::Passed { function: self.function, argument }, found }.report();
        }
    }
}

/// Checks what a callback is about to return to C.
#[inline]
#[track_caller]
pub fn result<T>(value: &T) {
    if is_needed() {
        look_at_result(value, Location::caller());
    }
}

#[cold]
#[inline(never)]
fn look_at_result<T>(value: &T, at: &'static Location<'static>) {
    if Level::get() < Level::Arguments {
        return;
    }
    if let Some(found) = scan(scan::range_of(value)) {
        Violation { deed: Deed::Returned { at }, found }.report();
    }
}

/// Checks what is about to be stored at `to`.
#[cold]
#[inline(never)]
pub(crate) fn stored<T>(to: *const T, value: &T, at: &'static Location<'static>) {
    if Level::get() < Level::Stores || !matches!(owner(to.addr()), Owner::Foreign) {
        return;
    }
    if let Some(found) = scan::unpinned(scan::range_of(value)) {
        Violation { deed: Deed::Stored { at, to: to.addr() }, found }.report();
    }
}
