//! Foreign calls of [sward](https://docs.rs/sward), a Go-class green-thread runtime: out of a green thread, and back into one. Programs use it as
//! `sward::ffi`.

mod call;

pub use call::{call, quick};
