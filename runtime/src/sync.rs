//! Locks and their like: `std::sync` for green threads.
//!
//! Names, signatures and semantics are std's; [`WaitGroup`] is crossbeam's, and [`Semaphore`] has tokio's names. A green thread that waits here
//! costs no OS thread. Everything works from plain OS threads too, and between the two kinds.
//!
//! Who waits shows in dumps and deadlock reports, with what it waits for, and for a [`Mutex`] with who holds it. Who locks a mutex that it
//! has locked already is told so, by a panic.
//!
//! Each primitive is an atomic word that settles the case in which nobody waits, and a queue of waiters behind a spin
//! lock for the other one; where the first case is not worth a word of its own, all is under the spin lock. No code of the user runs there.

mod barrier;
mod condvar;
mod lazy_lock;
pub mod mpsc;
mod mutex;
mod once;
mod once_lock;
mod raw_mutex;
mod rw_lock;
mod semaphore;
mod wait_group;
mod waiters;

pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak, atomic};

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use lazy_lock::LazyLock;
pub use mutex::{Mutex, MutexGuard};
pub use once::{Once, OnceState};
pub use once_lock::OnceLock;
pub use rw_lock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
pub use wait_group::WaitGroup;
