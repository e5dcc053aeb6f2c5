//! A connection within the machine.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use super::SocketAddr;
use crate::net::Shutdown;
use crate::net::common::{by_value, delegate, socket, timed_socket};
use crate::net::socket::Socket;
use crate::unblock;

/// A connection within the machine. As [`std::os::unix::net::UnixStream`].
///
/// It can be read and written through shared references, by two threads at once, say. When the last handle is dropped the connection is
/// closed, both ways.
///
/// ```
/// # sward::run(|| {
/// use std::io::{BufRead, BufReader, Write};
/// use sward::net::UnixStream;
///
/// let (mut near, far) = UnixStream::pair()?;
/// near.write_all(b"one\ntwo\n")?;
/// drop(near);
/// assert_eq!(BufReader::new(far).lines().count(), 2);
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
pub struct UnixStream(Socket<std::os::unix::net::UnixStream>);

timed_socket!(UnixStream, std::os::unix::net::UnixStream, "let (socket, peer) = sward::net::UnixStream::pair()?;");

impl UnixStream {
    /// Connects to who listens at a path.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixStream::connect`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("socket");
    /// let listener = sward::net::UnixListener::bind(&path)?;
    /// let stream = sward::net::UnixStream::connect(&path)?;
    /// assert_eq!(stream.peer_addr()?.as_pathname(), Some(&*path));
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn connect<P: AsRef<Path>>(path: P) -> io::Result<UnixStream> {
        let path = path.as_ref();
        // Also if there are too many that wait to be accepted: epoll would not tell when there is room.
        Socket::of_std(unblock(|| std::os::unix::net::UnixStream::connect(path))?).map(UnixStream)
    }

    /// Connects to who listens at an address: a path, or a name that belongs to no file.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixStream::connect_addr`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("socket");
    /// let listener = sward::net::UnixListener::bind(&path)?;
    /// let stream = sward::net::UnixStream::connect_addr(&listener.local_addr()?)?;
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn connect_addr(socket_addr: &SocketAddr) -> io::Result<UnixStream> {
        Socket::of_std(unblock(|| std::os::unix::net::UnixStream::connect_addr(socket_addr))?).map(UnixStream)
    }

    /// Two connected sockets without names.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixStream::pair`].
    ///
    /// ```
    /// # sward::run(|| {
    /// let (parent, child) = sward::net::UnixStream::pair()?;
    /// assert!(parent.peer_addr()?.is_unnamed());
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = std::os::unix::net::UnixStream::pair()?;
        Ok((UnixStream(Socket::of_std(one)?), UnixStream(Socket::of_std(other)?)))
    }

    /// Of a new socket in non-blocking mode.
    pub(super) fn of_nonblocking(fd: OwnedFd) -> UnixStream {
        UnixStream(Socket::new(fd.into()))
    }

    delegate! { std::os::unix::net::UnixStream:
        /// The address of the other end.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let (stream, other) = sward::net::UnixStream::pair()?;
        /// assert!(stream.peer_addr()?.is_unnamed());
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn peer_addr(&self) -> SocketAddr;
        /// The address of this end.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let (stream, other) = sward::net::UnixStream::pair()?;
        /// assert!(stream.local_addr()?.is_unnamed());
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn local_addr(&self) -> SocketAddr;
        /// Closes one direction, or both, for all handles. Threads that wait there go on, with what they find then.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let (stream, mut other) = sward::net::UnixStream::pair()?;
        /// use std::io::Read;
        /// use sward::net::Shutdown;
        ///
        /// stream.shutdown(Shutdown::Write)?;
        /// assert_eq!(other.read(&mut [0; 8])?, 0);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn shutdown(&self, how: Shutdown) -> ();
    }
}

// Here a short read says nothing of what comes next: it stops where a file descriptor was sent along, with more behind.
impl Read for &UnixStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(|mut inner| inner.read(buf))
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.read(|mut inner| inner.read_vectored(bufs))
    }
}

impl Write for &UnixStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(|mut inner| inner.write(buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write(|mut inner| inner.write_vectored(bufs))
    }

    /// Does nothing: there is no buffer in the process.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

by_value!(UnixStream);
