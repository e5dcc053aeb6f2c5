//! `yield` and `yield1`.

use std::time::Instant;

use peer_common::{Job, YIELDS};
use tokio::task::yield_now;

use crate::countdown::Countdown;

pub async fn many(job: &Job) {
    let n = job.n(1_000);
    let countdown = Countdown::new(n);
    let start = Instant::now();
    for _ in 0..n {
        tokio::spawn(async {
            for _ in 0..YIELDS {
                yield_now().await;
            }
            countdown.done();
        });
    }
    countdown.wait().await;
    job.ns_per_op("yield", start.elapsed(), n * YIELDS);
}

pub async fn alone(job: &Job) {
    let n = job.n(1_000_000);
    let start = Instant::now();
    for _ in 0..n {
        yield_now().await;
    }
    job.ns_per_op("yield1", start.elapsed(), n);
}
