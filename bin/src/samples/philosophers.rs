//! `philosophers`: they sit round a table, a fork between each two, and need two forks to eat.
//!
//! Each takes the fork with the lower number first, so no circle of philosophers can wait for one another.

use std::io::{self, Write};
use std::process::ExitCode;

use sward::sync::Mutex;
use sward::thread;

use super::{MOST, whole};
use crate::report::check;

/// Let philosophers share forks, each a mutex, until all have eaten
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run philosophers --seats 5 --meals 1000")]
pub struct Args {
    /// How many philosophers, and how many forks
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = whole(2..=1_000_000))]
    seats: u64,
    /// How often each of them eats
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = whole(0..=MOST))]
    meals: u64,
}

pub fn run(args: Args) -> io::Result<ExitCode> {
    let Args { seats, meals } = args;
    // A fork knows how often it was used.
    let forks: Vec<Mutex<u64>> = (0..seats).map(|_| Mutex::new(0)).collect();
    thread::scope(|scope| {
        for seat in 0..seats as usize {
            let neighbour = (seat + 1) % forks.len();
            let (low, high) = (&forks[seat.min(neighbour)], &forks[seat.max(neighbour)]);
            scope.spawn(move || (0..meals).for_each(|_| eat(low, high)));
        }
    });
    let used: Vec<u64> = forks.into_iter().map(|fork| fork.into_inner().expect("nobody choked")).collect();
    let eaten = used.iter().sum::<u64>() / 2;
    writeln!(io::stdout(), "{seats} philosophers ate {eaten} meals")?;
    Ok(check("philosophers", "uses of each fork", used, vec![2 * meals; seats as usize]))
}

fn eat(low: &Mutex<u64>, high: &Mutex<u64>) {
    let mut low = low.lock().expect("nobody choked");
    // With one fork in hand, let the neighbours try.
    thread::yield_now();
    let mut high = high.lock().expect("nobody choked");
    *low += 1;
    *high += 1;
}
