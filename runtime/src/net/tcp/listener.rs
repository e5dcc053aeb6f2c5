//! A TCP socket that listens for clients.

use std::io;
use std::iter::FusedIterator;

use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with, listen};
use sward_sched::{Interest, Reason};

use crate::net::common::{delegate, socket, untimed_socket};
use crate::net::socket::Socket;
use crate::net::{SocketAddr, TcpStream, ToSocketAddrs};
use crate::unblock;

/// A TCP socket that listens for clients. As [`std::net::TcpListener`].
///
/// ```
/// # sward::run(|| {
/// use std::io::Write;
/// use sward::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let client = TcpStream::connect(listener.local_addr()?)?;
/// let (mut server, peer) = listener.accept()?;
/// assert_eq!(peer, client.local_addr()?);
/// server.write_all(b"welcome")?;
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
pub struct TcpListener(Socket<std::net::TcpListener>);

untimed_socket!(TcpListener, std::net::TcpListener, r#"let socket = sward::net::TcpListener::bind("127.0.0.1:0")?;"#);

impl TcpListener {
    /// Listens at the first address that can be had. Port 0 is any free one.
    ///
    /// # Errors
    /// As [`std::net::TcpListener::bind`].
    ///
    /// ```
    /// # sward::run(|| {
    /// let listener = sward::net::TcpListener::bind("[::1]:0").or_else(|_| sward::net::TcpListener::bind("127.0.0.1:0"))?;
    /// assert_ne!(listener.local_addr()?.port(), 0);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<TcpListener> {
        let inner = unblock(|| std::net::TcpListener::bind(addr))?;
        // As many as the kernel allows may wait to be accepted. std allows 128, and those that come too early try again after a second.
        listen(&inner, i32::MAX)?;
        Socket::of_std(inner).map(TcpListener)
    }

    /// Waits for a client. Returns a connection to it, and its address.
    ///
    /// # Errors
    /// As [`std::net::TcpListener::accept`]. Mostly it is about this one client, or the moment: `ConnectionAborted` says that the client is gone
    /// already, EMFILE that the process has too many open files. The listener remains usable.
    ///
    /// ```
    /// # sward::run(|| {
    /// use sward::net::{TcpListener, TcpStream};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let client = TcpStream::connect(listener.local_addr()?)?;
    /// let (server, address) = listener.accept()?;
    /// assert_eq!(server.peer_addr()?, address);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        // Non-blocking from the start: std's `accept` would take another system call for that.
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let accepted = self.0.wait(Interest::Read, Reason::Accept, |inner| Ok(acceptfrom_with(inner, flags)?));
        let (fd, peer) = accepted?;
        let peer = peer.ok_or(Errno::AFNOSUPPORT)?.try_into()?;
        Ok((TcpStream::of_nonblocking(fd), peer))
    }

    /// An iterator of clients, without end: [`accept`](Self::accept) again and again.
    ///
    /// ```no_run
    /// # sward::run(|| {
    /// let listener = sward::net::TcpListener::bind("127.0.0.1:80")?;
    /// for client in listener.incoming() {
    ///     match client {
    ///         Ok(client) => drop(sward::spawn(move || println!("a client: {client:?}"))),
    ///         Err(error) => eprintln!("a client that could not be served: {error}"),
    ///     }
    /// }
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    delegate! { std::net::TcpListener:
        /// The address at which it listens.
        ///
        /// ```
        /// # sward::run(|| {
        /// let listener = sward::net::TcpListener::bind("127.0.0.1:0")?;
        /// println!("at {}", listener.local_addr()?);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn local_addr(&self) -> SocketAddr;
        /// Sets the time to live of packets, also for connections that are accepted.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let listener = sward::net::TcpListener::bind("127.0.0.1:0")?;
        /// listener.set_ttl(64)?;
        /// assert_eq!(listener.ttl()?, 64);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn set_ttl(&self, ttl: u32) -> ();
        /// The time to live of packets: see [`set_ttl`](Self::set_ttl).
        fn ttl(&self) -> u32;
    }
}

/// An iterator of clients: [`TcpListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl FusedIterator for Incoming<'_> {}
