//! `skynet`: a tree of green threads, ten children to a node, that adds up its leaves' numbers.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use sward::channel::{Sender, bounded};

use super::whole;
use crate::report::{check, note};

/// Add up 0 to N-1 with a tree of green threads, one for each number
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run skynet 1000000")]
pub struct Args {
    /// How many leaves the tree has
    #[arg(value_name = "N", default_value_t = 1_000_000, value_parser = whole(1..=1_000_000_000))]
    leaves: u64,
}

/// How many children a node has.
const BRANCHES: u64 = 10;

pub fn run(args: Args) -> io::Result<ExitCode> {
    let leaves = args.leaves;
    let start = Instant::now();
    let (result, sum) = bounded(1);
    sward::spawn(move || node(0, leaves, &result));
    let sum = sum.recv().expect("the root sends its sum");
    writeln!(io::stdout(), "{leaves} leaves add up to {sum}")?;
    note(format_args!("took {:.2?}", start.elapsed()));
    Ok(check("skynet", "the sum", sum, leaves * (leaves - 1) / 2))
}

/// A node over the numbers from `first`, as many as it has leaves: sends their sum to its parent.
fn node(first: u64, leaves: u64, parent: &Sender<u64>) {
    let sum = if leaves == 1 { first } else { sum_of_children(first, leaves) };
    parent.send(sum).expect("the parent waits for all its children");
}

fn sum_of_children(first: u64, leaves: u64) -> u64 {
    let children = leaves.min(BRANCHES);
    let (sum, sums) = bounded(BRANCHES as usize);
    for child in 0..children {
        let (from, to) = (leaves * child / children, leaves * (child + 1) / children);
        let sum = sum.clone();
        sward::spawn(move || node(first + from, to - from, &sum));
    }
    sums.iter().take(children as usize).sum()
}
