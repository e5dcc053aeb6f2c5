//! `sward run echo`: what is sent comes back.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::thread;

use sward_tests::Finished;

use crate::command::{has, in_shell, sward};
use crate::server::Server;

/// Sends `text` and checks that it comes back.
#[track_caller]
fn exchange(mut stream: &TcpStream, text: &[u8]) {
    stream.write_all(text).expect("it can be sent");
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).expect("it comes back");
    assert!(back == text, "something else came back");
}

#[test]
fn every_client_gets_back_what_it_sent() {
    for procs in [1, 8] {
        let server = Server::start(&format!("echo --procs {procs}"));
        let clients: Vec<_> = (0..200).map(|_| server.connect()).collect();
        for round in 0..5 {
            for (n, client) in clients.iter().enumerate() {
                exchange(client, format!("client {n} in round {round}\n").as_bytes());
            }
        }
        drop(clients);
        let ended = server.end().exits_with(0);
        let bytes: usize = (0..5 * 200).map(|n| format!("client {} in round {}\n", n % 200, n / 200).len()).sum();
        assert_eq!(ended.stdout, format!("connections: 200, bytes: {bytes}\n"));
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn much_comes_back_while_it_is_still_being_sent() {
    let server = Server::start("echo");
    let mut stream = server.connect();
    let text: Vec<u8> = (0..20_000_000_u32).map(|n| (n % 251) as u8).collect();
    let back = thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(&text).expect("it can be sent");
            stream.shutdown(Shutdown::Write).expect("it can be ended");
        });
        let mut back = Vec::new();
        stream.try_clone().expect("a second handle").read_to_end(&mut back).expect("it comes back");
        back
    });
    assert!(back == text, "{} bytes came back", back.len());
    assert_eq!(stream.read(&mut [0]).expect("an end"), 0);
    let ended = server.end().exits_with(0);
    assert_eq!(ended.stdout, "connections: 1, bytes: 20000000\n");
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody() {
    let server = Server::start("echo --procs 1");
    let mut deaf = server.connect();
    deaf.set_nonblocking(true).expect("a mode");
    // Until the server takes no more for now, since it can't get rid of it.
    let full = deaf.write_all(&vec![b'x'; 256 << 20]).expect_err("it does not take everything");
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    exchange(&server.connect(), b"is anybody there?");
    drop(deaf);
    server.end().exits_with(0);
}

#[test]
fn either_signal_ends_it_though_clients_are_connected() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let server = Server::start("echo");
        let mut idle = server.connect();
        exchange(&idle, b"here I am");
        server.signal(signal);
        assert_eq!(idle.read(&mut [0]).expect("an end"), 0);
        let ended = server.wait().exits_with(0);
        assert_eq!((&*ended.stdout, &*ended.stderr), ("connections: 1, bytes: 9\n", ""));
    }
}

#[test]
fn what_was_sent_before_the_signal_comes_back() {
    let server = Server::start("echo");
    let clients: Vec<_> = (0..50).map(|_| server.connect()).collect();
    for mut client in &clients {
        client.write_all(b"last words").expect("it can be sent");
    }
    server.signal(libc::SIGTERM);
    for mut client in clients {
        let mut back = String::new();
        client.read_to_string(&mut back).expect("it comes back");
        assert_eq!(back, "last words");
    }
    server.wait().exits_with(0);
}

#[test]
fn a_server_without_files_for_more_clients_recovers() {
    let command = sward("run echo --addr 127.0.0.1:0");
    let server = Server::start_command(in_shell(r#"ulimit -n 30; exec "$@""#, &command));
    // It waits for its first client, for which the runtime has opened files: now all others are for clients.
    while !server.has_file("anon_inode:[eventpoll]") {
        thread::yield_now();
    }
    let mut clients: Vec<_> = (0..100).map(|_| server.connect()).collect();
    // The first are served, the last wait in the queue.
    exchange(&clients[0], b"first");
    let last = clients.pop().expect("a client");
    (&last).write_all(b"last").expect("it can be sent");
    drop(clients);
    let mut back = [0; 4];
    (&last).read_exact(&mut back).expect("its turn comes");
    assert_eq!(&back, b"last");
    let ended = server.end().exits_with(0);
    let said = "sward run echo: cannot accept a connection: Too many open files (os error 24)";
    assert!(!ended.stderr.is_empty() && ended.stderr.lines().all(|line| line == said), "{ended}");
}

#[test]
fn nc_gets_a_file_back() {
    if !has("nc") {
        return;
    }
    let root = tempfile::tempdir().expect("a directory for the test");
    let file = root.path().join("file");
    let text: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 253) as u8).collect();
    fs::write(&file, &text).expect("a file");
    let server = Server::start("echo");
    let port = server.address().port();
    let mut nc = Command::new("sh");
    nc.args(["-c", &format!("nc -N 127.0.0.1 {port} <file | cmp - file")]).current_dir(root.path());
    let finished = Finished::of(&mut nc).exits_with(0);
    assert_eq!((&*finished.stdout, &*finished.stderr), ("", ""));
    server.end().exits_with(0);
}
