//! What it costs to call a C function that does next to nothing.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sward::ffi;

use super::output::{Output, check};

/// Calls the function `n` times as one that may block, then as one that soon returns.
pub fn ccall(n: u64, out: &Output) {
    // The compiler is not to know where the pointer leads: what it knows it may make part of the loop.
    let leaf_add: extern "C" fn(u64, u64) -> u64 = black_box(leaf_add);
    // As a wrapper of `#[ffi::import]` does it.
    out.ns_per_op("ccall", time(n, |acc| ffi::call(move || leaf_add(acc, 1))), n);
    out.ns_per_op("ccall_quick", time(n, |acc| ffi::quick(move || leaf_add(acc, 1))), n);
}

/// How long it takes to count to `n` by calls of `next`.
fn time(n: u64, next: impl Fn(u64) -> u64) -> Duration {
    let start = Instant::now();
    let counted = (0..n).fold(0, |acc, _| next(acc));
    let elapsed = start.elapsed();
    check("the sum", counted, n);
    elapsed
}

/// As a C compiler would have it.
extern "C" fn leaf_add(a: u64, b: u64) -> u64 {
    a.wrapping_add(b)
}
