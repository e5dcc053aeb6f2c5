//! `sward::net`, from outside: what std's own tests of sockets check, in our words; and what green threads add to it: who waits costs no OS
//! thread, holds nobody up, is woken by what it waits for, and shows in dumps.

mod accept;
mod connect;
mod conversions;
mod crowd;
mod dumps;
mod fairness;
mod faults;
mod modes;
mod stream;
mod timeouts;
mod transfer;
mod udp;
mod unix;

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Child, Command, Stdio};

use sward::net::{TcpListener, TcpStream};
use sward_tests::{Watchdog, program, run_on};

/// Runs a test on an OS thread, and on green threads, on several numbers of Ps.
#[track_caller]
fn everywhere(test: impl Fn() + Sync) {
    {
        let _watchdog = Watchdog::start();
        test();
    }
    for procs in [1, 2, 4] {
        run_on(procs, &test);
    }
}

/// Does so for each kind of address that this machine has.
#[track_caller]
fn with_each_ip(test: impl Fn(IpAddr) + Sync) {
    let has_v6 = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let ips = [Some(Ipv4Addr::LOCALHOST.into()), has_v6.then_some(Ipv6Addr::LOCALHOST.into())];
    everywhere(|| ips.into_iter().flatten().for_each(&test));
}

/// Both ends of a connection.
#[track_caller]
fn pair(ip: IpAddr) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((ip, 0)).expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let (server, peer) = listener.accept().expect("a client");
    assert_eq!(peer, client.local_addr().expect("an address"));
    (client, server)
}

fn local_pair() -> (TcpStream, TcpStream) {
    pair(Ipv4Addr::LOCALHOST.into())
}

/// A listener whose queue of clients is full, and those who fill it: who comes now gets no answer until one is accepted.
fn full_listener() -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    rustix::net::listen(&listener, 0).expect("a shorter queue");
    let address = listener.local_addr().expect("an address");
    let mut queue = Vec::new();
    while let Ok(client) = TcpStream::connect_timeout(&address, std::time::Duration::from_millis(50)) {
        queue.push(client);
    }
    (listener, queue)
}

/// One of the programs in `src/bin/sockets.rs`.
fn sockets(name: &str) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_sockets"));
    command.arg(name);
    command
}

/// A program that says first where it listens. It is killed when the test has ended or failed.
struct Server {
    child: Child,
    address: String,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start(command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut address = String::new();
        stdout.read_line(&mut address).expect("a line");
        address.truncate(address.trim_end().len());
        Server { child, address, stdout }
    }

    /// The next line that it says.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        line
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
