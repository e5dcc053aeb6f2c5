//! A Unix socket that listens for clients.

use std::io;
use std::path::Path;

use rustix::net::{SocketFlags, accept_with};
use sward_sched::{Interest, Reason};

use super::{SocketAddr, UnixStream};
use crate::net::common::{delegate, socket, untimed_socket};
use crate::net::socket::Socket;
use crate::unblock;

/// A Unix socket that listens for clients. As [`std::os::unix::net::UnixListener`].
///
/// ```
/// # sward::run(|| {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("socket");
/// use std::io::{Read, Write};
/// use sward::net::{UnixListener, UnixStream};
///
/// let listener = UnixListener::bind(&path)?;
/// UnixStream::connect(&path)?.write_all(b"hello")?;
/// let (mut server, _) = listener.accept()?;
/// let mut said = String::new();
/// server.read_to_string(&mut said)?;
/// assert_eq!(said, "hello");
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
pub struct UnixListener(Socket<std::os::unix::net::UnixListener>);

untimed_socket!(
    UnixListener,
    std::os::unix::net::UnixListener,
    r#"# let dir = tempfile::tempdir()?;
# let path = dir.path().join("socket");
let socket = sward::net::UnixListener::bind(path)?;"#
);

impl UnixListener {
    /// Listens at a path, where there must be nothing yet.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixListener::bind`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("socket");
    /// use std::io::ErrorKind;
    /// use sward::net::UnixListener;
    ///
    /// let listener = UnixListener::bind(&path)?;
    /// assert_eq!(UnixListener::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        let path = path.as_ref();
        Socket::of_std(unblock(|| std::os::unix::net::UnixListener::bind(path))?).map(UnixListener)
    }

    /// Listens at an address: a path, or a name that belongs to no file.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixListener::bind_addr`].
    ///
    /// ```
    /// # sward::run(|| {
    /// use std::os::linux::net::SocketAddrExt;
    /// use sward::net::{UnixListener, UnixStream, unix::SocketAddr};
    ///
    /// # let name = format!("sward-example-{}", std::process::id());
    /// let address = SocketAddr::from_abstract_name(name)?;
    /// let listener = UnixListener::bind_addr(&address)?;
    /// let client = UnixStream::connect_addr(&address)?;
    /// assert!(listener.accept()?.1.is_unnamed());
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn bind_addr(socket_addr: &SocketAddr) -> io::Result<UnixListener> {
        Socket::of_std(unblock(|| std::os::unix::net::UnixListener::bind_addr(socket_addr))?).map(UnixListener)
    }

    /// Waits for a client. Returns a connection to it, and its address, which has no name if the client has not given itself one.
    ///
    /// # Errors
    /// As [`std::os::unix::net::UnixListener::accept`]. EMFILE says that the process has too many open files; the listener remains usable.
    ///
    /// ```
    /// # sward::run(|| {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("socket");
    /// let listener = sward::net::UnixListener::bind(&path)?;
    /// let client = sward::net::UnixStream::connect(&path)?;
    /// let (server, address) = listener.accept()?;
    /// assert!(address.is_unnamed());
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let stream = self.accept_stream()?;
        let peer = stream.peer_addr()?;
        Ok((stream, peer))
    }

    fn accept_stream(&self) -> io::Result<UnixStream> {
        // Non-blocking from the start: std's `accept` would take another system call for that.
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let accepted = self.0.wait(Interest::Read, Reason::Accept, |inner| Ok(accept_with(inner, flags)?));
        accepted.map(UnixStream::of_nonblocking)
    }

    /// An iterator of clients, without end: [`accept`](Self::accept) again and again.
    ///
    /// ```
    /// # sward::run(|| {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("socket");
    /// # let listener = sward::net::UnixListener::bind(&path)?;
    /// # let clients = [sward::net::UnixStream::connect(&path)?, sward::net::UnixStream::connect(&path)?];
    /// for client in listener.incoming().take(2) {
    ///     println!("a client: {:?}", client?);
    /// }
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    delegate! { std::os::unix::net::UnixListener:
        /// The address at which it listens.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let dir = tempfile::tempdir()?;
        /// # let path = dir.path().join("socket");
        /// let listener = sward::net::UnixListener::bind(&path)?;
        /// assert_eq!(listener.local_addr()?.as_pathname(), Some(&*path));
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn local_addr(&self) -> SocketAddr;
    }
}

/// An iterator of clients: [`UnixListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a UnixListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<UnixStream>;

    fn next(&mut self) -> Option<io::Result<UnixStream>> {
        Some(self.listener.accept_stream())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl<'a> IntoIterator for &'a UnixListener {
    type Item = io::Result<UnixStream>;
    type IntoIter = Incoming<'a>;

    fn into_iter(self) -> Incoming<'a> {
        self.incoming()
    }
}
