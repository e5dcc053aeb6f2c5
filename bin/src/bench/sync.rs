//! What it costs to take a lock that others want too.

use std::sync::Arc;
use std::time::Instant;

use sward::sync::Mutex;

use super::countdown::Countdown;
use super::output::{Output, check};

/// Tasks that share the mutex.
const TASKS: u64 = 8;

/// Each task locks, adds one and unlocks, `n` times.
pub fn mutex(n: u64, out: &Output) {
    let countdown = Countdown::new(TASKS);
    let total = Arc::new(Mutex::new(0));
    let start = Instant::now();
    for _ in 0..TASKS {
        let total = Arc::clone(&total);
        sward::spawn(move || {
            for _ in 0..n {
                *total.lock().expect("no holder panics") += 1;
            }
            countdown.done();
        });
    }
    countdown.wait();
    let elapsed = start.elapsed();
    check("the number of increments", *total.lock().expect("no holder panics"), TASKS * n);
    out.ns_per_op("mutex", elapsed, TASKS * n);
}
