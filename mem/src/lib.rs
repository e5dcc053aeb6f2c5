//! The heap of [sward](https://docs.rs/sward).

pub mod atomic;
mod fatal;
mod os;
mod stderr;
mod vast;

pub use fatal::abort;
pub use stderr::RawStderr;
