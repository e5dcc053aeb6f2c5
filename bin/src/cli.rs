//! What may be typed after `sward`, and how `run` starts the runtime for a sample.
//!
//! The samples are subcommands of `run`, each with its own arguments and help. The runtime's options are global to
//! `run`, so they may stand anywhere after it, and they win over the environment: `SWARD_PROCS` and its like are read
//! first, so that a malformed one is an error whatever else was typed.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand};
use sward::Config;
use sward::heap;
use sward::settings::{parse_procs, parse_size};

use crate::bench;
use crate::report;
use crate::samples::Sample;

/// Exit code for bad usage, malformed environment included.
const USAGE: u8 = 2;

/// Green threads for Rust: run sample programs, measure the runtime.
#[derive(Parser)]
#[command(name = "sward", version, arg_required_else_help = true)]
#[command(after_help = "Example:\n  sward run wc README.md docs")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of `sward`.
#[derive(Subcommand)]
pub enum Command {
    /// List the sample programs, one line each
    #[command(after_help = "Example:\n  sward list")]
    List,
    Run(Run),
    /// Measure the runtime's workloads
    Bench(bench::Args),
}

/// Run a sample program on green threads
#[derive(Args)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
#[command(subcommand_value_name = "SAMPLE", subcommand_help_heading = "Samples")]
#[command(after_help = "Example:\n  sward run skynet --procs 2")]
pub struct Run {
    #[command(subcommand)]
    sample: Sample,
    #[command(flatten)]
    runtime: RuntimeOptions,
}

impl Run {
    /// Starts the runtime as the environment and the options say, and runs the sample on its first green thread.
    ///
    /// # Errors
    /// Standard output could not be written.
    pub fn start(self) -> io::Result<ExitCode> {
        let config = match Config::from_env() {
            Ok(config) => self.runtime.apply(self.sample.configure(config)),
            Err(error) => {
                report::note(format_args!("sward: {error}"));
                return Ok(ExitCode::from(USAGE));
            }
        };
        let outcome = config.run(|| self.sample.run());
        if self.runtime.heapstats {
            report::note(heap::stats());
        }
        outcome
    }
}

/// How the runtime is set up for a sample.
#[derive(Args)]
#[command(next_help_heading = "Runtime options")]
struct RuntimeOptions {
    /// How many green threads may run at the same time [default: SWARD_PROCS, or the CPUs this process may use]
    #[arg(long, value_name = "N", global = true, value_parser = parse_procs)]
    procs: Option<usize>,
    /// Stack of each green thread: bytes, or a number with K, M or G [default: SWARD_STACK, or 256K]
    #[arg(long, value_name = "S", global = true, value_parser = parse_size)]
    stack_size: Option<usize>,
    /// Print a line about the scheduler to standard error every MS milliseconds, 0 for never
    #[arg(long, value_name = "MS", global = true)]
    schedtrace: Option<u32>,
    /// Print where the heap's memory is to standard error when the sample has ended
    #[arg(long, global = true)]
    heapstats: bool,
}

impl RuntimeOptions {
    fn apply(&self, mut config: Config) -> Config {
        if let Some(procs) = self.procs {
            config = config.procs(procs);
        }
        if let Some(bytes) = self.stack_size {
            config = config.stack_size(bytes);
        }
        if let Some(period) = self.schedtrace {
            config = config.schedtrace(Duration::from_millis(period.into()));
        }
        config
    }
}

/// Prints every sample's name and what it does. The text is that of the samples' help.
///
/// # Errors
/// Standard output could not be written.
pub fn list() -> io::Result<ExitCode> {
    let cli = Cli::command();
    let run = cli.find_subcommand("run").expect("`run` is a command");
    let mut out = io::stdout().lock();
    for sample in run.get_subcommands() {
        let about = sample.get_about().expect("every sample says what it does");
        writeln!(out, "{:<14}{about}", sample.get_name())?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_sample_says_what_it_does_and_shows_an_example() {
        let cli = Cli::command();
        for sample in cli.find_subcommand("run").unwrap().get_subcommands() {
            let name = sample.get_name();
            assert!(sample.get_about().is_some(), "{name} has no description");
            let help = sample.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("sward run {name}")), "{name} has no example");
        }
    }

    #[test]
    fn malformed_runtime_options_are_refused() {
        for option in ["--procs=0", "--procs=many", "--stack-size=64KB", "--stack-size=0", "--schedtrace=-1"] {
            let error = Cli::try_parse_from(["sward", "run", "sieve", option]).err().expect(option);
            assert_eq!(error.exit_code(), i32::from(USAGE), "{option}");
        }
    }

    #[test]
    fn runtime_options_stand_anywhere_after_the_sample() {
        for line in ["sward run sieve --procs 2 10", "sward run sieve 10 --procs 2", "sward run --procs 2 sieve 10"] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let Command::Run(run) = cli.command else { panic!("{line} is a run") };
            assert_eq!(run.runtime.procs, Some(2), "{line}");
        }
        for line in
            ["sward run sieve --heapstats 10", "sward run sieve 10 --heapstats", "sward run --heapstats sieve 10"]
        {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let Command::Run(run) = cli.command else { panic!("{line} is a run") };
            assert!(run.runtime.heapstats, "{line}");
        }
    }
}
