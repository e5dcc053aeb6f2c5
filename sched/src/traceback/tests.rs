//! Walks of real coroutines' stacks: parked, interrupted, damaged.

#[cfg(not(loom))]
mod allocations;
mod coroutine;
mod damaged;
mod interrupted;
mod parked;
mod printed;
