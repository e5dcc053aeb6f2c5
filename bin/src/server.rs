//! What the samples that serve share: listening, a green thread for each connection, and a graceful end.
//!
//! SIGINT or SIGTERM ends a server, by cancelling a token. Only two waits take part in that: the one for another connection, and the one in
//! [`Client::read_next`], to which it looks as if the client had closed its end. What is under way goes on, but for [`GRACE`] at most: what is
//! still open then is cut off. A second signal does not wait for that: it does what it does to any program.
//!
//! signal-hook's handler does no more than set a flag and write a byte into a socket. A green thread reads from the other end,
//! and so waits for signals as it would for a client: without an OS thread of its own.

use std::convert::Infallible;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level::pipe};
use sward::cancel::{CancelToken, Cancelled};
use sward::channel::{RecvTimeoutError, bounded};
use sward::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UnixStream};
use sward::sync::Arc;
use sward::{thread, time};

use crate::report::note;

/// How long connections may go on after the signal.
const GRACE: Duration = Duration::from_secs(5);

/// How long a client may take to close a connection that the server has ended.
const LINGER: Duration = Duration::from_secs(2);

/// How long the server rests when the system has no file or memory for another connection.
const REST: Duration = Duration::from_millis(20);

/// A parser of addresses to listen on. Its error says what is accepted.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:0".to_owned())
}

/// A server that listens.
pub struct Server {
    sample: &'static str,
    listener: TcpListener,
    stopping: CancelToken,
}

impl Server {
    /// Starts listening. If that can't be done, says why; the sample's exit code is then 1.
    pub fn listen(sample: &'static str, address: SocketAddr) -> Result<Server, ExitCode> {
        let listen = || {
            let stopping = CancelToken::new();
            cancel_on_signals(stopping.clone())?;
            Ok(Server { sample, listener: TcpListener::bind(address)?, stopping })
        };
        listen().map_err(|error: io::Error| {
            note(format_args!("sward run {sample}: cannot listen on {address}: {error}"));
            ExitCode::FAILURE
        })
    }

    /// Says where it listens, and runs `serve` on a green thread for each client until a signal ends it. Returns how many
    /// there were.
    ///
    /// # Errors
    /// Standard output could not be written.
    pub fn run(self, serve: impl Fn(&Client) + Send + Sync + 'static) -> io::Result<u64> {
        let address = self.listener.local_addr().expect("it is bound");
        let mut out = io::stdout();
        writeln!(out, "listening on {address}")?;
        out.flush()?;

        let serve = Arc::new(serve);
        // Nothing is ever sent: the channel ends when the last client's thread does.
        let (alive, ended) = bounded::<Infallible>(0);
        let mut connections = 0;
        while let Some(stream) = self.accept() {
            // It only fails for a connection that is broken, which the first read finds out.
            let _ = stream.set_nodelay(true);
            let client = Client { stream: Arc::new(stream), stopping: self.stopping.clone() };
            let (serve, alive) = (serve.clone(), alive.clone());
            sward::spawn(move || {
                serve(&client);
                drop(client);
                drop(alive);
            });
            connections += 1;
        }
        let Server { sample, listener, .. } = self;
        drop(listener);
        drop(alive);
        if ended.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
            note(format_args!("sward run {sample}: connections that did not end within {GRACE:?} are cut off"));
        }
        Ok(connections)
    }

    /// Waits for the next client. Once the server stops, there are only those that the system has connected already.
    fn accept(&self) -> Option<TcpStream> {
        let mut complained = false;
        loop {
            let accepted = self.stopping.run_until_cancelled(|| self.listener.accept());
            match accepted.unwrap_or_else(|Cancelled| self.accept_at_once()) {
                Ok((stream, _)) => return Some(stream),
                Err(_) if self.stopping.is_cancelled() => return None,
                // The client has gone already, or there are too many of them: that may pass.
                Err(error) => {
                    if !mem::replace(&mut complained, true) {
                        note(format_args!("sward run {}: cannot accept a connection: {error}", self.sample));
                    }
                    thread::sleep(REST);
                }
            }
        }
    }

    fn accept_at_once(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.listener.set_nonblocking(true)?;
        self.listener.accept()
    }
}

/// Cancels a token on the first signal that asks for the end.
fn cancel_on_signals(token: CancelToken) -> io::Result<()> {
    let (mut bell, button) = UnixStream::pair()?;
    let button = OwnedFd::from(button);
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Actions run in this order, so the first signal does not find the flag set.
        flag::register_conditional_default(signal, asked.clone())?;
        flag::register(signal, asked.clone())?;
        pipe::register(signal, button.try_clone()?)?;
    }
    sward::spawn(move || {
        // It fails when the clients have taken all files before the runtime had those that it needs to wait. That may pass.
        while bell.read_exact(&mut [0]).is_err() {
            thread::sleep(REST);
        }
        token.cancel();
    });
    Ok(())
}

/// A connection to a client. Clones are the same connection.
#[derive(Clone)]
pub struct Client {
    stream: Arc<TcpStream>,
    stopping: CancelToken,
}

impl Client {
    /// The connection, to read what belongs to words that have begun, and to answer.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads what the client says next. When the server stops, the stream seems to end behind what has come already.
    ///
    /// # Errors
    /// As reading from the stream.
    pub fn read_next(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.stopping.run_until_cancelled(|| self.stream().read(buffer));
            match read.unwrap_or_else(|Cancelled| self.read_at_once(buffer)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// Reads what has come. That there is nothing is the end.
    fn read_at_once(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let usual = self.stream.read_timeout()?;
        self.stream.set_read_timeout(Some(Duration::from_nanos(1)))?;
        let read = self.stream().read(buffer);
        self.stream.set_read_timeout(usual)?;
        read.or_else(|error| if is_timeout(&error) { Ok(0) } else { Err(error) })
    }

    /// Whether the server has been asked to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Ends the connection so that the client gets all that has been sent. To close it while something is still unread would reset it,
    /// and what is on its way would be lost. So it is the client that closes, for which it has a moment.
    pub fn hang_up(&self) {
        self.end(Shutdown::Write);
        let mut stream = self.stream();
        let read = || while stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {};
        // In either case it is over.
        let _ = time::timeout(LINGER, read);
    }

    /// Ends reading, writing or both, also for a thread that is waiting to.
    pub fn end(&self, how: Shutdown) {
        // It only fails when there is nothing left to end.
        let _ = self.stream.shutdown(how);
    }
}

/// Whether a read or a write ended since its time was up.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}
