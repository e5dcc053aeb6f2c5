//! Samples that serve: started on a port of their own, talked to, and ended by a signal.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use sward_tests::Finished;

use crate::command::sward;

/// How long a server may run, and how long a client waits for it: far more than any test needs on a loaded machine or under an
/// emulator.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server that runs.
pub struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
    /// Never used: the watching thread sees that it is dropped.
    _leash: Sender<()>,
}

impl Server {
    /// Starts a sample with the words of `line`, and waits until it says where it listens. One that is still running after a long time
    /// is killed.
    #[track_caller]
    pub fn start(line: &str) -> Server {
        Server::start_command(sward(&format!("run {line} --addr 127.0.0.1:0")))
    }

    /// As `start`, by a whole command, which is to listen on any port of 127.0.0.1.
    #[track_caller]
    pub fn start_command(command: Command) -> Server {
        Server::start_announced(command, "listening on 127.0.0.1:")
    }

    /// As `start`, by a whole command, which says on which port of 127.0.0.1 it listens behind the words `announcement`.
    #[track_caller]
    pub fn start_announced(mut command: Command, announcement: &str) -> Server {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let (leash, dropped) = mpsc::channel();
        let pid = child.id();
        thread::spawn(move || {
            if dropped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                signal(pid, libc::SIGKILL);
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it writes text");
        let port = line.trim_end().strip_prefix(announcement).and_then(|port| port.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("it says {line:?}, not where it listens"));
        Server { child, stdout, address: (Ipv4Addr::LOCALHOST, port).into(), _leash: leash }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of it.
    #[track_caller]
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream
    }

    /// Whether it has opened this, as /proc names it.
    pub fn has_file(&self, name: &str) -> bool {
        let files = fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("it is still running");
        files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|link| link == Path::new(name)))
    }

    /// Sends it a signal.
    pub fn signal(&self, number: i32) {
        signal(self.child.id(), number);
    }

    /// Sends it SIGTERM and waits for its end.
    #[track_caller]
    pub fn end(self) -> Finished {
        self.signal(libc::SIGTERM);
        self.wait()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> Finished {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).expect("it writes text");
        self.child.stderr.take().expect("it was asked for").read_to_string(&mut stderr).expect("it writes text");
        let status = self.child.wait().expect("it can be waited for");
        Finished { status, stdout, stderr }
    }
}

impl Drop for Server {
    /// A test that failed leaves nothing running.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a child that hasn't been waited for.
fn signal(child: u32, number: i32) {
    // SAFETY: kill touches no memory of ours.
    unsafe { libc::kill(child as libc::pid_t, number) };
}

/// Every server refuses these, in its own name.
#[test]
fn addresses_that_cannot_be_listened_on_are_refused() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it is bound");
    for sample in ["echo", "chat", "http ."] {
        let name = sample.split(' ').next().expect("a name");
        let refused = Finished::of(&mut sward(&format!("run {sample} --addr {address}"))).exits_with(1);
        let said = format!("sward run {name}: cannot listen on {address}: Address already in use (os error 98)\n");
        assert_eq!((&*refused.stdout, refused.stderr), ("", said));
        for bad in ["", "localhost", "127.0.0.1", "127.0.0.1:port", "127.0.0.1:65536", ":80", "1.2.3:4"] {
            let mut command = sward(&format!("run {sample} --addr"));
            let refused = Finished::of(command.arg(bad)).exits_with(2);
            let said = "for '--addr <ADDRESS>': expected an IP address and a port, such as 127.0.0.1:8080";
            refused.says(&format!("invalid value '{bad}' {said}"));
        }
    }
}
