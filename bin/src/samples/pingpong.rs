//! `pingpong`: two green threads and two unbuffered channels; a number goes to and fro.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use sward::channel::bounded;

use super::{MOST, whole};
use crate::progress;
use crate::report::{check, note};

/// Send a number to and fro between two green threads
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run pingpong 1000000")]
pub struct Args {
    /// How many round trips
    #[arg(value_name = "N", default_value_t = 1_000_000, value_parser = whole(0..=MOST))]
    trips: u64,
}

/// The progress bar moves once in so many trips.
const LAP: u64 = 10_000;

pub fn run(args: Args) -> io::Result<ExitCode> {
    let bar = progress::steps(args.trips);
    let start = Instant::now();
    let (ping, ball) = bounded(0);
    let (back, pong) = bounded(0);
    sward::spawn(move || {
        for count in ball {
            if back.send(count + 1).is_err() {
                return;
            }
        }
    });
    let mut count = 0;
    for trip in 1..=args.trips {
        ping.send(count).expect("the other side listens");
        count = pong.recv().expect("the other side answers");
        if trip % LAP == 0 {
            bar.inc(LAP);
        }
    }
    bar.finish_and_clear();
    writeln!(io::stdout(), "{count} round trips")?;
    note(format_args!("took {:.2?}", start.elapsed()));
    Ok(check("pingpong", "round trips", count, args.trips))
}
