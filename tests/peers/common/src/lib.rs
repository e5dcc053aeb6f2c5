//! What the Rust peers of `sward bench` share: the command line, the output lines, and the work that
//! is the same on every runtime.
//!
//! A peer takes `WORKLOAD [--procs P] [--n N] [--peer LABEL]` and prints `METRIC LABEL VALUE UNIT`
//! lines. A wrong result panics, and a panic anywhere, in a task too, aborts the process.

// As `sward bench` measures it.
#[path = "../../../../bin/src/resident.rs"]
mod resident;
mod work;

use std::time::Duration;

use clap::Parser;

pub use resident::{peak_resident_bytes, resident_bytes};
pub use work::{compute_chunk, count_for_ever, cpu_time, leaf_add, nth_prime, sleeps, usleep_1ms};

/// Tasks started at once by `spawn`.
pub const SPAWN_BATCH: u64 = 1_000;
/// Yields of each task in `yield`.
pub const YIELDS: u64 = 1_000;
/// Tasks that send in `chanbuf` and `select`.
pub const CHANBUF_SENDERS: u64 = 4;
/// Places in the channel of `chanbuf`.
pub const CHANBUF_CAPACITY: usize = 128;
/// Tasks in `ring`.
pub const RING: u64 = 503;
/// Tasks that share the mutex of `mutex`.
pub const MUTEX_TASKS: u64 = 8;
/// Tasks that compute in `blockc`.
pub const BLOCKC_WORKERS: u64 = 2;
/// Tasks that block in `blockc`.
pub const BLOCKC_SLEEPERS: u64 = 64;
/// How much is read at a time in `echo`.
pub const ECHO_BUFFER: usize = 4096;

/// One run of one workload.
#[derive(Parser)]
pub struct Job {
    /// What to measure.
    pub workload: String,

    /// How many tasks run at the same time, at most.
    #[arg(long, default_value_t = 2)]
    pub procs: usize,

    /// How much work.
    #[arg(long)]
    n: Option<u64>,

    /// Which variant of the peer; the output lines carry it.
    #[arg(long = "peer", default_value = "")]
    pub label: String,
}

impl Job {
    /// Reads the command line. `plain` is the label of the peer without any variation.
    pub fn from_args(plain: &str) -> &'static Job {
        std::panic::set_hook(Box::new(|info| {
            eprintln!("{info}");
            std::process::abort();
        }));
        let mut job = Job::parse();
        if job.label.is_empty() {
            job.label = plain.to_owned();
        }
        Box::leak(Box::new(job))
    }

    /// How much work: `default` unless the command line says.
    pub fn n(&self, default: u64) -> u64 {
        self.n.unwrap_or(default)
    }

    /// Prints one measurement.
    pub fn line(&self, metric: &str, value: f64, unit: &str) {
        println!("{metric} {} {value:.2} {unit}", self.label);
    }

    /// Prints how many nanoseconds each of `ops` operations took.
    pub fn ns_per_op(&self, metric: &str, elapsed: Duration, ops: u64) {
        self.line(metric, elapsed.as_nanos() as f64 / ops as f64, "ns");
    }

    /// Prints a time in milliseconds.
    pub fn ms(&self, metric: &str, elapsed: Duration) {
        self.line(metric, elapsed.as_secs_f64() * 1e3, "ms");
    }

    /// Prints an amount of memory in MiB.
    pub fn mib(&self, metric: &str, bytes: u64) {
        self.line(metric, bytes as f64 / f64::from(1 << 20), "MiB");
    }

    /// Prints a time, and how much of this process has been in memory at most; `usual` is how much work the metric's
    /// plain name stands for.
    pub fn ms_and_peak(&self, metric: &str, elapsed: Duration, n: u64, usual: u64) {
        self.ms(&sized(metric, n, usual), elapsed);
        self.mib(&sized(&format!("{metric}_rss"), n, usual), peak_resident_bytes());
    }

    /// Prints the time that a tree of `n` leaves took, and checks their sum.
    pub fn skynet(&self, elapsed: Duration, sum: u64, n: u64) {
        assert_eq!(sum, n * (n - 1) / 2, "sum of the leaves");
        self.ms(&sized("skynet", n, 1_000_000), elapsed);
    }

    /// Prints the wall time and the CPU time of `n` sleepers.
    pub fn timers(&self, elapsed: Duration, cpu: Duration, n: u64) {
        let longest = (0..n).map(|id| sleeps(id).sum()).max().unwrap_or(Duration::ZERO);
        assert!(elapsed >= longest, "a sleep was cut short");
        self.ms(&sized("timers", n, 100_000), elapsed);
        self.ms(&sized("timers_cpu", n, 100_000), cpu);
    }

    /// Prints what each of `n` idle tasks has added to the resident memory since it was `before`.
    pub fn idle(&self, before: u64, n: u64) {
        let grown = resident_bytes().saturating_sub(before);
        self.line(&format!("idle_{n}"), grown as f64 / n as f64, "B");
    }

    /// Prints how long the sleepers took, and how much was computed meanwhile.
    pub fn blockc(&self, elapsed: Duration, chunks: u64) {
        self.ms("blockc", elapsed);
        self.line("blockc_work", chunks as f64 / (elapsed.as_secs_f64() * 1e3), "chunks/ms");
    }

    /// Prints what each of `n` calls took, and checks that each has added one.
    pub fn ccall(&self, elapsed: Duration, acc: u64, n: u64) {
        assert_eq!(acc, n, "sum of the calls");
        self.ns_per_op("ccall", elapsed, n);
    }

    /// Prints how late the naps of `hog` ended: nearest-rank percentiles.
    pub fn hog(&self, mut late: Vec<Duration>) {
        late.sort_unstable();
        let percentile = |percent: usize| late[(late.len() * percent).div_ceil(100) - 1];
        self.ms("hog_p50", percentile(50));
        self.ms("hog_p99", percentile(99));
        self.ms("hog_max", percentile(100));
    }

    /// Ends `hog` after ten seconds, from an OS thread, since the hogs may have every worker.
    pub fn give_up_on_hog(&'static self) {
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_secs(10));
            for metric in ["hog_p50", "hog_p99", "hog_max"] {
                println!("{metric} {} STARVED ms", self.label);
            }
            std::process::exit(0);
        });
    }

    /// Ends the process: this peer has no such workload, or no such variant of it.
    pub fn unsupported(&self) -> ! {
        eprintln!("no workload {} for peer {}", self.workload, self.label);
        std::process::exit(2);
    }
}

/// The name of a metric whose value depends on the amount of work in kind, not only in length.
fn sized(metric: &str, n: u64, usual: u64) -> String {
    if n == usual { metric.to_owned() } else { format!("{metric}_{n}") }
}
