//! What a workload tells the world: its measurements, or that its result is wrong.

use std::fmt::Display;
use std::io::{self, Write};
use std::process;
use std::time::Duration;

use crate::output_failed;
use crate::report::note;

/// Where measurements go: stdout, a line each, in the form the user chose.
#[derive(Clone)]
pub struct Output {
    label: String,
    n: u64,
    json: bool,
}

impl Output {
    /// Lines carry `label`; as JSON they also tell `n`, the amount of work.
    pub fn new(label: String, n: u64, json: bool) -> Self {
        Output { label, n, json }
    }

    /// Prints one measurement.
    pub fn line(&self, metric: &str, value: f64, unit: &str) {
        if self.json {
            self.print_json(metric, value.into(), unit);
        } else {
            print(format_args!("{metric} {} {value:.2} {unit}", self.label));
        }
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

    /// Prints that what was to be measured did not get to run.
    pub fn starved(&self, metric: &str, unit: &str) {
        if self.json {
            self.print_json(metric, "STARVED".into(), unit);
        } else {
            print(format_args!("{metric} {} STARVED {unit}", self.label));
        }
    }

    fn print_json(&self, metric: &str, value: serde_json::Value, unit: &str) {
        let line = serde_json::json!({
            "metric": metric,
            "label": self.label,
            "value": value,
            "unit": unit,
            "n": self.n,
            "procs": sward::procs(),
        });
        print(line);
    }
}

/// Prints a line. A measurement that cannot be told ends the process: there is nothing else to do.
fn print(line: impl Display) {
    if let Err(error) = writeln!(io::stdout(), "{line}") {
        process::exit(output_failed(&error).into());
    }
}

/// The name of a metric whose value depends on the amount of work in kind, not only in length: other
/// amounts than the usual one are other metrics.
pub fn sized(metric: &str, n: u64, usual: u64) -> String {
    if n == usual { metric.to_owned() } else { format!("{metric}_{n}") }
}

/// Ends the process with exit code 1 unless the workload computed what it should have.
pub fn check<T: PartialEq + Display>(what: &str, got: T, expected: T) {
    if got != expected {
        note(format_args!("sward bench: wrong result: {what} is {got}, expected {expected}"));
        process::exit(1);
    }
}
