//! `#[ffi::import]` on functions of the C library.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::atomic::{AtomicBool, Ordering};

use sward::{ffi, thread};
use sward_tests::{run, run_on};

#[ffi::import]
#[allow(dead_code)]
unsafe extern "C" {
    /// The environment, which stays what it is.
    static environ: *const *const c_char;

    safe fn usleep(us: c_uint) -> c_int;
    fn getenv(name: &c_char) -> Option<&'static c_char>;
    #[cfg(any())]
    fn there_is_no_such_function();
}

#[ffi::import(quick)]
unsafe extern "C" {
    pub(crate) safe fn getpid() -> c_int;
    #[link_name = "strlen"]
    #[must_use]
    fn length(text: *const c_char) -> usize;
    fn memcpy(to: *mut c_void, _: *const c_void, len: usize) -> *mut c_void;
    // An argument that is called what the function is.
    safe fn abs(abs: c_int) -> c_int;
    safe fn labs(raw: i64) -> i64;
    fn bsearch(
        key: *const c_void,
        base: *const c_void,
        nmemb: usize,
        size: usize,
        compare: unsafe extern "C" fn(*const c_void, *const c_void) -> c_int,
    ) -> *mut c_void;
}

#[test]
fn functions_are_called() {
    let check = || {
        assert_eq!(getpid(), std::process::id() as c_int);
        assert_eq!(abs(-7), 7);
        assert_eq!(labs(-8), 8);
        // SAFETY: strings of C's, and two arrays of that size.
        unsafe {
            assert_eq!(length(c"seven".as_ptr()), 5);
            let (from, mut to) = ([1u32, 2, 3], [0; 3]);
            assert_eq!(memcpy((&raw mut to).cast(), from.as_ptr().cast(), 12), (&raw mut to).cast());
            assert_eq!(to, from);
            assert!(!environ.is_null());
            assert!(getenv(&*c"PATH".as_ptr()).is_some());
            assert!(getenv(&*c"there is no such variable".as_ptr()).is_none());
        }
    };
    check();
    run(check);
}

/// Who sleeps in C does not hold others up, not even on the only P.
#[test]
fn others_go_on_during_a_call() {
    run_on(1, || {
        let done = AtomicBool::new(false);
        thread::scope(|s| {
            s.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(usleep(1000), 0);
                }
            });
            s.spawn(|| done.store(true, Ordering::Relaxed));
        });
    });
}
