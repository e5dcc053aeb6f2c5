//! What is passed to C, and returned to it.

use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use sward::{channel, ffi};

use crate::c::{self, Either, IntAndPointer, Pointer, Text};
use crate::row::{Row, fails, fails_on_heap, passes, run};
use crate::{object, pin};

/// A C string of the program's.
static HELLO: [u8; 6] = *b"hello\0";
/// A list of such strings that has room for one.
static LIST: [AtomicPtr<c_char>; 1] = [AtomicPtr::new(ptr::null_mut())];

/// Calls when it is dropped, as Go's `defer` does when the function ends.
struct Defer<F: FnMut()>(F);

impl<F: FnMut()> Drop for Defer<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

const ROWS: &[Row] = &[
    fails("ptr1", "`ps` of `takes_struct`", || {
        let mut on_stack = Pointer { p: object(0) };
        c::takes_struct(&raw mut on_stack);
    }),
    fails_on_heap("ptr2", ", in a block of the heap\n", || {
        let mut on_heap = Box::new(Pointer { p: object(0) });
        c::takes_struct(&raw mut *on_heap);
    }),
    fails("ptr2, in a collected object", ", in a collected object (ffi_check::c::Pointer, 8 bytes at 0x", || {
        c::takes_struct(object(Pointer { p: object(0) }));
    }),
    passes("ok1", || {
        let mut pair = IntAndPointer { i: 0, p: object(0) };
        c::takes_ints(&raw mut pair.i);
        let pair = object(IntAndPointer { i: 0, p: object(0) });
        // SAFETY: a field of an object.
        c::takes_ints(unsafe { &raw mut (*pair).i });
        c::takes_ints(object(0));
    }),
    fails("ptrfield", "`pp` of `takes_pointers`", || {
        let mut pair = IntAndPointer { i: 0, p: object(0) };
        c::takes_pointers(&raw mut pair.p);
    }),
    passes("ptrfieldok", || {
        let pair = object([ptr::null_mut(), object(0)]);
        // SAFETY: nobody else has the object. A reference is to this field only.
        c::takes_reference(unsafe { &mut (*pair)[0] });
    }),
    passes("sliceok1", || {
        let mut pointers = vec![ptr::null_mut()];
        c::takes_pointers(pointers.as_mut_ptr());
    }),
    fails_on_heap("sliceptr1", "`pp` of `takes_pointers`", || {
        let mut pointers = vec![object(0)];
        c::takes_pointers(pointers.as_mut_ptr());
    }),
    fails_on_heap("sliceptr2", "found:    at offset 8 of the", || {
        let mut pointers = vec![ptr::null_mut(), object(0)];
        c::takes_pointers(pointers.as_mut_ptr());
    }),
    passes("sliceok2", || {
        struct S {
            _p: *mut c_int,
            pointers: Vec<*mut c_int>,
        }
        let mut s = Box::new(S { _p: object(0), pointers: vec![ptr::null_mut()] });
        c::takes_pointers(s.pointers.as_mut_ptr());
    }),
    passes("sliceok3", || {
        let s = Box::new((object(0), [0u8; 4]));
        c::takes_bytes(s.1[..].as_ptr());
    }),
    passes("sliceok4", || {
        let mut s = (object(0), [0u8; 4]);
        c::takes_alias(&raw mut s.1[0]);
    }),
    passes("varok", || {
        let strings = [HELLO.as_ptr().cast::<c_char>()];
        c::takes_strings(strings.as_ptr());
    }),
    fails("var1", "`lists` of `takes_lists`", || {
        LIST[0].store(object(0), Ordering::Relaxed);
        let lists = [(&raw const LIST).cast::<*const c_char>()];
        c::takes_lists(lists.as_ptr());
    }),
    fails("var1, itself", ", in a global\n", || {
        LIST[0].store(object(0), Ordering::Relaxed);
        c::takes_strings((&raw const LIST).cast());
    }),
    fails("export1", "a callback returns a pointer to a collected object that is not pinned", || {
        extern "C" fn exported() -> *mut u8 {
            ffi::callback(|| object(0))
        }
        c::returns_bytes(exported);
    }),
    passes("exportok", || {
        extern "C" fn exported() -> *mut u8 {
            // There is something to look for.
            object(0);
            // SAFETY: malloc has no conditions.
            ffi::callback(|| unsafe { libc::malloc(1) }.cast())
        }
        c::returns_bytes(exported);
    }),
    passes("passstring", || {
        let passed = Text { p: object(*b"a").cast(), n: 1 };
        let returned = c::takes_text(passed);
        assert_eq!((returned.p, returned.n), (passed.p, passed.n));
    }),
    fails("passstringslice", "`p` of `takes_void`", || {
        // SAFETY: the object stays.
        let text: &str = std::str::from_utf8(unsafe { &*object(*b"aa") }).unwrap();
        let mut strings = [text];
        c::takes_void((&raw mut strings[0]).cast());
    }),
    fails("retstring", "a callback returns", || {
        extern "C" fn exported() -> Text {
            ffi::callback(|| Text { p: object(*b"aa").cast(), n: 2 })
        }
        c::returns_text(exported);
    }),
    // What is in C's memory is C's.
    passes("ptrdata1", || {
        // SAFETY: a block of C's, which is large enough.
        unsafe {
            let numbers = libc::malloc(64).cast::<usize>();
            numbers.write(object(0).addr());
            c::takes_void(numbers.cast());
            c::takes_struct(numbers.cast());
        }
    }),
    fails("defer1", "`ps` of `takes_struct`", || {
        let place = object(Pointer { p: ptr::null_mut() });
        let _deferred = Defer(move || c::takes_struct(place));
        // SAFETY: nobody else has the object.
        unsafe { (*place).p = object(0) };
    }),
    passes("defer2", || {
        let mut list = Some(vec![ptr::null_mut()]);
        let first = list.as_mut().unwrap().as_mut_ptr();
        let _deferred = Defer(|| c::takes_pointers(first));
        std::mem::forget(list.take());
    }),
    fails("union1", "`pu` of `takes_union`", || {
        let mut union = Either { p: object(ptr::null_mut()) };
        c::takes_union(&raw mut union);
    }),
    // A union of a number alone. Its type is not known any more when the program runs, so here it counts what the argument is declared as.
    passes("union2", || {
        let mut number = object(0).addr() as c_ulong;
        c::takes_long(&raw mut number);
    }),
    fails("arraypointer1", "`array` of `takes_array`", || {
        let array = [ptr::null_mut(), object(0)];
        c::takes_array(&raw const array);
    }),
    passes("arraypointer2", || {
        let pair = object(0);
        let array = [ptr::null_mut(); 2];
        c::takes_array(&raw const array);
        c::takes_ints(pair);
    }),
    passes("preemptduringcall", || {
        let green: Vec<_> = (1..=20)
            .map(|procs| {
                sward::spawn(move || {
                    let mut value = Pointer { p: ptr::null_mut() };
                    object(0);
                    for _ in 0..20 {
                        c::takes_struct(&raw mut value);
                        sward::set_procs(procs % 3 + 1);
                    }
                })
            })
            .collect();
        green.into_iter().for_each(|thread| thread.join().unwrap());
    }),
    // An argument is evaluated once.
    passes("chanrecv", || {
        object(0);
        let (tx, rx) = channel::bounded(2);
        tx.send(vec![ptr::null_mut()]).unwrap();
        drop(tx);
        c::takes_pointers(rx.recv().unwrap().as_mut_ptr());
        rx.recv().unwrap_err();
    }),
    passes("structfield", || {
        let mut s = (object(0), [0u8; 8]);
        c::takes_bytes(s.1.as_mut_ptr());
    }),
    passes("buffer", || {
        object(0);
        let mut bytes = b"a".to_vec();
        c::takes_void(bytes.as_mut_ptr().cast());
    }),
    passes("structfieldcast", || {
        let mut s = (object(0), IntAndPointer { i: 0, p: ptr::null_mut() });
        c::takes_field(&mut s.1);
    }),
];

/// What Go has no row for: the ways in which Rust writes a pointer, and what is behind a pinned object.
const OTHERS: &[Row] = &[
    fails("a reference", "`field` of `takes_reference`", || c::takes_reference(&mut object(0))),
    fails("a reference in an option", "`field` of `takes_optional`", || c::takes_optional(Some(&object(0)))),
    fails("a pointer that is not null", "`field` of `takes_non_null`", || {
        let mut local = object(0);
        c::takes_non_null(ptr::NonNull::new(&raw mut local));
    }),
    fails("a union that is declared as one", "`pu` of `takes_union`", || {
        let mut number = object(0).addr() as c_ulong;
        c::takes_union((&raw mut number).cast());
    }),
    fails("all of an object", "found:    at offset 0 of the 16 bytes", || {
        let pair = object([object(0), ptr::null_mut()]);
        // SAFETY: a place in the object.
        c::takes_pointers(unsafe { &raw mut (*pair)[1] });
    }),
    fails("a value that points to an object", "`text` of `takes_text`", || {
        c::takes_text(Text { p: object(object(0)).cast(), n: 8 });
    }),
    fails("a pinned object that is pointed to", ", pinned)\n", || {
        let pinned = object([ptr::null_mut(), object(0)]);
        pin(pinned);
        c::takes_struct(&mut Pointer { p: pinned.cast() });
    }),
    fails("the type and its place", "object:   ffi_check::arguments::Named, 4 bytes at 0x", || {
        let mut pointer = object(Named(7)).cast::<c_void>();
        c::takes_void((&raw mut pointer).cast());
    }),
    fails("where it was allocated", concat!("allocated at ", file!()), || c::takes_reference(&mut object(0))),
];

/// What a message is to name.
struct Named(#[expect(dead_code, reason = "for its size")] i32);

#[test]
fn arguments_and_results() {
    run("arguments::arguments_and_results", "1", ROWS);
}

#[test]
fn other_arguments() {
    run("arguments::other_arguments", "1", OTHERS);
}
