//! `blockc`, with three ways to block.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use peer_common::{BLOCKC_SLEEPERS, BLOCKC_WORKERS, Job, compute_chunk, usleep_1ms};
use tokio::task::{block_in_place, spawn_blocking, yield_now};

use crate::countdown::Countdown;

pub async fn blockc(job: &'static Job) {
    static CHUNKS: AtomicU64 = AtomicU64::new(0);
    static STOP: AtomicBool = AtomicBool::new(false);
    let n = job.n(100);
    let countdown = Countdown::new(BLOCKC_SLEEPERS);
    let start = Instant::now();
    for _ in 0..BLOCKC_WORKERS {
        tokio::spawn(async {
            while !STOP.load(Ordering::Relaxed) {
                compute_chunk();
                CHUNKS.fetch_add(1, Ordering::Relaxed);
                yield_now().await;
            }
        });
    }
    for _ in 0..BLOCKC_SLEEPERS {
        tokio::spawn(async move {
            for _ in 0..n {
                match job.label.as_str() {
                    "tokio-bip" => block_in_place(usleep_1ms),
                    "tokio-sb" => spawn_blocking(usleep_1ms).await.expect("no panic"),
                    _ => usleep_1ms(),
                }
            }
            countdown.done();
        });
    }
    countdown.wait().await;
    let elapsed = start.elapsed();
    let chunks = CHUNKS.load(Ordering::Relaxed);
    STOP.store(true, Ordering::Relaxed);
    job.blockc(elapsed, chunks);
}
