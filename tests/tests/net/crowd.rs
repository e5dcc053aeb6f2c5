//! Ten thousand clients of one process.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sward_tests::{Watchdog, is_emulated};

use crate::{Server, sockets};

const CLIENTS: usize = 10_000;

/// Files that either process needs besides: the runtime's, the standard streams, the libraries'.
const OTHERS: u64 = 100;

/// The server's OS threads: as many as there are Ps, and some that the runtime keeps.
const A_HANDFUL: u32 = 12;

/// All are connected and have been served once, so each of the server's green threads waits in a read. They cost no OS thread.
#[test]
#[cfg_attr(feature = "tsan", ignore = "ThreadSanitizer has room for some 8,000 green threads")]
fn ten_thousand_idle_connections() {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|most| most < CLIENTS as u64 + OTHERS) {
        eprintln!("skipped: this process may not open {CLIENTS} files, {limit:?}");
        return;
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let _watchdog = Watchdog::start();
    let server = Server::start(&mut sockets("crowd"));
    let echo = |mut client: &TcpStream, request: u8| {
        client.write_all(&[request]).unwrap();
        let mut buf = [0; 4];
        client.read_exact(&mut buf).unwrap();
        u32::from_le_bytes(buf)
    };
    let clients: Vec<_> = (0..CLIENTS).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    for client in &clients {
        assert_eq!(echo(client, 7), 7);
    }
    let threads = echo(&clients[CLIENTS / 2], b'?');
    // An emulator has threads of its own.
    assert!(threads <= A_HANDFUL || is_emulated(), "{threads} OS threads for {CLIENTS} connections");
    for client in clients.iter().rev() {
        assert_eq!(echo(client, 9), 9);
    }
}
