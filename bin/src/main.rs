//! The `sward` command: sample programs to run, benchmarks to measure.
//!
//! `cli` says what may be typed, `samples` holds one small program a file, `bench` the workloads. `tree`, `report` and
//! `progress` are what the samples over real files share, `server` what those share that serve; `resident` is for what looks
//! at its own memory. A sample's result goes
//! to standard output, everything else to standard error; the exit code is 0 when all was well, 1 when a file or a check
//! failed, or the race detector has reported something, 2 for bad usage and for what the runtime itself ends (a deadlock).

mod bench;
mod cli;
mod progress;
mod report;
mod resident;
mod samples;
mod server;
mod tree;

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use clap::Parser;
use sward::race;

use cli::{Cli, Command};

// As `#[sward::main]` has it. Here `main` is no green thread: the runtime is started as the command line says.
#[global_allocator]
static HEAP: sward::Heap = sward::Heap;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::List => cli::list(),
        Command::Run(run) => run.start(),
        Command::Bench(args) => Ok(bench::run(args)),
    };
    let code = outcome.unwrap_or_else(|error| ExitCode::from(output_failed(&error)));
    match race::reports() {
        0 => return code,
        1 => report::note("sward: 1 data race was reported"),
        races => report::note(format_args!("sward: {races} data races were reported")),
    }
    ExitCode::FAILURE
}

/// The exit code when standard output cannot be written. A reader who has seen enough (`| head`) is no failure.
fn output_failed(error: &io::Error) -> u8 {
    if error.kind() == ErrorKind::BrokenPipe {
        return 0;
    }
    report::note(format_args!("sward: standard output: {error}"));
    1
}
