//! Foreign calls out of green threads, and callbacks into them.
//!
//! ```
//! use sward::ffi;
//!
//! sward::run(|| {
//!     // SAFETY: getppid has no preconditions.
//!     let parent = ffi::call(|| unsafe { libc::getppid() });
//!     assert!(parent >= 0);
//! });
//! ```

#[doc(hidden)]
pub use sward_ffi::check;
#[doc(inline)]
pub use sward_ffi::{Handle, call, callback, quick, store};
pub use sward_macros::import;
