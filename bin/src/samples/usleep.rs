//! `usleep`: green threads that sleep in C, all at once, beside one that computes.
//!
//! To the runtime a foreign call is something that blocks its OS thread for as long as it likes. So each sleeper has an OS thread of its own
//! while it sleeps, but no processor: those go on with the green thread that computes.

use std::hint::black_box;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sward::{ffi, thread};

use super::whole;
use crate::report::check;

/// Let green threads sleep in C, beside one that counts
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run usleep --threads 100 --times 100")]
pub struct Args {
    /// How many green threads sleep
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = whole(1..=10_000))]
    threads: u64,
    /// How often each of them sleeps a millisecond
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = whole(1..=1_000_000))]
    times: u64,
}

const NAP: Duration = Duration::from_millis(1);

/// The counter lets others run once in so many steps.
const TURN: u64 = 10_000;

pub fn run(args: Args) -> io::Result<ExitCode> {
    let Args { threads, times } = args;
    let in_c = &Gauge::default();
    let all_awake = &AtomicBool::new(false);
    let start = Instant::now();
    let (slept, counted) = thread::scope(|scope| {
        // Relaxed, both: a wish to stop orders nothing else.
        let counter = scope.spawn(|| count_until(|| all_awake.load(Ordering::Relaxed)));
        let sleeper = |_| scope.spawn(move || (0..times).map(|_| sleep_in_c(in_c)).sum());
        let sleepers: Vec<_> = (0..threads).map(sleeper).collect();
        let slept: Vec<Duration> = sleepers.into_iter().map(|sleeper| sleeper.join().expect("it sleeps")).collect();
        all_awake.store(true, Ordering::Relaxed);
        (slept, counter.join().expect("it counts"))
    });
    let (wall, ideal) = (start.elapsed(), NAP * times as u32);

    let mut out = io::stdout();
    let peak = in_c.peak.load(Ordering::Relaxed);
    writeln!(out, "{threads} green threads slept {times} times each in C, on up to {peak} OS threads at once")?;
    writeln!(out, "took {} ms, {} ms being ideal", wall.as_millis(), ideal.as_millis())?;
    writeln!(out, "the one beside them counted to {counted}")?;
    let woken_early = slept.into_iter().filter(|&slept| slept < ideal).count();
    Ok(check("usleep", "green threads that slept too little", woken_early, 0))
}

/// How many green threads are in C, each on an OS thread of its own, and how many were at most.
#[derive(Default)]
struct Gauge {
    now: AtomicU64,
    peak: AtomicU64,
}

impl Gauge {
    /// Counts who runs `f`.
    fn count<T>(&self, f: impl FnOnce() -> T) -> T {
        // Relaxed, all: counts that order nothing.
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        let result = f();
        self.now.fetch_sub(1, Ordering::Relaxed);
        result
    }
}

/// Sleeps on the OS thread that the green thread is on, and says how long.
fn sleep_in_c(in_c: &Gauge) -> Duration {
    let start = Instant::now();
    // SAFETY: usleep takes a number and touches no memory of ours.
    let usleep = || unsafe { libc::usleep(NAP.as_micros() as u32) };
    // A signal cuts it short.
    while ffi::call(|| in_c.count(usleep)) != 0 {}
    start.elapsed()
}

/// Counts as fast as it can, until it is told to stop.
fn count_until(stop: impl Fn() -> bool) -> u64 {
    let mut count = 0;
    while !stop() {
        for _ in 0..TURN {
            count = black_box(count + 1);
        }
        thread::yield_now();
    }
    count
}
