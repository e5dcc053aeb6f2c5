//! What is stored in memory that C sees, with `SWARD_FFICHECK=2`.

use std::alloc::Layout;
use std::ffi::{c_char, c_int};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use sward::ffi;
use sward_mem::persistent::{self, Purpose};

use crate::row::{Row, fails, passes, run};
use crate::{object, pin};

/// What C's `malloc` has: memory that is not ours, whatever the allocator of the program.
fn foreign<T>() -> *mut T {
    // SAFETY: malloc has no conditions.
    unsafe { libc::malloc(size_of::<T>()) }.cast()
}

/// Persistent memory for so many pointers.
fn persistent(len: usize) -> *mut *mut c_int {
    let layout = Layout::array::<*mut c_int>(len).unwrap();
    persistent::alloc(layout, Purpose::Profiles).expect("memory").as_ptr().cast()
}

/// More pointers than Go has a bitmap for.
const MANY: usize = 32769;

/// `struct { char *a[32769]; }`
#[repr(C)]
struct Large {
    a: [*mut c_char; MANY],
}

fn one_in_many() -> [*mut c_char; MANY] {
    let mut many = [ptr::null_mut(); MANY];
    many[MANY - 1] = object(0);
    many
}

/// Runs on a stack that has room for some copies of a large value.
fn on_large_stack(f: fn()) {
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(f).unwrap();
    thread.join().unwrap();
}

/// The message of a store.
const STORED: &str = "a pointer to a collected object that is not pinned is stored in foreign memory";

const ROWS: &[Row] = &[
    fails("barrier", concat!("by ", file!()), || {
        // SAFETY: it is as large as that.
        unsafe { ffi::store(foreign(), object(0)) };
    }),
    passes("barrierpinnedok", || {
        let pinned = object(0);
        pin(pinned);
        // SAFETY: as above.
        unsafe { ffi::store(foreign(), pinned) };
    }),
    fails("barrierstruct", STORED, || {
        let mut a = [ptr::null_mut(); 10];
        a[9] = object(0);
        // SAFETY: as above.
        unsafe { ffi::store(foreign::<[*mut c_int; 10]>(), a) };
    }),
    fails("barrierslice", STORED, || {
        let slots = foreign::<[*mut c_int; 10]>().cast::<*mut c_int>();
        for (index, pointer) in [ptr::null_mut(), object(0)].into_iter().enumerate() {
            // SAFETY: there are ten of them.
            unsafe { ffi::store(slots.add(index), pointer) };
        }
    }),
    fails("barriergcprogarray", "found:    at offset 262144 of the 262152 bytes", || {
        // SAFETY: as above.
        on_large_stack(|| unsafe { ffi::store(foreign(), one_in_many()) });
    }),
    fails("barriergcprogarrayheap", STORED, || {
        on_large_stack(|| {
            let on_heap = Box::new(one_in_many());
            // SAFETY: as above.
            unsafe { ffi::store(foreign(), *on_heap) };
        });
    }),
    fails("barriergcprogstruct", STORED, || {
        // SAFETY: as above.
        on_large_stack(|| unsafe { ffi::store(foreign(), Large { a: one_in_many() }) });
    }),
    fails("barriergcprogstructheap", STORED, || {
        on_large_stack(|| {
            let on_heap = Box::new(Large { a: one_in_many() });
            // SAFETY: as above.
            unsafe { ffi::store(foreign(), *on_heap) };
        });
    }),
    // Go's 23899: what the runtime keeps of a finalizer is in persistent memory, which is ours.
    passes("finalizer", || {
        // SAFETY: it is as large as that.
        unsafe { ffi::store(persistent(1), object(0)) };
    }),
    // Go's 28458: so are types that are made while the program runs. Blocks of 64 KiB and more are still foreign to Go.
    passes("structof", || {
        let large = persistent(MANY);
        // SAFETY: there are as many.
        unsafe { ffi::store(large.add(MANY - 1), object(0)) };
    }),
    // A deadline of the netpoller's, whose records are in persistent memory, too.
    passes("deadline", || {
        object(0);
        let socket = sward::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_micros(10))).unwrap();
        socket.recv(&mut [0]).unwrap_err();
    }),
];

/// What Go's barriers never see as foreign: memory of ours of each other kind.
const OURS: &[Row] = &[
    passes("a local", || {
        let mut local = ptr::null_mut();
        // SAFETY: a local.
        unsafe { ffi::store(&raw mut local, object(0)) };
        assert!(!local.is_null());
    }),
    passes("a global", || {
        static GLOBAL: AtomicPtr<c_int> = AtomicPtr::new(ptr::null_mut());
        let value = object(0);
        // SAFETY: nobody else has it.
        unsafe { ffi::store(GLOBAL.as_ptr(), value) };
        assert_eq!(GLOBAL.load(Ordering::Relaxed), value);
    }),
    passes("a collected object", || {
        // SAFETY: it is as large as that.
        unsafe { ffi::store(object(ptr::null_mut()), object(0)) };
    }),
    passes("numbers", || {
        object(0);
        // SAFETY: as above.
        unsafe { ffi::store(foreign(), [0, 1, usize::MAX]) };
    }),
    fails("a global of C's", STORED, || {
        unsafe extern "C" {
            static mut stdin: *mut c_int;
        }
        // SAFETY: the process ends at once.
        unsafe { ffi::store(&raw mut stdin, object(0)) };
    }),
];

#[test]
fn stores() {
    run("stores::stores", "2", ROWS);
}

#[test]
fn stores_in_memory_of_ours() {
    run("stores::stores_in_memory_of_ours", "2", OURS);
}

/// With less than that, stores are not checked.
#[test]
fn arguments_alone() {
    const ROWS: &[Row] = &[passes("barrier", || {
        // SAFETY: it is as large as that.
        unsafe { ffi::store(foreign(), object(0)) };
    })];
    run("stores::arguments_alone", "1", ROWS);
}
