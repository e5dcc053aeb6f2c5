//! A TCP connection.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::OwnedFd;
use std::os::linux::net::TcpStreamExt;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

use crate::net::address::first_of;
use crate::net::common::{by_value, delegate, socket, timed_socket};
use crate::net::socket::Socket;
use crate::net::{Shutdown, SocketAddr, ToSocketAddrs};

/// A TCP connection. As [`std::net::TcpStream`].
///
/// It can be read and written through shared references, by two threads at once, say. What is written is on its way when `write` returns: there
/// is no buffer to flush. When the last handle is dropped the connection is closed, both ways.
///
/// ```
/// # sward::run(|| {
/// use std::io::{BufRead, BufReader, Write};
/// use sward::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut client = TcpStream::connect(listener.local_addr()?)?;
/// client.write_all(b"HELO example.org\n")?;
///
/// let (server, _) = listener.accept()?;
/// let mut line = String::new();
/// BufReader::new(&server).read_line(&mut line)?;
/// assert_eq!(line, "HELO example.org\n");
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
pub struct TcpStream(Socket<std::net::TcpStream>);

timed_socket!(
    TcpStream,
    std::net::TcpStream,
    r#"# let listener = sward::net::TcpListener::bind("127.0.0.1:0")?;
let socket = sward::net::TcpStream::connect(listener.local_addr()?)?;"#
);

impl TcpStream {
    /// Connects to the first address that accepts.
    ///
    /// # Errors
    /// As [`std::net::TcpStream::connect`]: that of the last address, if none accepts.
    ///
    /// ```
    /// # sward::run(|| {
    /// use std::io::ErrorKind;
    /// use sward::net::{TcpListener, TcpStream};
    ///
    /// // The address of somebody who has just stopped listening.
    /// let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    /// assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<TcpStream> {
        first_of(addr, |addr| TcpStream::connect_until(addr, None))
    }

    /// Connects to an address within a time.
    ///
    /// # Errors
    /// As [`std::net::TcpStream::connect_timeout`]: when the time is up, of the kind `TimedOut`; for a time of zero, `InvalidInput`.
    ///
    /// ```
    /// # sward::run(|| {
    /// use std::time::Duration;
    /// use sward::net::{TcpListener, TcpStream};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let stream = TcpStream::connect_timeout(&listener.local_addr()?, Duration::from_secs(5))?;
    /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn connect_timeout(addr: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        if timeout.is_zero() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "cannot set a 0 duration timeout"));
        }
        TcpStream::connect_until(addr, Instant::now().checked_add(timeout))
    }

    fn connect_until(addr: &SocketAddr, deadline: Option<Instant>) -> io::Result<TcpStream> {
        let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let stream = TcpStream::of_nonblocking(socket_with(family, SocketType::STREAM, flags, None)?);
        // Asked again to connect, the kernel tells what has become of the first time.
        let connected = stream.0.connect(deadline, |inner| match connect(inner, addr) {
            // It has begun; within the machine it has ended too.
            Err(Errno::INPROGRESS) => Err(io::ErrorKind::Interrupted.into()),
            Err(Errno::ALREADY) => Err(io::ErrorKind::WouldBlock.into()),
            Err(Errno::ISCONN) => Ok(()),
            result => Ok(result?),
        });
        match connected {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "connection timed out"))
            }
            result => result.map(|()| stream),
        }
    }

    /// Of a new socket in non-blocking mode.
    pub(super) fn of_nonblocking(fd: OwnedFd) -> TcpStream {
        TcpStream(Socket::new(fd.into()))
    }

    /// Reads what comes next without taking it.
    ///
    /// # Errors
    /// As [`std::net::TcpStream::peek`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # use std::io::{Read, Write};
    /// # use sward::net::{TcpListener, TcpStream};
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = TcpStream::connect(listener.local_addr()?)?;
    /// # let (mut server, _) = listener.accept()?;
    /// client.write_all(b"twice")?;
    /// let mut buf = [0; 5];
    /// assert_eq!(server.peek(&mut buf)?, 5);
    /// assert_eq!(server.read(&mut buf)?, 5);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(|inner| inner.peek(buf))
    }

    /// Whether acknowledgements are sent at once: see [`set_quickack`](Self::set_quickack). The kernel may change its mind.
    ///
    /// # Errors
    /// As `quickack` of [`TcpStreamExt`].
    pub fn quickack(&self) -> io::Result<bool> {
        self.0.get().quickack()
    }

    /// Sets whether acknowledgements are sent at once, for now.
    ///
    /// # Errors
    /// As `set_quickack` of [`TcpStreamExt`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let listener = sward::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let stream = sward::net::TcpStream::connect(listener.local_addr()?)?;
    /// stream.set_quickack(true)?;
    /// assert!(stream.quickack()?);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        self.0.get().set_quickack(quickack)
    }

    delegate! { std::net::TcpStream:
        /// The address of the other end.
        ///
        /// ```
        /// # sward::run(|| {
        /// let listener = sward::net::TcpListener::bind("127.0.0.1:0")?;
        /// let stream = sward::net::TcpStream::connect(listener.local_addr()?)?;
        /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn peer_addr(&self) -> SocketAddr;
        /// The address of this end.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let listener = sward::net::TcpListener::bind("127.0.0.1:0")?;
        /// # let stream = sward::net::TcpStream::connect(listener.local_addr()?)?;
        /// assert!(stream.local_addr()?.ip().is_loopback());
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn local_addr(&self) -> SocketAddr;
        /// Closes one direction, or both, for all handles. Threads that wait there go on, with what they find then.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let listener = sward::net::TcpListener::bind("127.0.0.1:0")?;
        /// # let mut stream = sward::net::TcpStream::connect(listener.local_addr()?)?;
        /// use std::io::Read;
        /// use sward::net::Shutdown;
        ///
        /// let closer = stream.try_clone()?;
        /// sward::spawn(move || closer.shutdown(Shutdown::Read));
        /// // Nobody has written anything, nor will anybody.
        /// assert_eq!(stream.read(&mut [0; 8])?, 0);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn shutdown(&self, how: Shutdown) -> ();
        /// Sets whether data is sent at once, however little (TCP_NODELAY).
        ///
        /// ```
        /// # sward::run(|| {
        /// # let listener = sward::net::TcpListener::bind("127.0.0.1:0")?;
        /// # let stream = sward::net::TcpStream::connect(listener.local_addr()?)?;
        /// stream.set_nodelay(true)?;
        /// assert!(stream.nodelay()?);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn set_nodelay(&self, nodelay: bool) -> ();
        /// Whether data is sent at once, however little: see [`set_nodelay`](Self::set_nodelay).
        fn nodelay(&self) -> bool;
        /// Sets the time to live of packets.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let listener = sward::net::TcpListener::bind("127.0.0.1:0")?;
        /// # let stream = sward::net::TcpStream::connect(listener.local_addr()?)?;
        /// stream.set_ttl(64)?;
        /// assert_eq!(stream.ttl()?, 64);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn set_ttl(&self, ttl: u32) -> ();
        /// The time to live of packets: see [`set_ttl`](Self::set_ttl).
        fn ttl(&self) -> u32;
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_dry(buf.len(), |mut inner| inner.read(buf))
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.read(|mut inner| inner.read_vectored(bufs))
    }
}

impl Write for &TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write_full(buf.len(), |mut inner| inner.write(buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write(|mut inner| inner.write_vectored(bufs))
    }

    /// Does nothing: there is no buffer in the process.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

by_value!(TcpStream);
