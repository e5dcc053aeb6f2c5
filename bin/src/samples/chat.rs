//! `chat`: a room in which everybody hears what the others say, a line at a time.
//!
//! Each client has two green threads: one reads what it says, the other writes what it hears. Between all of them is the
//! `room`, one more, which alone knows who is there: it receives from the readers and sends to the writers, through channels. Those to the writers hold
//! [`UNHEARD`] lines. The room never waits at one that is full: a client that doesn't read what it is sent is put out, and
//! holds up nobody.

mod lines;
mod room;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sward::channel::{Receiver, bounded};
use sward::net::{Shutdown, SocketAddr};

use crate::server::{Client, Server, parse_address};
use lines::Lines;
use room::{Line, Room};

/// Let TCP clients chat: the first line of each is its nick, the others are for everybody
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run chat --addr 127.0.0.1:7000\n\n\
                        Then, elsewhere, as often as there are people:\n  nc 127.0.0.1 7000\n\n\
                        Commands:\n  /who   says who is there\n  /quit  leaves")]
pub struct Args {
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7000", value_parser = parse_address)]
    addr: SocketAddr,
}

/// How many lines may be on their way to a client.
const UNHEARD: usize = 256;

/// How long a client may take for a line when it is leaving.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn run(args: Args) -> io::Result<ExitCode> {
    let server = match Server::listen("chat", args.addr) {
        Ok(server) => server,
        Err(code) => return Ok(code),
    };
    let said = Arc::new(AtomicU64::new(0));
    let lines = said.clone();
    let room = Room::open();
    // A connection that breaks is the client's affair.
    let connections = server.run(move |client| drop(attend(client, &room, &lines)))?;
    // Relaxed: a count that orders nothing else.
    writeln!(io::stdout(), "connections: {connections}, lines: {}", said.load(Ordering::Relaxed))?;
    Ok(ExitCode::SUCCESS)
}

/// Serves a client from its nick to its leaving.
fn attend(client: &Client, room: &Room, said: &AtomicU64) -> io::Result<()> {
    client.stream().set_write_timeout(Some(PATIENCE))?;
    let mut lines = Lines::of(client);
    let (outbox, inbox) = bounded(UNHEARD);
    client.stream().write_all(b"* welcome; your first line is your nick\n")?;
    let member = loop {
        let Some(nick) = lines.next()? else { return Ok(()) };
        match room.join(nick, &outbox, client) {
            Ok(member) => break member,
            Err(why) => client.stream().write_all(format!("* {why}; choose another\n").as_bytes())?,
        }
    };
    drop(outbox);
    let hears = client.clone();
    let writer = sward::spawn(move || write(&hears, inbox));
    let last_words = loop {
        match lines.next() {
            Ok(Some(line)) if line == "/quit" => break "* goodbye",
            Ok(Some(line)) if line.is_empty() => {}
            Ok(Some(line)) => {
                // Relaxed, as above.
                said.fetch_add(1, Ordering::Relaxed);
                member.says(line);
            }
            Ok(None) if client.is_stopping() => break "* the server is closing",
            Err(error) if error.kind() == ErrorKind::InvalidData => break "* that line is too long; goodbye",
            Ok(None) | Err(_) => break "* goodbye",
        }
    };
    member.leaves(last_words);
    let _ = writer.join();
    client.hang_up();
    Ok(())
}

/// Writes what a client hears until it leaves the room. One that can't be written to is not read from either.
fn write(client: &Client, inbox: Receiver<Line>) {
    for line in inbox {
        if client.stream().write_all(line.as_bytes()).is_err() {
            return client.end(Shutdown::Both);
        }
    }
}
