//! `timers` and `hog`.

use std::time::{Duration, Instant};

use may::coroutine::sleep;
use may::go;
use peer_common::{Job, count_for_ever, cpu_time, sleeps};

use crate::countdown::Countdown;

pub fn timers(job: &Job) {
    let n = job.n(100_000);
    let countdown = Countdown::new(n);
    let (start, start_cpu) = (Instant::now(), cpu_time());
    for id in 0..n {
        go!(move || {
            sleeps(id).for_each(sleep);
            countdown.done();
        });
    }
    countdown.wait();
    job.timers(start.elapsed(), cpu_time() - start_cpu, n);
}

pub fn hog(job: &'static Job) {
    job.give_up_on_hog();
    let nap = Duration::from_millis(1);
    sleep(nap);
    for _ in 0..job.procs {
        go!(count_for_ever);
    }
    let late = (0..job.n(100)).map(|_| {
        let start = Instant::now();
        sleep(nap);
        start.elapsed() - nap
    });
    job.hog(late.collect());
}
