//! `race-demo`: two green threads count on one counter, and some of it gets lost. It fails on purpose.
//!
//! Each reads the counter, adds one, and writes it. When both have read the same number, one of the two additions is lost, which happens now and then or never.
//! The race detector finds it always: nothing orders the accesses of one before those of the other. A lock does.

use std::io::{self, Write};
use std::process::ExitCode;

use sward::sync::Mutex;
use sward::{race, thread};

/// Let two green threads race for a counter: the detector reports it, and the exit code is 1
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run race-demo; sward run race-demo --fixed")]
pub struct Args {
    /// With a lock around each addition, so that there is no race
    #[arg(long)]
    fixed: bool,
}

/// How far each of them counts.
const TIMES: u64 = 1_000;

pub fn run(args: Args) -> io::Result<ExitCode> {
    let counter = race::Cell::new(0_u64);
    let lock = Mutex::new(());
    let count = || {
        for _ in 0..TIMES {
            let _guard = args.fixed.then(|| lock.lock().expect("no holder panics"));
            counter.set(counter.get() + 1);
        }
    };
    thread::scope(|scope| {
        scope.spawn(count);
        scope.spawn(count);
    });
    writeln!(io::stdout(), "two green threads counted {TIMES} each, and came to {}", counter.get())?;
    // The command looks at what was reported.
    Ok(ExitCode::SUCCESS)
}
