//! The heap of the program: what there is in it, and whether it is sound.
//!
//! [`Heap`](crate::Heap) is an allocator made for many threads: each OS thread keeps free blocks of every size at hand, and takes and frees most of them without
//! an atomic operation, whichever thread had them before. What is not used goes back to the kernel within a second. `#[sward::main]`
//! installs it:
//!
//! ```standalone_crate
//! use sward::heap;
//!
//! #[sward::main]
//! fn main() {
//!     let before = heap::stats().in_use;
//!     let block = vec![1u8; 1 << 20];
//!     assert!(heap::stats().in_use - before >= 1 << 20);
//! #   drop(block);
//! }
//! ```
//!
//! A program without that attribute, be it for want of green threads, has the heap by a line of its own:
//!
//! ```
//! #[global_allocator]
//! static HEAP: sward::Heap = sward::Heap;
//! # let block = vec![1u8; 1 << 20];
//! # assert!(sward::heap::stats().large_blocks >= 1);
//! # drop(block);
//! ```
//!
//! In a program with another allocator the figures are zero, or nearly so.
//!
//! # Mistakes
//! A block that is freed twice, or that never was one, ends the process by an abort that names it. By default, only debug builds look for that
//! at each free. The environment decides for any build:
//!
//! | `SWARD_DEBUG` | what the heap checks |
//! |---|---|
//! | `heapcheck=0` | nothing: as fast as can be |
//! | `heapcheck=1` | each free; that nobody writes to what is free, which is filled with a pattern |
//! | `heapcheck=2` | also that nobody writes behind the end of a block |
//!
//! [`verify`] looks at all of it at once, whenever a test or a program wants to know.
//!
//! # Other tools
//! Under a sanitizer, and under the tools of valgrind that watch memory, the heap hands everything on to libc's allocator, which they have replaced.
//!
//! # Forks
//! A child of `fork` has a heap in good order, and may allocate and free. Blocks that other threads' caches had are lost to it.

pub use sward_mem::{ClassStats, Stats, Verified, stats, verify};
