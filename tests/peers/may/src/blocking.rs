//! `blockc`. may has no way to hand its worker over: the call blocks it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use may::coroutine::yield_now;
use may::go;
use peer_common::{BLOCKC_SLEEPERS, BLOCKC_WORKERS, Job, compute_chunk, usleep_1ms};

use crate::countdown::Countdown;

pub fn blockc(job: &Job) {
    static CHUNKS: AtomicU64 = AtomicU64::new(0);
    static STOP: AtomicBool = AtomicBool::new(false);
    let n = job.n(100);
    let countdown = Countdown::new(BLOCKC_SLEEPERS);
    let start = Instant::now();
    for _ in 0..BLOCKC_WORKERS {
        go!(|| {
            while !STOP.load(Ordering::Relaxed) {
                compute_chunk();
                CHUNKS.fetch_add(1, Ordering::Relaxed);
                yield_now();
            }
        });
    }
    for _ in 0..BLOCKC_SLEEPERS {
        go!(move || {
            for _ in 0..n {
                usleep_1ms();
            }
            countdown.done();
        });
    }
    countdown.wait();
    let elapsed = start.elapsed();
    let chunks = CHUNKS.load(Ordering::Relaxed);
    STOP.store(true, Ordering::Relaxed);
    job.blockc(elapsed, chunks);
}
