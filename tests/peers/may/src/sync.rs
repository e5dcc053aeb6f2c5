//! `mutex`.

use std::sync::Arc;
use std::time::Instant;

use may::go;
use may::sync::Mutex;
use peer_common::{Job, MUTEX_TASKS};

use crate::countdown::Countdown;

pub fn mutex(job: &Job) {
    let n = job.n(500_000);
    let countdown = Countdown::new(MUTEX_TASKS);
    let total = Arc::new(Mutex::new(0));
    let start = Instant::now();
    for _ in 0..MUTEX_TASKS {
        let total = Arc::clone(&total);
        go!(move || {
            for _ in 0..n {
                *total.lock().expect("no holder panics") += 1;
            }
            countdown.done();
        });
    }
    countdown.wait();
    let elapsed = start.elapsed();
    assert_eq!(*total.lock().expect("no holder panics"), MUTEX_TASKS * n, "number of increments");
    job.ns_per_op("mutex", elapsed, MUTEX_TASKS * n);
}
