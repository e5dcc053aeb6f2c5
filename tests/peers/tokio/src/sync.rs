//! `mutex`, with tokio's mutex and with std's.

use std::sync::{self, Arc};
use std::time::Instant;

use peer_common::{Job, MUTEX_TASKS};
use tokio::sync::Mutex;

use crate::countdown::Countdown;

pub async fn mutex(job: &Job) {
    let n = job.n(500_000);
    let countdown = Countdown::new(MUTEX_TASKS);
    let total = Arc::new(Mutex::new(0));
    let start = Instant::now();
    for _ in 0..MUTEX_TASKS {
        let total = Arc::clone(&total);
        tokio::spawn(async move {
            for _ in 0..n {
                *total.lock().await += 1;
            }
            countdown.done();
        });
    }
    countdown.wait().await;
    let elapsed = start.elapsed();
    assert_eq!(*total.lock().await, MUTEX_TASKS * n, "number of increments");
    job.ns_per_op("mutex", elapsed, MUTEX_TASKS * n);
}

pub async fn std_mutex(job: &Job) {
    let n = job.n(500_000);
    let countdown = Countdown::new(MUTEX_TASKS);
    let total = Arc::new(sync::Mutex::new(0));
    let start = Instant::now();
    for _ in 0..MUTEX_TASKS {
        let total = Arc::clone(&total);
        tokio::spawn(async move {
            for _ in 0..n {
                *total.lock().expect("no holder panics") += 1;
            }
            countdown.done();
        });
    }
    countdown.wait().await;
    let elapsed = start.elapsed();
    assert_eq!(*total.lock().expect("no holder panics"), MUTEX_TASKS * n, "number of increments");
    job.ns_per_op("mutex", elapsed, MUTEX_TASKS * n);
}
