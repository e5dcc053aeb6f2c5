//! `yield` and `yield1`.

use std::time::Instant;

use may::coroutine::yield_now;
use may::go;
use peer_common::{Job, YIELDS};

use crate::countdown::Countdown;

pub fn many(job: &Job) {
    let n = job.n(1_000);
    let countdown = Countdown::new(n);
    let start = Instant::now();
    for _ in 0..n {
        go!(|| {
            for _ in 0..YIELDS {
                yield_now();
            }
            countdown.done();
        });
    }
    countdown.wait();
    job.ns_per_op("yield", start.elapsed(), n * YIELDS);
}

pub fn alone(job: &Job) {
    let n = job.n(1_000_000);
    let start = Instant::now();
    for _ in 0..n {
        yield_now();
    }
    job.ns_per_op("yield1", start.elapsed(), n);
}
