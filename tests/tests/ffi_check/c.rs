//! The C side of the rows: functions that take something and look at none of it, as in Go's rows.

use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::ptr::NonNull;

use sward::ffi;

/// `struct { int *p; }`
#[repr(C)]
pub struct Pointer {
    pub p: *mut c_int,
}

/// `struct { int i; int *p; }`
#[repr(C)]
pub struct IntAndPointer {
    pub i: c_int,
    pub p: *mut c_int,
}

/// `struct { const char *p; ptrdiff_t n; }`: Go's string, and Rust's as far as C is concerned.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Text {
    pub p: *const c_char,
    pub n: isize,
}

/// `union { char **p; unsigned long i; }`
#[repr(C)]
pub union Either {
    pub p: *mut *mut c_char,
    pub i: c_ulong,
}

/// `typedef unsigned char *Bytes`
pub type Bytes = *mut u8;

#[ffi::import]
unsafe extern "C" {
    /// Calls back.
    pub safe fn returns_bytes(f: extern "C" fn() -> *mut u8) -> *mut u8;
    /// Calls back.
    pub safe fn returns_text(f: extern "C" fn() -> Text) -> Text;
}

#[ffi::import(quick)]
unsafe extern "C" {
    pub safe fn takes_struct(ps: *mut Pointer);
    pub safe fn takes_ints(p: *mut c_int);
    pub safe fn takes_pointers(pp: *mut *mut c_int);
    pub safe fn takes_reference(field: &mut *mut c_int);
    pub safe fn takes_optional(field: Option<&*mut c_int>);
    pub safe fn takes_non_null(field: Option<NonNull<*mut c_int>>);
    pub safe fn takes_array(array: *const [*mut c_int; 2]);
    pub safe fn takes_field(field: &mut IntAndPointer);
    pub safe fn takes_strings(argv: *const *const c_char);
    pub safe fn takes_lists(lists: *const *const *const c_char);
    pub safe fn takes_void(p: *mut c_void);
    pub safe fn takes_bytes(p: *const u8);
    pub safe fn takes_alias(p: Bytes);
    pub safe fn takes_union(pu: *mut Either);
    pub safe fn takes_long(p: *mut c_ulong);
    pub safe fn takes_text(text: Text) -> Text;
    #[expect(improper_ctypes, reason = "only their addresses are looked at")]
    pub safe fn takes_rust(text: &&str, numbers: &&[i32]);
}

/// The definitions: C's, but for the language.
mod definitions {
    use super::*;

    macro_rules! define {
        ($($name:ident($($argument:ty),*);)*) => {
            $(
                // SAFETY: nothing else has this name.
                #[unsafe(no_mangle)]
                extern "C" fn $name($(_: $argument),*) {}
            )*
        };
    }

    define! {
        takes_struct(*mut Pointer);
        takes_ints(*mut c_int);
        takes_pointers(*mut *mut c_int);
        takes_reference(&mut *mut c_int);
        takes_optional(Option<&*mut c_int>);
        takes_non_null(Option<NonNull<*mut c_int>>);
        takes_array(*const [*mut c_int; 2]);
        takes_field(&mut IntAndPointer);
        takes_strings(*const *const c_char);
        takes_lists(*const *const *const c_char);
        takes_void(*mut c_void);
        takes_bytes(*const u8);
        takes_alias(Bytes);
        takes_union(*mut Either);
        takes_long(*mut c_ulong);
        takes_rust(&&str, &&[i32]);
    }

    // SAFETY: nothing else has this name.
    #[unsafe(no_mangle)]
    extern "C" fn takes_text(text: Text) -> Text {
        text
    }

    // SAFETY: as above.
    #[unsafe(no_mangle)]
    extern "C" fn returns_bytes(f: extern "C" fn() -> *mut u8) -> *mut u8 {
        f()
    }

    // SAFETY: as above.
    #[unsafe(no_mangle)]
    extern "C" fn returns_text(f: extern "C" fn() -> Text) -> Text {
        f()
    }
}
