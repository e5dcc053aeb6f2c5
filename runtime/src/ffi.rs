//! Foreign calls out of green threads, and callbacks into them.
//!
//! A green thread has a small stack, shares its OS thread with others, and may be on another one after each wait. C knows nothing of that. So:
//!
//! | what the function does | how to call it |
//! |---|---|
//! | may block, take long, or call back | [`call`], or a wrapper by [`#[ffi::import]`](import) that does it: on the OS thread's own stack, while other green threads go on |
//! | returns within microseconds, whatever happens | [`quick`], or `#[ffi::import(quick)]` |
//! | calls back into Rust | [`call`], and [`callback`] in the function that is called; also on threads that C has made |
//! | keeps a `void *` for its callbacks | [`Handle`] |
//! | wants to stay on one OS thread from call to call | [`lock_os_thread`](crate::thread::lock_os_thread) around both |
//!
//! `errno` is the caller's after a call, as in C, whichever OS thread that returns on.
//!
//! ```
//! use std::ffi::{c_char, c_int};
//! use sward::ffi;
//!
//! #[ffi::import]
//! unsafe extern "C" {
//!     /// Sleeps for this many microseconds; -1 if a signal has cut that short.
//!     safe fn usleep(microseconds: u32) -> c_int;
//! }
//!
//! #[ffi::import(quick)]
//! unsafe extern "C" {
//!     unsafe fn strlen(text: *const c_char) -> usize;
//! }
//!
//! sward::run(|| {
//!     let others = sward::spawn(|| 6 * 7);
//!     usleep(1_000);
//!     assert_eq!(others.join().unwrap(), 42);
//!     // SAFETY: a C string.
//!     assert_eq!(unsafe { strlen(c"green".as_ptr()) }, 5);
//! });
//! ```

#[doc(hidden)]
pub use sward_ffi::check;
#[doc(inline)]
pub use sward_ffi::{Handle, call, callback, quick, store};
pub use sward_macros::import;
