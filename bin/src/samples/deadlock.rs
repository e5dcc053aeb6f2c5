//! `deadlock`: two green threads, each waiting for the other to speak first. It fails on purpose.

use std::io;
use std::process::ExitCode;

use sward::channel::{Receiver, Sender, bounded};
use sward::thread::{Builder, JoinHandle};

/// Let two green threads wait for each other: the runtime notices and ends with exit code 2
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run deadlock; echo $?")]
pub struct Args {}

pub fn run(_: Args) -> io::Result<ExitCode> {
    let (to_left, from_right) = bounded(0);
    let (to_right, from_left) = bounded(0);
    let left = start("left", from_right, to_right);
    let right = start("right", from_left, to_left);
    left.join().expect("left does not panic");
    right.join().expect("right does not panic");
    Ok(ExitCode::SUCCESS)
}

/// Starts a green thread that speaks once it was spoken to.
fn start(name: &str, hears: Receiver<()>, says: Sender<()>) -> JoinHandle<()> {
    let polite = move || {
        if hears.recv().is_ok() {
            says.send(()).expect("the other one listens");
        }
    };
    Builder::new().name(name.to_owned()).spawn(polite).expect("a green thread can be started")
}
