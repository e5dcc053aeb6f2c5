//! Foreign calls of [sward](https://docs.rs/sward), a Go-class green-thread runtime: out of a green thread, and back into one. Programs use it as
//! `sward::ffi`.
//!
//! A green thread has a small stack, shares its OS thread with others, and may be on another one after each wait. C knows nothing of that. So:
//!
//! | what the function does | how to call it |
//! |---|---|
//! | may block, take long, or call back | [`call`](fn@call): on the OS thread's own stack, while other green threads go on |
//! | returns within microseconds, whatever happens | [`quick`]: on the OS thread's own stack |
//! | calls back into Rust | [`call`](fn@call), and [`callback`](fn@callback) in the function that is called |
//! | keeps a `void *` for its callbacks | [`Handle`] |
//! | wants to stay on one OS thread from call to call | `sward::thread::lock_os_thread` around both |
//!
//! `errno` is the caller's after a call, as in C, whichever OS thread that returns on.
//!
//! The order of events is in `sward_sched`: its `syscall` for calls, `callback` for callbacks, and `race` for what a race detector is told of them.

mod call;
mod callback;
pub mod check;
mod handle;
mod store;

pub use call::{call, quick};
pub use callback::callback;
pub use handle::Handle;
pub use store::store;
