//! Locks and their like: `std::sync` for green threads.
//!
//! Names, signatures and semantics are std's; [`WaitGroup`] is crossbeam's. A green thread that waits here costs no OS thread.
//! Everything works from plain OS threads too, and between the two kinds.
//!
//! Each primitive is an atomic word that settles the case in which nobody waits, and a queue of waiters behind a spin
//! lock for the other one. No code of the user runs under that spin lock.

mod mutex;
mod wait_group;
mod waiters;

pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak, atomic};

pub use mutex::{Mutex, MutexGuard};
pub use wait_group::WaitGroup;
