//! `echo`: sends back what it gets, as RFC 862 has it.
//!
//! One green thread serves one client with blocking reads and writes, and ten thousand clients need no more than that. A client that
//! sends without reading fills its own connection and holds up its own thread only.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sward::net::SocketAddr;

use crate::server::{Client, Server, parse_address};

/// Serve TCP clients by sending back what they send
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run echo --addr 127.0.0.1:7000\n\nThen, elsewhere:\n  nc 127.0.0.1 7000")]
pub struct Args {
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7", value_parser = parse_address)]
    addr: SocketAddr,
}

/// How much is read at a time.
const BUFFER: usize = 16 * 1024;

pub fn run(args: Args) -> io::Result<ExitCode> {
    let server = match Server::listen("echo", args.addr) {
        Ok(server) => server,
        Err(code) => return Ok(code),
    };
    let echoed = Arc::new(AtomicU64::new(0));
    let bytes = echoed.clone();
    // A connection that breaks is the client's affair.
    let connections = server.run(move |client| drop(echo(client, &bytes)))?;
    // Relaxed: a count that orders nothing else.
    writeln!(io::stdout(), "connections: {connections}, bytes: {}", echoed.load(Ordering::Relaxed))?;
    Ok(ExitCode::SUCCESS)
}

fn echo(client: &Client, echoed: &AtomicU64) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = client.read_next(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        client.stream().write_all(&buffer[..length])?;
        // Relaxed, as above.
        echoed.fetch_add(length as u64, Ordering::Relaxed);
    }
}
