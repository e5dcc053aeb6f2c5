//! Calls out of green threads.

/// Runs `f`, which calls a foreign function that may block.
pub fn call<R>(f: impl FnOnce() -> R) -> R {
    sward_sched::unblock(f)
}

/// Runs `f`, which calls a foreign function that soon returns.
pub fn quick<R>(f: impl FnOnce() -> R) -> R {
    f()
}
