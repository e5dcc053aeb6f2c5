//! Sleeping: how cheap it is for very many tasks at once, and how punctual beside tasks that never
//! let go of the CPU.

use std::hint::black_box;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use sward::thread;

use super::countdown::Countdown;
use super::output::{Output, check, sized};

/// Sleeping tasks that the metric `timers` stands for.
pub const SLEEPERS: u64 = 100_000;

/// Sleeps of each task in `timers`.
const SLEEPS: usize = 10;

/// How long `hog` may take before the sleeper counts as starved.
const HOG_LIMIT: Duration = Duration::from_secs(10);

/// `n` tasks that sleep ten times each, for times all of their own.
pub fn timers(n: u64, out: &Output) {
    let countdown = Countdown::new(n);
    let (start, start_cpu) = (Instant::now(), cpu_time());
    for id in 0..n {
        sward::spawn(move || {
            sleeps(id).for_each(thread::sleep);
            countdown.done();
        });
    }
    countdown.wait();
    let (elapsed, cpu) = (start.elapsed(), cpu_time() - start_cpu);
    let longest = (0..n).map(|id| sleeps(id).sum()).max().unwrap_or(Duration::ZERO);
    check("whether all sleeps lasted", elapsed >= longest, true);
    out.ms(&sized("timers", n, SLEEPERS), elapsed);
    out.ms(&sized("timers_cpu", n, SLEEPERS), cpu);
}

/// How long the task `id` sleeps each time: 1 to 20 ms, by a linear congruential generator.
fn sleeps(id: u64) -> impl Iterator<Item = Duration> {
    let next = |x: &u64| Some(x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407));
    let states = std::iter::successors(Some(id), next).skip(1);
    states.take(SLEEPS).map(|x| Duration::from_millis(1 + (x >> 33) % 20))
}

/// User and system time that this process has taken so far.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("Linux has this clock").into()
}

/// How late `n` sleeps of 1 ms end while every P has a task that counts for ever.
pub fn hog(n: u64, out: &Output) {
    give_up_after(HOG_LIMIT, out.clone());
    let nap = Duration::from_millis(1);
    thread::sleep(nap);
    for _ in 0..sward::procs() {
        sward::spawn(|| {
            let mut count = 0_u64;
            loop {
                count = black_box(count.wrapping_add(1));
            }
        });
    }
    let mut late: Vec<Duration> = (0..n)
        .map(|_| {
            let start = Instant::now();
            thread::sleep(nap);
            start.elapsed() - nap
        })
        .collect();
    late.sort_unstable();
    // Nearest rank: the smallest value that so many percent do not exceed.
    let percentile = |percent: usize| late[(late.len() * percent).div_ceil(100) - 1];
    out.ms("hog_p50", percentile(50));
    out.ms("hog_p99", percentile(99));
    out.ms("hog_max", percentile(100));
}

/// Ends the process when the sleeper has not run for too long. An OS thread watches, since the hogs
/// may have every P.
fn give_up_after(limit: Duration, out: Output) {
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        for metric in ["hog_p50", "hog_p99", "hog_max"] {
            out.starved(metric, "ms");
        }
        std::process::exit(0);
    });
}
