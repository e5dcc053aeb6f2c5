//! `http`: the files of a directory, over HTTP/1.1.
//!
//! A green thread serves a connection and does all of it in blocking style: `connection` reads one request after
//! another and writes the responses, `request` understands a head, `files` finds what is asked for, `range` which part
//! of it, `listing` shows a directory, `response` is what goes out. Sockets park the green thread; files block, so they are read in
//! syscall state.
//!
//! What it can do is what files need: GET and HEAD, connections kept alive, pipelining, `If-Modified-Since`, a single `Range`, `If-Range`.
//! A request with a body is answered, but the body is not read: the connection ends with that answer, and so does the wait of a client
//! that asked for `100 Continue`.
//!
//! Nothing outside of the directory is served. A symbolic link is followed if it leads to a place inside and says so relatively;
//! one that is absolute or leads out is forbidden, as is `..` beyond the top. That is not a matter of comparing paths, which
//! could change between the look and the use: the kernel resolves the path beneath the open directory, or cap-std does,
//! step by step, where the kernel can't.

mod connection;
mod files;
mod listing;
mod range;
mod request;
mod response;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sward::net::SocketAddr;

use super::whole;
use crate::report::note;
use crate::server::{Server, parse_address};
use files::Site;

/// Serve the files of a directory over HTTP
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run http --addr 127.0.0.1:8080 docs\n\n\
                        Then, elsewhere:\n  curl http://127.0.0.1:8080/")]
pub struct Args {
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = parse_address)]
    addr: SocketAddr,
    /// How long to wait for a client: for a whole request, for the next one, until it takes what it is sent
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = whole(1..=3600))]
    timeout: u64,
    /// The directory whose files are served
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// What has been served.
#[derive(Default)]
struct Totals {
    requests: AtomicU64,
    bytes: AtomicU64,
}

pub fn run(args: Args) -> io::Result<ExitCode> {
    let site = match Site::open(&args.directory) {
        Ok(site) => site,
        Err(error) => {
            note(format_args!("sward run http: {}: {error}; expected a directory", args.directory.display()));
            return Ok(ExitCode::from(2));
        }
    };
    let server = match Server::listen("http", args.addr) {
        Ok(server) => server,
        Err(code) => return Ok(code),
    };
    let timeout = Duration::from_secs(args.timeout);
    let served = Arc::new(Totals::default());
    let totals = served.clone();
    let connections = server.run(move |client| connection::serve(client, &site, timeout, &totals))?;
    // Relaxed: counts that order nothing else.
    let [requests, bytes] = [&served.requests, &served.bytes].map(|total| total.load(Ordering::Relaxed));
    writeln!(io::stdout(), "connections: {connections}, requests: {requests}, bytes: {bytes}")?;
    Ok(ExitCode::SUCCESS)
}
