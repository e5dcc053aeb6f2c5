//! `sward::sync`, from outside: Go's core tests and std's own, in our words, with the names of those they are after; and what a program sees
//! when locks are misused.

mod barrier;
mod cells;
mod condvar;
mod mpsc;
mod mutex;
mod once;
mod reports;
mod rw_lock;
mod semaphore;
mod wait_group;
