//! Connections that break.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use sward::channel;
use sward::net::TcpStream;
use sward::thread;
use sward_tests::Finished;

use crate::{everywhere, local_pair, sockets};

/// Closes a connection as a crashed machine would: no end, but an error for the other side.
fn reset(stream: TcpStream) {
    set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_reset_is_read_once() {
    everywhere(|| {
        let (mut client, server) = local_pair();
        reset(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(client.write(&[0; 8]).unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_reset_is_reported_by_take_error() {
    everywhere(|| {
        let (mut client, server) = local_pair();
        reset(server);
        assert_eq!(client.take_error().unwrap().unwrap().kind(), ErrorKind::ConnectionReset);
        assert!(client.take_error().unwrap().is_none());
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    });
}

#[test]
fn a_reset_ends_a_wait_to_read() {
    everywhere(|| {
        let (mut client, server) = local_pair();
        let (tx, rx) = channel::bounded(0);
        let reader = thread::spawn(move || {
            tx.send(()).unwrap();
            client.read(&mut [0; 8]).unwrap_err().kind()
        });
        rx.recv().unwrap();
        reset(server);
        assert_eq!(reader.join().unwrap(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_reset_ends_a_wait_to_write() {
    everywhere(|| {
        let (mut client, mut server) = local_pair();
        let writer = thread::spawn(move || client.write_all(&vec![0; 64 << 20]).unwrap_err().kind());
        // It has begun, and cannot have ended.
        server.read_exact(&mut [0; 1000]).unwrap();
        reset(server);
        assert_eq!(writer.join().unwrap(), ErrorKind::ConnectionReset);
    });
}

/// It ends all waits. One of them is told why.
#[test]
fn a_reset_ends_all_waits() {
    everywhere(|| {
        let (client, server) = local_pair();
        thread::scope(|s| {
            let waits = [(); 3].map(|()| s.spawn(|| (&client).read(&mut [0; 8]).map_err(|error| error.kind())));
            reset(server);
            let mut ends = waits.map(|wait| wait.join().unwrap());
            ends.sort_by_key(Result::is_ok);
            assert_eq!(ends, [Err(ErrorKind::ConnectionReset), Ok(0), Ok(0)]);
        });
    });
}

/// What had arrived before the other side went can be read, and writing is an error, no signal.
#[test]
fn the_other_side_has_gone() {
    everywhere(|| {
        let (mut client, mut server) = local_pair();
        server.write_all(b"farewell").unwrap();
        drop(server);
        // Answered by a reset: there is nobody.
        while client.write(&[1]).is_ok() {
            thread::yield_now();
        }
        assert_eq!(client.write(&[1]).unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

/// Also in a program that would die of SIGPIPE.
#[test]
fn a_broken_pipe_is_no_signal() {
    Finished::of(&mut sockets("broken-pipe")).exits_with(0);
}

/// A thread that panics leaves its connection closed, and nobody stuck at the other end.
#[test]
fn a_panicking_server() {
    everywhere(|| {
        let (mut client, mut server) = local_pair();
        let server = thread::spawn(move || {
            server.read_exact(&mut [0]).unwrap();
            std::panic::resume_unwind(Box::new("burnt"));
        });
        client.write_all(&[1]).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        assert_eq!(server.join().unwrap_err().downcast_ref(), Some(&"burnt"));
    });
}
