//! What the runtime reports of those who wait for the network.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Stdio;

use sward_tests::{Finished, Watchdog, is_emulated};

use crate::{Server, sockets};

/// In a dump each says what it waits for.
#[test]
#[cfg_attr(feature = "tsan", ignore = "functions have short names in that build")]
fn who_waits_says_for_what() {
    let finished = Finished::of(sockets("dump").env("SWARD_PROCS", "1")).exits_with(2);
    for line in [
        "\"reader\" [net read]:",
        "\"writer\" [net write]:",
        "\"acceptor\" [net accept]:",
        "\"connector\" [net connect]:",
        "\"receiver\" [net read]:",
        "sward::net::tcp::listener::TcpListener::accept",
        "sward::net::udp::UdpSocket::recv",
    ] {
        assert!(finished.stderr.contains(line), "{line} is not in the dump; {finished}");
    }
}

/// Somebody may still come: a program in which all wait, and one for the network, is not at its end.
#[test]
fn waiting_for_the_network_is_no_deadlock() {
    let _watchdog = Watchdog::start();
    for procs in ["1", "2", "4"] {
        let mut command = sockets("wait-for-a-client");
        command.env("SWARD_PROCS", procs).env("SWARD_DEBUG", "schedtrace=2").stderr(Stdio::piped());
        let mut server = Server::start(&mut command);
        // The scheduler looks for deadlocks meanwhile.
        let trace = BufReader::new(server.child.stderr.take().unwrap());
        assert_eq!(trace.lines().take(60).filter(|line| line.as_ref().unwrap().starts_with("SCHED")).count(), 60);
        TcpStream::connect(&server.address).unwrap().write_all(b"!").unwrap();
        assert_eq!(server.line(), "!\n");
        assert!(server.child.wait().unwrap().success());
    }
}

/// When nobody waits for the network any more, a deadlock is one.
#[test]
fn a_deadlock_after_the_network_was_used() {
    // Under an emulator there is never a verdict.
    for procs in if is_emulated() { [].as_slice() } else { &["1", "2"] } {
        let finished = Finished::of(sockets("deadlock-afterwards").env("SWARD_PROCS", procs));
        finished.exits_with(2).says("all green threads are asleep - deadlock!");
    }
}
