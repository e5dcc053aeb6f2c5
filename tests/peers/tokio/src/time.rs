//! `timers` and `hog`.

use std::time::{Duration, Instant};

use peer_common::{Job, count_for_ever, cpu_time, sleeps};
use tokio::task::{block_in_place, spawn_blocking};
use tokio::time::sleep;

use crate::countdown::Countdown;

pub async fn timers(job: &Job) {
    let n = job.n(100_000);
    let countdown = Countdown::new(n);
    let (start, start_cpu) = (Instant::now(), cpu_time());
    for id in 0..n {
        tokio::spawn(async move {
            for nap in sleeps(id) {
                sleep(nap).await;
            }
            countdown.done();
        });
    }
    countdown.wait().await;
    job.timers(start.elapsed(), cpu_time() - start_cpu, n);
}

pub async fn hog(job: &'static Job) {
    job.give_up_on_hog();
    let nap = Duration::from_millis(1);
    sleep(nap).await;
    for _ in 0..job.procs {
        match job.label.as_str() {
            "tokio-bip" => drop(tokio::spawn(async { block_in_place(count_for_ever) })),
            "tokio-sb" => drop(spawn_blocking(count_for_ever)),
            _ => drop(tokio::spawn(async { count_for_ever() })),
        }
    }
    let mut late = Vec::new();
    for _ in 0..job.n(100) {
        let start = Instant::now();
        sleep(nap).await;
        late.push(start.elapsed() - nap);
    }
    job.hog(late);
}
