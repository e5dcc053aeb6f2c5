//! `panic`: a green thread panics on purpose. The panic ends that one only; whoever joins it gets the payload.

use std::any::Any;
use std::io::{self, Write};
use std::process::ExitCode;

use sward::thread::Builder;

/// Let a green thread panic, and go on: the one that joins it gets the panic's message
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run panic")]
pub struct Args {}

pub fn run(_: Args) -> io::Result<ExitCode> {
    let unlucky =
        Builder::new().name("unlucky".to_owned()).spawn(break_something).expect("a green thread can be started");
    match unlucky.join() {
        Err(payload) => {
            writeln!(io::stdout(), "the green thread \"unlucky\" panicked: {}", message(payload.as_ref()))?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(()) => Ok(ExitCode::FAILURE),
    }
}

fn break_something() {
    panic!("broke mirror number {}", 13);
}

/// The text of a panic, whose payload may be anything.
fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref().copied()).unwrap_or("something that is no text")
}
