//! Foreign calls out of green threads, and callbacks into them.

pub use sward_ffi::{call, quick};
