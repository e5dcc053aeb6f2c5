//! Go's core tests of its scheduler, for ours: each in our own words, with the name of the one it is after.

mod deadlock;
mod locked;
mod panics;
mod progress;
mod queues;
