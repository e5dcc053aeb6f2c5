//! One connection: requests are read and answered, one after another, until one side has had enough.
//!
//! What a client sends ahead of its answers (pipelining) stays in `received`. A request that is refused ends the connection, since
//! nobody knows where the next one would begin.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sward::net::TcpStream;
use sward::time::{self, Elapsed};

use super::Totals;
use super::files::Site;
use super::request::{self, Request};
use super::response::{Body, Response, Status};
use crate::server::{Client, is_timeout};

/// How much of a file is held at a time.
const CHUNK: usize = 64 * 1024;

/// How much is read from a client at a time.
const SIP: usize = 4 * 1024;

/// Serves a client until the connection ends. That it breaks is the client's affair.
pub fn serve(client: &Client, site: &Site, timeout: Duration, totals: &Totals) {
    let mut connection = Connection { client, timeout, totals, received: Vec::new(), out: Vec::new() };
    if connection.serve(site).is_ok() {
        client.hang_up();
    }
}

struct Connection<'a> {
    client: &'a Client,
    timeout: Duration,
    totals: &'a Totals,
    /// What has come and isn't answered.
    received: Vec<u8>,
    /// What is about to be sent. It is empty between responses, and kept for its memory.
    out: Vec<u8>,
}

/// What comes next from a client.
enum Next {
    Request(Request),
    Refused(Status),
    End,
}

impl Connection<'_> {
    fn serve(&mut self, site: &Site) -> io::Result<()> {
        self.stream().set_read_timeout(Some(self.timeout))?;
        self.stream().set_write_timeout(Some(self.timeout))?;
        loop {
            match self.next()? {
                Next::Request(request) => {
                    let response = site.answer(&request);
                    let keep_alive = request.keep_alive && !self.client.is_stopping();
                    let connection = match keep_alive {
                        true => request.is_old.then_some("keep-alive"),
                        false => Some("close"),
                    };
                    self.respond(response, request.head_only, connection)?;
                    if !keep_alive {
                        return Ok(());
                    }
                }
                Next::Refused(status) => {
                    return self.respond(Response::of_status(status), false, Some("close"));
                }
                Next::End => return Ok(()),
            }
        }
    }

    fn stream(&self) -> &TcpStream {
        self.client.stream()
    }

    /// Waits for the next request. The time for it begins anew with its first byte.
    fn next(&mut self) -> io::Result<Next> {
        let mut deadline = None;
        loop {
            match request::parse(&self.received) {
                Ok(Some((request, length))) => {
                    self.received.drain(..length);
                    return Ok(Next::Request(request));
                }
                Ok(None) => {}
                Err(status) => return Ok(Next::Refused(status)),
            }
            let mut sip = [0; SIP];
            let read = if self.received.is_empty() {
                self.client.read_next(&mut sip)
            } else {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.timeout);
                time::timeout_at(deadline, || self.stream().read(&mut sip))
                    .unwrap_or_else(|Elapsed| Err(ErrorKind::TimedOut.into()))
            };
            match read {
                Ok(0) => return Ok(Next::End),
                Ok(length) => self.received.extend_from_slice(&sip[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if !is_timeout(&error) => return Err(error),
                Err(_) if self.received.is_empty() => return Ok(Next::End),
                Err(_) => return Ok(Next::Refused(Status::REQUEST_TIMEOUT)),
            }
        }
    }

    fn respond(&mut self, mut response: Response, head_only: bool, connection: Option<&str>) -> io::Result<()> {
        // Relaxed: a count that orders nothing else.
        self.totals.requests.fetch_add(1, Ordering::Relaxed);
        response.write_head(&mut self.out, connection);
        match &mut response.body {
            _ if head_only => {}
            Body::None => {}
            Body::Text(text) => self.out.append(text),
            Body::File { file, length } => self.send_file(file, *length)?,
        }
        self.send()
    }

    /// Sends what is there to be sent, and `length` bytes of `file` after it. The last of them may remain to be sent.
    fn send_file(&mut self, file: &mut impl Read, length: u64) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            let begin = self.out.len();
            let wanted = left.min((CHUNK - begin) as u64) as usize;
            self.out.resize(begin + wanted, 0);
            let read = loop {
                match file.read(&mut self.out[begin..]) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    read => break read?,
                }
            };
            if read == 0 {
                // It has become shorter than the client was told. Only the end of the connection says so.
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.out.truncate(begin + read);
            left -= read as u64;
            if left > 0 {
                self.send()?;
            }
        }
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        self.stream().write_all(&self.out)?;
        // Relaxed, as above.
        self.totals.bytes.fetch_add(self.out.len() as u64, Ordering::Relaxed);
        self.out.clear();
        Ok(())
    }
}
