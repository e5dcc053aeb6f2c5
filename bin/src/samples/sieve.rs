//! `sieve`: primes from a chain of green threads, one filter for each prime found.
//!
//! A generator sends 2, 3, 4, …; each filter passes on what its prime does not divide; what comes out at the end of the
//! chain is the next prime, which gets a filter of its own.

use std::io::{self, Write};
use std::process::ExitCode;

use sward::channel::{Receiver, Sender, bounded};

use super::whole;
use crate::progress;

/// Find the Nth prime with a chain of green threads, one for each prime
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run sieve 1500")]
pub struct Args {
    /// Which prime to find, counted from 1
    #[arg(value_name = "N", default_value_t = 1_500, value_parser = whole(1..=1_000_000))]
    nth: u64,
}

pub fn run(args: Args) -> io::Result<ExitCode> {
    let bar = progress::steps(args.nth);
    let (numbers, mut chain) = bounded(0);
    sward::spawn(move || generate(&numbers));
    let mut prime = 0;
    for _ in 0..args.nth {
        prime = chain.recv().expect("the chain goes on for ever");
        let (passed, next) = bounded(0);
        sward::spawn(move || filter(prime, &chain, &passed));
        chain = next;
        bar.inc(1);
    }
    bar.finish_and_clear();
    writeln!(io::stdout(), "prime number {} is {prime}", args.nth)?;
    Ok(ExitCode::SUCCESS)
}

/// Sends 2, 3, 4, … as long as somebody listens.
fn generate(numbers: &Sender<u64>) {
    for number in 2.. {
        if numbers.send(number).is_err() {
            return;
        }
    }
}

/// Passes on the numbers that `prime` does not divide, as long as somebody listens.
fn filter(prime: u64, numbers: &Receiver<u64>, passed: &Sender<u64>) {
    for number in numbers {
        if number % prime != 0 && passed.send(number).is_err() {
            return;
        }
    }
}
