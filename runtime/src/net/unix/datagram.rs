//! Datagrams within the machine.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sward_sched::Interest;

use super::SocketAddr;
use crate::net::Shutdown;
use crate::net::common::{delegate, socket, timed_socket};
use crate::net::socket::Socket;
use crate::{thread, unblock};

/// How soon sending to one who has no room is tried again: see [`UnixDatagram::send_unconnected`].
const FIRST_PAUSE: Duration = Duration::from_micros(10);
/// How often it is tried after a while.
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

/// A socket for datagrams within the machine. As [`std::os::unix::net::UnixDatagram`].
///
/// Nothing is lost: who sends waits until there is room. For one that the socket is not connected to, the kernel cannot be waited for, and
/// sending is tried again, at least every millisecond.
///
/// ```
/// # sward::run(|| {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("socket");
/// use sward::net::UnixDatagram;
///
/// let server = UnixDatagram::bind(&path)?;
/// UnixDatagram::unbound()?.send_to(b"hello", &path)?;
/// let mut buf = [0; 100];
/// let (len, from) = server.recv_from(&mut buf)?;
/// assert_eq!(&buf[..len], b"hello");
/// assert!(from.is_unnamed());
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
pub struct UnixDatagram(Socket<std::os::unix::net::UnixDatagram>);

timed_socket!(
    UnixDatagram,
    std::os::unix::net::UnixDatagram,
    "let (socket, peer) = sward::net::UnixDatagram::pair()?;"
);

impl UnixDatagram {
    /// A socket at a path, where there must be nothing yet.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixDatagram::bind`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("socket");
    /// let socket = sward::net::UnixDatagram::bind(&path)?;
    /// assert_eq!(socket.local_addr()?.as_pathname(), Some(&*path));
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        let path = path.as_ref();
        Socket::of_std(unblock(|| std::os::unix::net::UnixDatagram::bind(path))?).map(UnixDatagram)
    }

    /// A socket at an address: a path, or a name that belongs to no file.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixDatagram::bind_addr`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("socket");
    /// use sward::net::unix::SocketAddr;
    ///
    /// let socket = sward::net::UnixDatagram::bind_addr(&SocketAddr::from_pathname(path)?)?;
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn bind_addr(socket_addr: &SocketAddr) -> io::Result<UnixDatagram> {
        Socket::of_std(unblock(|| std::os::unix::net::UnixDatagram::bind_addr(socket_addr))?).map(UnixDatagram)
    }

    /// A socket without an address.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixDatagram::unbound`].
    ///
    /// ```
    /// # sward::run(|| {
    /// let socket = sward::net::UnixDatagram::unbound()?;
    /// assert!(socket.local_addr()?.is_unnamed());
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn unbound() -> io::Result<UnixDatagram> {
        Socket::of_std(std::os::unix::net::UnixDatagram::unbound()?).map(UnixDatagram)
    }

    /// Two connected sockets without names.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixDatagram::pair`].
    ///
    /// ```
    /// # sward::run(|| {
    /// let (one, other) = sward::net::UnixDatagram::pair()?;
    /// one.send(b"hello")?;
    /// assert_eq!(other.recv(&mut [0; 100])?, 5);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (one, other) = std::os::unix::net::UnixDatagram::pair()?;
        Ok((UnixDatagram(Socket::of_std(one)?), UnixDatagram(Socket::of_std(other)?)))
    }

    /// Sends to the socket at a path from now on ([`send`](Self::send)), and receives from there only.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixDatagram::connect`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("socket");
    /// let server = sward::net::UnixDatagram::bind(&path)?;
    /// let client = sward::net::UnixDatagram::unbound()?;
    /// client.connect(&path)?;
    /// client.send(b"hello")?;
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        let path = path.as_ref();
        unblock(|| self.0.get().connect(path))
    }

    /// Sends to an address from now on ([`send`](Self::send)), and receives from there only.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixDatagram::connect_addr`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("socket");
    /// let server = sward::net::UnixDatagram::bind(&path)?;
    /// let client = sward::net::UnixDatagram::unbound()?;
    /// client.connect_addr(&server.local_addr()?)?;
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn connect_addr(&self, socket_addr: &SocketAddr) -> io::Result<()> {
        unblock(|| self.0.get().connect_addr(socket_addr))
    }

    /// Sends a datagram to where the socket is connected.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixDatagram::send`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let (one, other) = sward::net::UnixDatagram::pair()?;
    /// assert_eq!(one.send(b"hello")?, 5);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(|inner| inner.send(buf))
    }

    /// Sends a datagram to the socket at a path.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixDatagram::send_to`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("socket");
    /// let server = sward::net::UnixDatagram::bind(&path)?;
    /// sward::net::UnixDatagram::unbound()?.send_to(b"hello", &path)?;
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn send_to<P: AsRef<Path>>(&self, buf: &[u8], path: P) -> io::Result<usize> {
        let path = path.as_ref();
        self.send_unconnected(|inner| inner.send_to(buf, path))
    }

    /// Sends a datagram to an address.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixDatagram::send_to_addr`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("socket");
    /// let server = sward::net::UnixDatagram::bind(&path)?;
    /// sward::net::UnixDatagram::unbound()?.send_to_addr(b"hello", &server.local_addr()?)?;
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn send_to_addr(&self, buf: &[u8], socket_addr: &SocketAddr) -> io::Result<usize> {
        self.send_unconnected(|inner| inner.send_to_addr(buf, socket_addr))
    }

    /// Sends by `operation` to one that the socket need not be connected to. If that one has no room, no event will tell when it has.
    fn send_unconnected<F>(&self, operation: F) -> io::Result<usize>
    where
        F: Fn(&std::os::unix::net::UnixDatagram) -> io::Result<usize>,
    {
        let deadline = self.0.deadline(Interest::Write);
        let mut pause = FIRST_PAUSE;
        loop {
            match operation(self.0.get()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !self.0.is_nonblocking() => {
                    if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                        return Err(error);
                    }
                    thread::sleep(pause);
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
                result => return result,
            }
        }
    }

    /// Receives a datagram, and tells its size. What `buf` has no room for is lost.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixDatagram::recv`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let (one, other) = sward::net::UnixDatagram::pair()?;
    /// one.send(b"a long story")?;
    /// assert_eq!(other.recv(&mut [0; 6])?, 6);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(|inner| match inner.recv(buf) {
            Err(error) if self.is_at_its_end(&error) => Ok(0),
            result => result,
        })
    }

    /// Receives a datagram, and tells its size and whence it comes. What `buf` has no room for is lost.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixDatagram::recv_from`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let (one, other) = sward::net::UnixDatagram::pair()?;
    /// one.send(b"hello")?;
    /// let (len, from) = other.recv_from(&mut [0; 100])?;
    /// assert!(len == 5 && from.is_unnamed());
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.read(|inner| match inner.recv_from(buf) {
            // From nobody.
            Err(error) if self.is_at_its_end(&error) => Ok((0, SocketAddr::from_pathname("")?)),
            result => result,
        })
    }

    /// Whether there will never be anything to receive, though `error` says that there may. A blocking `recv` returns 0 then, but to a non-blocking
    /// one the kernel does not tell.
    fn is_at_its_end(&self, error: &io::Error) -> bool {
        let mut polled = [PollFd::new(self.0.get(), PollFlags::RDHUP)];
        error.kind() == io::ErrorKind::WouldBlock
            && !self.0.is_nonblocking()
            && poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    delegate! { std::os::unix::net::UnixDatagram:
        /// The address where the socket is connected.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let (one, other) = sward::net::UnixDatagram::pair()?;
        /// assert!(one.peer_addr()?.is_unnamed());
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn peer_addr(&self) -> SocketAddr;
        /// The address of the socket.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let (one, other) = sward::net::UnixDatagram::pair()?;
        /// assert!(one.local_addr()?.is_unnamed());
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn local_addr(&self) -> SocketAddr;
        /// Closes one direction, or both, for all handles. Threads that wait there go on, with what they find then.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let (one, other) = sward::net::UnixDatagram::pair()?;
        /// one.shutdown(sward::net::Shutdown::Both)?;
        /// assert!(one.send(b"hello").is_err());
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn shutdown(&self, how: Shutdown) -> ();
    }
}
