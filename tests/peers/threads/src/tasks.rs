//! The workloads whose threads share at most a counter.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn as start_thread, yield_now};
use std::time::{Duration, Instant};

use peer_common::{
    BLOCKC_SLEEPERS, BLOCKC_WORKERS, Job, MUTEX_TASKS, SPAWN_BATCH, YIELDS, compute_chunk, count_for_ever, cpu_time,
    sleeps, usleep_1ms,
};

/// Waits until all of `threads` have ended.
fn wait(threads: impl Iterator<Item = JoinHandle<()>>) {
    // First start every one of them, then wait.
    let threads: Vec<_> = threads.collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}

pub fn spawn(job: &Job) {
    static LEFT: AtomicU64 = AtomicU64::new(0);
    let n = job.n(20_000);
    let start = Instant::now();
    for _ in 0..n / SPAWN_BATCH {
        LEFT.fetch_add(SPAWN_BATCH, Ordering::Relaxed);
        wait((0..SPAWN_BATCH).map(|_| {
            start_thread(|| {
                LEFT.fetch_sub(1, Ordering::Relaxed);
            })
        }));
    }
    let elapsed = start.elapsed();
    assert_eq!(LEFT.load(Ordering::Relaxed), 0, "threads that did not count themselves off");
    job.ns_per_op("spawn", elapsed, n);
}

pub fn yield_many(job: &Job) {
    let n = job.n(1_000);
    let start = Instant::now();
    wait((0..n).map(|_| start_thread(|| (0..YIELDS).for_each(|_| yield_now()))));
    job.ns_per_op("yield", start.elapsed(), n * YIELDS);
}

pub fn yield_alone(job: &Job) {
    let n = job.n(1_000_000);
    let start = Instant::now();
    (0..n).for_each(|_| yield_now());
    job.ns_per_op("yield1", start.elapsed(), n);
}

pub fn mutex(job: &Job) {
    let n = job.n(500_000);
    let total = Arc::new(Mutex::new(0));
    let start = Instant::now();
    wait((0..MUTEX_TASKS).map(|_| {
        let total = Arc::clone(&total);
        start_thread(move || {
            for _ in 0..n {
                *total.lock().expect("no holder panics") += 1;
            }
        })
    }));
    let elapsed = start.elapsed();
    assert_eq!(*total.lock().expect("no holder panics"), MUTEX_TASKS * n, "number of increments");
    job.ns_per_op("mutex", elapsed, MUTEX_TASKS * n);
}

pub fn timers(job: &Job) {
    let n = job.n(10_000);
    let (start, start_cpu) = (Instant::now(), cpu_time());
    wait((0..n).map(|id| start_thread(move || sleeps(id).for_each(sleep))));
    job.timers(start.elapsed(), cpu_time() - start_cpu, n);
}

pub fn hog(job: &'static Job) {
    job.give_up_on_hog();
    let nap = Duration::from_millis(1);
    sleep(nap);
    for _ in 0..job.procs {
        start_thread(count_for_ever);
    }
    let late = (0..job.n(100)).map(|_| {
        let start = Instant::now();
        sleep(nap);
        start.elapsed() - nap
    });
    job.hog(late.collect());
}

pub fn blockc(job: &Job) {
    static CHUNKS: AtomicU64 = AtomicU64::new(0);
    static STOP: AtomicBool = AtomicBool::new(false);
    let n = job.n(100);
    let start = Instant::now();
    for _ in 0..BLOCKC_WORKERS {
        start_thread(|| {
            while !STOP.load(Ordering::Relaxed) {
                compute_chunk();
                CHUNKS.fetch_add(1, Ordering::Relaxed);
                yield_now();
            }
        });
    }
    wait((0..BLOCKC_SLEEPERS).map(|_| start_thread(move || (0..n).for_each(|_| usleep_1ms()))));
    let elapsed = start.elapsed();
    let chunks = CHUNKS.load(Ordering::Relaxed);
    STOP.store(true, Ordering::Relaxed);
    job.blockc(elapsed, chunks);
}
