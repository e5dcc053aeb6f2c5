//! `ring`: a token goes round a ring of green threads, one less at each hop, until it is 0.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use sward::channel::{Receiver, Sender, bounded};

use super::{MOST, whole};
use crate::report::{check, note};

/// Pass a token round a ring of green threads
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run ring --nodes 503 --hops 2000000")]
pub struct Args {
    /// How many green threads the ring has
    #[arg(long, value_name = "N", default_value_t = 503, value_parser = whole(2..=10_000_000))]
    nodes: u64,
    /// How often the token is passed on
    #[arg(long, value_name = "N", default_value_t = 2_000_000, value_parser = whole(0..=MOST))]
    hops: u64,
}

pub fn run(args: Args) -> io::Result<ExitCode> {
    let Args { nodes, hops } = args;
    let start = Instant::now();
    let (winner, end) = bounded(0);
    let (first, mut before) = bounded(0);
    for node in 1..nodes {
        let (next, after) = bounded(0);
        let winner = winner.clone();
        sward::spawn(move || pass_on(node - 1, &before, &next, &winner));
        before = after;
    }
    let close = first.clone();
    sward::spawn(move || pass_on(nodes - 1, &before, &close, &winner));
    first.send(hops).expect("the first node listens");
    let last = end.recv().expect("the token stops somewhere");
    writeln!(io::stdout(), "{hops} hops round {nodes} nodes end at node {last}")?;
    note(format_args!("took {:.2?}", start.elapsed()));
    Ok(check("ring", "the last node", last, hops % nodes))
}

/// One node: takes the token from the one before, and tells `winner` if it is 0, otherwise passes it on.
fn pass_on(node: u64, before: &Receiver<u64>, next: &Sender<u64>, winner: &Sender<u64>) {
    for token in before {
        let told = if token == 0 { winner.send(node) } else { next.send(token - 1) };
        if told.is_err() {
            return;
        }
    }
}
