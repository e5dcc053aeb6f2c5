//! Walks of real coroutines' stacks: parked, interrupted, damaged.

mod allocations;
mod coroutine;
mod damaged;
mod interrupted;
mod parked;
mod printed;
