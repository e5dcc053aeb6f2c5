//! How well tasks that compute get on beside tasks that block in C.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::countdown::Countdown;
use super::output::Output;

/// Tasks that compute.
const WORKERS: u64 = 2;

/// Tasks that block.
const SLEEPERS: u64 = 64;

/// Two tasks compute and yield in turn while 64 others sleep 1 ms in C, `n` times each.
pub fn blockc(n: u64, out: &Output) {
    let countdown = Countdown::new(SLEEPERS);
    let chunks = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    for _ in 0..WORKERS {
        let (chunks, stop) = (Arc::clone(&chunks), Arc::clone(&stop));
        sward::spawn(move || {
            // Relaxed, here and below: a count and a wish to stop order nothing else.
            while !stop.load(Ordering::Relaxed) {
                black_box(compute_chunk());
                chunks.fetch_add(1, Ordering::Relaxed);
                sward::yield_now();
            }
        });
    }
    for _ in 0..SLEEPERS {
        sward::spawn(move || {
            for _ in 0..n {
                sward::ffi::call(usleep_1ms);
            }
            countdown.done();
        });
    }
    countdown.wait();
    let elapsed = start.elapsed();
    let done = chunks.load(Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    out.ms("blockc", elapsed);
    out.line("blockc_work", done as f64 / (elapsed.as_secs_f64() * 1e3), "chunks/ms");
}

/// Some 20 µs of work that no compiler can shorten: each step of a xorshift needs the last.
fn compute_chunk() -> u64 {
    let mut x = black_box(1_u64);
    for _ in 0..10_000 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    x
}

/// Blocks the calling OS thread in C for a millisecond.
fn usleep_1ms() {
    // SAFETY: usleep takes a number and touches no memory of ours.
    let usleep = || unsafe { libc::usleep(1_000) };
    // A signal cuts it short, and the runtime's own to a hog may come late, when the thread has begun to block.
    while usleep() != 0 {}
}
