//! `sward bench`: small programs that each measure one thing the runtime does.
//!
//! One process runs one workload, so that no workload inherits the stacks, heap or worker threads of
//! another; `all` starts this executable again for each. A workload checks its own result (a sum, a
//! count, the last prime) and the process ends with exit code 1 when it is wrong: a fast wrong
//! answer is no measurement. What comes out is one line a metric, `METRIC LABEL VALUE UNIT`, the same
//! from the programs under `tests/peers/`, which do the same work on other runtimes;
//! `tests/peers/compare` runs them side by side.
//!
//! The body of a workload runs on a green thread, since that is where users' code runs. There is no
//! warm-up: what the first spawn costs is part of what a program pays.
//!
//! `echo` is the exception: it is a server, which a client measures from outside, until it is ended.

mod blocking;
mod calls;
mod channels;
mod countdown;
mod echo;
mod malloc;
mod memory;
mod output;
mod spawn;
mod sync;
mod time;
mod yields;

use std::fmt;
use std::process::{Command, ExitCode};

use clap::builder::{PossibleValue, PossibleValuesParser};
use sward::Config;
use sward::settings::parse_procs;

use output::Output;

use crate::report::note;

/// A program that measures one thing.
struct Workload {
    name: &'static str,
    about: &'static str,
    /// How much work, when the user does not say.
    default_n: u64,
    sizes: Sizes,
    run: fn(n: u64, out: &Output),
}

/// Which amounts of work a workload can do: most divide it among their tasks, which must leave no remainder.
#[derive(Clone, Copy)]
enum Sizes {
    Any,
    UpTo(u64),
    MultiplesOf(u64),
    PowersOfTen,
}

/// Every workload there is, in the order in which `all` runs them.
static WORKLOADS: &[Workload] = &[
    Workload {
        name: "spawn",
        about: "N tasks that only end, 1,000 at a time: ns a task",
        default_n: 1_000_000,
        sizes: Sizes::MultiplesOf(spawn::BATCH),
        run: spawn::spawn,
    },
    Workload {
        name: "skynet",
        about: "a tree of tasks with N leaves, sums handed up through channels: ms",
        default_n: spawn::SKYNET_LEAVES,
        sizes: Sizes::PowersOfTen,
        run: spawn::skynet,
    },
    Workload {
        name: "yield",
        about: "N tasks that each yield 1,000 times: ns a yield",
        default_n: 1_000,
        sizes: Sizes::Any,
        run: yields::many,
    },
    Workload {
        name: "yield1",
        about: "one task alone yields N times: ns a yield",
        default_n: 1_000_000,
        sizes: Sizes::Any,
        run: yields::alone,
    },
    Workload {
        name: "pingpong",
        about: "two tasks and two unbuffered channels, N there and back: ns a round trip",
        default_n: 1_000_000,
        sizes: Sizes::Any,
        run: channels::pingpong,
    },
    Workload {
        name: "chanbuf",
        about: "four senders and one receiver on a channel of capacity 128: ns a message",
        default_n: 4_000_000,
        sizes: Sizes::MultiplesOf(channels::SENDERS),
        run: channels::chanbuf,
    },
    Workload {
        name: "select",
        about: "four senders on a channel each, and one receiver that selects: ns a message",
        default_n: 1_000_000,
        sizes: Sizes::MultiplesOf(channels::SENDERS),
        run: channels::select,
    },
    Workload {
        name: "ring",
        about: "a token N times passed on in a ring of 503 tasks: ns a hop",
        default_n: 2_000_000,
        sizes: Sizes::Any,
        run: channels::ring,
    },
    Workload {
        name: "sieve",
        about: "the first N primes by a chain of filter tasks: ms",
        default_n: 1_500,
        sizes: Sizes::Any,
        run: channels::sieve,
    },
    Workload {
        name: "mutex",
        about: "eight tasks that each lock one mutex N times: ns a lock and unlock",
        default_n: 500_000,
        sizes: Sizes::Any,
        run: sync::mutex,
    },
    Workload {
        name: "timers",
        about: "N tasks that each sleep ten times: ms of wall time, ms of CPU time",
        default_n: time::SLEEPERS,
        sizes: Sizes::Any,
        run: time::timers,
    },
    Workload {
        name: "idle",
        about: "N tasks waiting on a channel each: bytes a task",
        default_n: 1_000_000,
        sizes: Sizes::Any,
        run: memory::idle,
    },
    Workload {
        name: "hog",
        about: "N sleeps of 1 ms beside as many CPU hogs as there are Ps: ms late",
        default_n: 100,
        sizes: Sizes::Any,
        run: time::hog,
    },
    Workload {
        name: "blockc",
        about: "64 tasks blocked N times in C beside two that compute: ms, chunks a ms",
        default_n: 100,
        sizes: Sizes::Any,
        run: blocking::blockc,
    },
    Workload {
        name: "ccall",
        about: "N calls of a small C function, as one that may block and as one that may not: ns a call",
        default_n: 10_000_000,
        sizes: Sizes::Any,
        run: calls::ccall,
    },
    Workload {
        name: "malloc_fixed",
        about: "P threads that each allocate 64 bytes and free them, N times: ns a pair",
        default_n: 20_000_000,
        sizes: Sizes::Any,
        run: malloc::fixed,
    },
    Workload {
        name: "malloc_churn",
        about: "P threads with 10,000 blocks each, of which N are replaced: ns a block, MiB at most",
        default_n: 5_000_000,
        sizes: Sizes::Any,
        run: malloc::churn,
    },
    Workload {
        name: "malloc_xthread",
        about: "N blocks that one thread allocates and another frees: ns a block",
        default_n: 5_000_000,
        sizes: Sizes::Any,
        run: malloc::xthread,
    },
    Workload {
        name: "bintrees",
        about: "binary trees up to depth N, built and dropped by one task: ms, MiB at most",
        default_n: malloc::DEPTH,
        sizes: Sizes::UpTo(malloc::DEEPEST),
        run: malloc::bintrees,
    },
];

/// The name that stands for every workload, one after another.
const ALL: &str = "all";

/// The server that is no workload by itself, and so not among all.
const ECHO: &str = "echo";

/// More work than anybody waits for, and little enough that no count or sum overflows.
const LARGEST_N: u64 = 1_000_000_000;

/// Measure the runtime: one workload, or all of them in a fresh process each.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sward bench pingpong --procs 2")]
pub struct Args {
    /// What to measure.
    #[arg(default_value = ALL, value_parser = workload_names())]
    workload: String,

    /// How many green threads may run at the same time [default: SWARD_PROCS, or the CPUs this process may use]
    #[arg(long, value_name = "P", value_parser = parse_procs)]
    procs: Option<usize>,

    /// How much work: the N of the workload's description.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=LARGEST_N))]
    n: Option<u64>,

    /// The label that the output lines carry.
    #[arg(long, value_name = "LABEL", default_value = "sward")]
    peer: String,

    /// Print one JSON object a line in place of `METRIC LABEL VALUE UNIT`.
    #[arg(long)]
    json: bool,
}

/// Runs what `args` ask for. The exit code is 0 when every result was right, 1 when one was not, and
/// 2 when `args` or the environment make no sense.
pub fn run(args: Args) -> ExitCode {
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(error) => return bad_usage(error),
    };
    if args.workload == ECHO {
        return run_echo(args, config);
    }
    match WORKLOADS.iter().find(|workload| workload.name == args.workload) {
        Some(workload) => run_one(workload, args, config),
        None if args.n.is_some() => bad_usage("--n means something else for each workload: name one of them, not all"),
        None => run_all(&args),
    }
}

fn bad_usage(problem: impl fmt::Display) -> ExitCode {
    note(format_args!("sward bench: {problem}"));
    ExitCode::from(2)
}

fn run_one(workload: &Workload, args: Args, mut config: Config) -> ExitCode {
    let n = args.n.unwrap_or(workload.default_n);
    if !workload.sizes.include(n) {
        let (name, sizes) = (workload.name, workload.sizes);
        return bad_usage(format_args!("invalid --n {n} for {name}: accepted: {sizes}"));
    }
    if let Some(procs) = args.procs {
        config = config.procs(procs);
    }
    let body = workload.run;
    config.run(move || {
        let out = Output::new(args.peer, n, args.json);
        body(n, &out);
    });
    ExitCode::SUCCESS
}

fn run_echo(args: Args, mut config: Config) -> ExitCode {
    if args.n.is_some() {
        return bad_usage("echo has no --n: it serves until it is ended");
    }
    if let Some(procs) = args.procs {
        config = config.procs(procs);
    }
    let Err(error) = config.run(echo::serve);
    note(format_args!("sward bench: echo: {error}"));
    ExitCode::FAILURE
}

/// Starts this executable again for each workload. One that fails does not keep the rest from running.
fn run_all(args: &Args) -> ExitCode {
    let executable = match std::env::current_exe() {
        Ok(path) => path,
        Err(error) => {
            note(format_args!("sward bench: cannot find this executable to start it again: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let mut worst = ExitCode::SUCCESS;
    for workload in WORKLOADS {
        let mut command = Command::new(&executable);
        command.args(["bench", workload.name]).arg(format!("--peer={}", args.peer));
        if let Some(procs) = args.procs {
            command.arg(format!("--procs={procs}"));
        }
        if args.json {
            command.arg("--json");
        }
        let failure = match command.status() {
            Ok(status) if status.success() => continue,
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        note(format_args!("sward bench: {} failed: {failure}", workload.name));
        worst = ExitCode::FAILURE;
    }
    worst
}

/// The names that the command line accepts, each with its line of help.
fn workload_names() -> PossibleValuesParser {
    let all = PossibleValue::new(ALL).help("every workload, in a fresh process each");
    let each = WORKLOADS.iter().map(|w| {
        let n = w.default_n;
        PossibleValue::new(w.name).help(format!("{} [default N: {n}]", w.about))
    });
    let echo = PossibleValue::new(ECHO).help("a TCP server for tests/peers/load, not part of all");
    PossibleValuesParser::new(std::iter::once(all).chain(each).chain([echo]))
}

impl Sizes {
    fn include(self, n: u64) -> bool {
        match self {
            Sizes::Any => true,
            Sizes::UpTo(most) => n <= most,
            Sizes::MultiplesOf(step) => n.is_multiple_of(step),
            Sizes::PowersOfTen => 10u64.checked_pow(n.ilog10()) == Some(n),
        }
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sizes::Any => f.write_str("any number from 1"),
            Sizes::UpTo(most) => write!(f, "any number from 1 to {most}"),
            Sizes::MultiplesOf(step) => write!(f, "a multiple of {step}"),
            Sizes::PowersOfTen => f.write_str("a power of ten"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_amount_is_one_that_its_workload_takes() {
        for workload in WORKLOADS {
            assert!(workload.sizes.include(workload.default_n), "{}", workload.name);
        }
    }

    #[test]
    fn amounts_that_leave_a_remainder_are_refused() {
        assert!(Sizes::PowersOfTen.include(1) && Sizes::PowersOfTen.include(10_000));
        assert!(!Sizes::PowersOfTen.include(20) && !Sizes::PowersOfTen.include(101));
        assert!(Sizes::MultiplesOf(4).include(8) && !Sizes::MultiplesOf(4).include(6));
    }

    #[test]
    fn amounts_that_are_too_large_are_refused() {
        assert!(Sizes::UpTo(24).include(24) && !Sizes::UpTo(24).include(25));
    }
}
