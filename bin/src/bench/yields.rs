//! What it costs to let another task run: among many, and with nobody else there.

use std::time::Instant;

use super::countdown::Countdown;
use super::output::Output;

/// Yields of each task in `many`.
const YIELDS: u64 = 1_000;

/// `n` tasks that take turns.
pub fn many(n: u64, out: &Output) {
    let countdown = Countdown::new(n);
    let start = Instant::now();
    for _ in 0..n {
        sward::spawn(|| {
            for _ in 0..YIELDS {
                sward::yield_now();
            }
            countdown.done();
        });
    }
    countdown.wait();
    out.ns_per_op("yield", start.elapsed(), n * YIELDS);
}

/// One task that yields `n` times to nobody.
pub fn alone(n: u64, out: &Output) {
    let start = Instant::now();
    for _ in 0..n {
        sward::yield_now();
    }
    out.ns_per_op("yield1", start.elapsed(), n);
}
