//! `hog`: green threads that never yield, beside one that wants to wake up on time.
//!
//! The hogs count for ever without a call that the scheduler could use. The ticker sleeps a millisecond at a time and
//! notes how late it comes back: that is what a program's other work feels when one part of it computes.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sward::thread;

use super::whole;

/// Measure how late a ticker is beside green threads that never yield
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run hog --ticks 1000 --procs 2")]
pub struct Args {
    /// How often the ticker sleeps a millisecond
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = whole(1..=10_000_000))]
    ticks: u64,
    /// How many hogs [default: one for each green thread that may run at the same time]
    #[arg(long, value_name = "N", value_parser = whole(0..=10_000))]
    hogs: Option<u64>,
}

const TICK: Duration = Duration::from_millis(1);

pub fn run(args: Args) -> io::Result<ExitCode> {
    let hogs: Vec<_> = (0..args.hogs.unwrap_or_else(|| sward::procs() as u64)).map(|_| start_hog()).collect();
    let mut late: Vec<Duration> = (0..args.ticks).map(|_| tick()).collect();
    late.sort_unstable();

    let [p50, p99, max] = [50, 99, 100].map(|percent| millis(percentile(&late, percent)));
    // Relaxed: nothing is read that a hog wrote before it counted.
    let counted: u64 = hogs.iter().map(|hog| hog.load(Ordering::Relaxed)).sum();
    let mut out = io::stdout();
    writeln!(out, "{} ticks beside {} hogs, which counted to {counted}", late.len(), hogs.len())?;
    writeln!(out, "late by ms: p50 {p50:.3}, p99 {p99:.3}, max {max:.3}")?;
    Ok(ExitCode::SUCCESS)
}

/// Starts a green thread that counts until the process ends, and gives its counter.
fn start_hog() -> Arc<AtomicU64> {
    let counter = Arc::new(AtomicU64::new(0));
    let counted = counter.clone();
    sward::spawn(move || {
        loop {
            // Relaxed: a count, which orders nothing.
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    counter
}

/// Sleeps for a tick and says how much longer that took.
fn tick() -> Duration {
    let start = Instant::now();
    thread::sleep(TICK);
    start.elapsed().saturating_sub(TICK)
}

/// The nearest-rank percentile of sorted values, of which there is at least one.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let hundred: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        let [p50, p99, max] = [50, 99, 100].map(|percent| percentile(&hundred, percent).as_millis());
        assert_eq!([p50, p99, max], [50, 99, 100]);
        assert_eq!(percentile(&hundred[..1], 50).as_millis(), 1);
    }
}
