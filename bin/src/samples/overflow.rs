//! `overflow`: a recursion without end. It fails on purpose, to show that a full stack is noticed and named.

use std::hint::black_box;
use std::io;
use std::process::ExitCode;

use sward::thread::Builder;

/// Recurse without end: the runtime names the green thread whose stack is full, and aborts
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run overflow --stack-size 64K")]
pub struct Args {}

pub fn run(_: Args) -> io::Result<ExitCode> {
    let digger = Builder::new().name("digger".to_owned()).spawn(|| dig(1)).expect("a green thread can be started");
    digger.join().expect("the digger does not panic");
    Ok(ExitCode::SUCCESS)
}

/// Digs one deeper. What is done after the call keeps it from being a loop, `black_box` from being no work at all.
fn dig(depth: u64) -> u64 {
    let bottom = if black_box(depth) == 0 { 0 } else { dig(depth + 1) };
    black_box(bottom) + 1
}
