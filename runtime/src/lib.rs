//! Go-class green threads for Rust, on Linux: blocking style, std's names, no `async`.
//!
//! ```standalone_crate
//! # #[sward::main]
//! # fn main() {
//! use sward::channel;
//!
//! let (tx, rx) = channel::bounded(0);
//! for n in 1..=3 {
//!     let tx = tx.clone();
//!     sward::spawn(move || tx.send(n * n));
//! }
//! drop(tx);
//! assert_eq!(rx.iter().sum::<i32>(), 14);
//! # }
//! ```
//!
//! A green thread costs a few hundred bytes until it runs, and the stack that it touches from then on; millions fit in a process. Any
//! number of them run on as many OS threads as there are processors. One that waits, for a channel, a lock, a time, costs no OS thread;
//! one that blocks its OS thread ([`unblock`], [`fs`]) or computes for long holds nobody else up.
//!
//! Programs port by writing `sward::` for `std::`. Where std has no such thing, as for channels with many consumers, the names are
//! crossbeam-channel's; all else has Go's names.
//!
//! # What a green thread must not do
//! It may be on another OS thread after each wait. Rust's `thread_local!` does not know that: an address of a thread-local that is kept across a
//! wait points to another thread's variable afterwards. [`sward::thread_local!`](crate::thread_local!) has values that go with the green thread. Nor can a
//! lock of std's be held across a wait, a `std::sync::MutexGuard` or a `StdoutLock`: those of [`sync`] and [`io`] can.
//!
//! The runtime knows a green thread by its stack. Code that runs on yet another one, a coroutine of another library or a segment of `stacker`'s,
//! is an OS thread to it: a wait there holds up the OS thread, and the processor with it.
//!
//! Its stack is of a fixed size, 256 KiB unless asked for otherwise ([`thread::Builder::stack_size`], `SWARD_STACK`). One that overflows is
//! reported, with a traceback, and ends the process.

extern crate self as sward;

pub mod cancel;
pub mod channel;
mod config;
pub mod ffi;
pub mod fs;
pub mod heap;
pub mod io;
pub mod net;
mod panics;
pub mod process;
pub mod race;
pub mod rt;
pub mod settings;
mod start;
pub mod sync;
pub mod task;
pub mod thread;
pub mod time;

pub use config::{Config, ConfigError};
pub use start::{procs, run, set_procs};
pub use sward_macros::{main, test};
pub use sward_mem::Heap;
pub use sward_sched::unblock;
pub use thread::{spawn, yield_now};

/// Debug builds have the heap look at each free, so this tests it, too.
#[cfg(test)]
#[global_allocator]
static HEAP: Heap = Heap;
