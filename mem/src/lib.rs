//! The heap of [sward](https://docs.rs/sward), a Go-class green-thread runtime: a global allocator, and memory that is never freed. Programs that use
//! green threads get it by the crate `sward`; others may use it as it is.
//!
//! ```
//! #[global_allocator]
//! static HEAP: sward_mem::Heap = sward_mem::Heap;
//!
//! let squares: Vec<Box<u64>> = (0..1000).map(|n| Box::new(n * n)).collect();
//! assert_eq!(*squares[30], 900);
//! sward_mem::verify();
//! ```
//!
//! # From the bottom up
//! - `os` makes all system calls, `vast` has arrays in reserved address space.
//! - [`persistent`] is memory for what lives as long as the process. All records below live there, so that pointers to them need no care.
//! - `tagged_stack` and `span_set` are lock-free: what is free of a kind, and a queue without end.
//! - `pages` knows which pages of an address space are free.
//! - `vacancies` says which blocks of a span are free, and who sees to the span. `gate` brings everything to rest.
//! - `heap` makes an allocator of these: see its picture.
//! - [`collected`] has objects that a garbage collector is to look after: how they are found, and what is known of them.
//!
//! # Rules
//! - Nothing in here allocates, but by the kernel or from persistent memory: no `Vec`, no `format!`, no thread of std's.
//! - What may be left in the middle by a thread when the process forks is behind the gate.
//! - Nothing is found through a thread-local of Rust's, see `heap::tls`.
//! - Atomic orderings name what they pair with. Each lock-free structure has its loom models below it.

// Loom's atomics cannot be in statics, so there is no heap.
#![cfg_attr(loom, allow(dead_code, unused_imports))]

pub mod atomic;
mod fatal;
mod gate;
#[cfg(not(loom))]
mod heap;
mod os;
mod pages;
pub mod persistent;
mod span_set;
mod stderr;
mod tagged;
mod tagged_stack;
mod unless_loom;
mod vacancies;
mod vast;

pub use fatal::abort;
#[cfg(not(loom))]
pub use heap::{ClassStats, Heap, Stats, Verified, block_at, collected, profile, stats, threads, verify};
pub use stderr::RawStderr;

/// The size of a page of the heap, in bytes.
pub(crate) const PAGE: usize = 8 << 10;
