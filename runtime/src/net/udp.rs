//! UDP.

use std::io;

use crate::net::address::{no_addresses, resolve};
use crate::net::common::{delegate, socket, timed_socket};
use crate::net::socket::Socket;
use crate::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use crate::unblock;

/// A UDP socket. As [`std::net::UdpSocket`].
///
/// ```
/// # sward::run(|| {
/// use sward::net::UdpSocket;
///
/// let (alice, bob) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
/// alice.send_to(b"hello", bob.local_addr()?)?;
/// let mut buf = [0; 100];
/// let (len, from) = bob.recv_from(&mut buf)?;
/// assert_eq!((&buf[..len], from), (&b"hello"[..], alice.local_addr()?));
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
pub struct UdpSocket(Socket<std::net::UdpSocket>);

timed_socket!(UdpSocket, std::net::UdpSocket, r#"let socket = sward::net::UdpSocket::bind("127.0.0.1:0")?;"#);

impl UdpSocket {
    /// A socket at the first address that can be had. Port 0 is any free one.
    ///
    /// # Errors
    /// As [`std::net::UdpSocket::bind`].
    ///
    /// ```
    /// # sward::run(|| {
    /// let socket = sward::net::UdpSocket::bind("127.0.0.1:0")?;
    /// assert_ne!(socket.local_addr()?.port(), 0);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<UdpSocket> {
        Socket::of_std(unblock(|| std::net::UdpSocket::bind(addr))?).map(UdpSocket)
    }

    /// Sends to one address from now on ([`send`](Self::send)), and receives from there only.
    ///
    /// # Errors
    /// As [`std::net::UdpSocket::connect`].
    ///
    /// ```
    /// # sward::run(|| {
    /// use sward::net::UdpSocket;
    ///
    /// let (alice, bob) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    /// alice.connect(bob.local_addr()?)?;
    /// alice.send(b"hello")?;
    /// assert_eq!(bob.recv(&mut [0; 100])?, 5);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn connect<A: ToSocketAddrs>(&self, addr: A) -> io::Result<()> {
        unblock(|| self.0.get().connect(addr))
    }

    /// Sends a datagram to where the socket is connected.
    ///
    /// # Errors
    /// As [`std::net::UdpSocket::send`]. `ConnectionRefused` says that an earlier one was not wanted.
    ///
    /// ```
    /// # sward::run(|| {
    /// # let (alice, bob) = (sward::net::UdpSocket::bind("127.0.0.1:0")?, sward::net::UdpSocket::bind("127.0.0.1:0")?);
    /// alice.connect(bob.local_addr()?)?;
    /// assert_eq!(alice.send(b"hello")?, 5);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(|inner| inner.send(buf))
    }

    /// Sends a datagram to the first of the addresses.
    ///
    /// # Errors
    /// As [`std::net::UdpSocket::send_to`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let (alice, bob) = (sward::net::UdpSocket::bind("127.0.0.1:0")?, sward::net::UdpSocket::bind("127.0.0.1:0")?);
    /// assert_eq!(alice.send_to(b"hello", bob.local_addr()?)?, 5);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], addr: A) -> io::Result<usize> {
        let addr = resolve(addr)?.next().ok_or_else(no_addresses)?;
        self.0.write(|inner| inner.send_to(buf, addr))
    }

    /// Receives a datagram, and tells its size. What `buf` has no room for is lost.
    ///
    /// # Errors
    /// As [`std::net::UdpSocket::recv`]. `ConnectionRefused` says that what was sent was not wanted.
    ///
    /// ```
    /// # sward::run(|| {
    /// # let (alice, bob) = (sward::net::UdpSocket::bind("127.0.0.1:0")?, sward::net::UdpSocket::bind("127.0.0.1:0")?);
    /// alice.send_to(b"a long story", bob.local_addr()?)?;
    /// let mut buf = [0; 6];
    /// assert_eq!(bob.recv(&mut buf)?, 6);
    /// assert_eq!(&buf, b"a long");
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(|inner| inner.recv(buf))
    }

    /// Receives a datagram, and tells its size and whence it comes. What `buf` has no room for is lost.
    ///
    /// # Errors
    /// As [`std::net::UdpSocket::recv_from`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let (alice, bob) = (sward::net::UdpSocket::bind("127.0.0.1:0")?, sward::net::UdpSocket::bind("127.0.0.1:0")?);
    /// alice.send_to(b"hello", bob.local_addr()?)?;
    /// assert_eq!(bob.recv_from(&mut [0; 100])?, (5, alice.local_addr()?));
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.read(|inner| inner.recv_from(buf))
    }

    /// As [`recv`](Self::recv), but the datagram stays there to be received.
    ///
    /// # Errors
    /// As [`std::net::UdpSocket::peek`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let (alice, bob) = (sward::net::UdpSocket::bind("127.0.0.1:0")?, sward::net::UdpSocket::bind("127.0.0.1:0")?);
    /// alice.send_to(b"hello", bob.local_addr()?)?;
    /// assert_eq!(bob.peek(&mut [0; 100])?, 5);
    /// assert_eq!(bob.recv(&mut [0; 100])?, 5);
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(|inner| inner.peek(buf))
    }

    /// As [`recv_from`](Self::recv_from), but the datagram stays there to be received.
    ///
    /// # Errors
    /// As [`std::net::UdpSocket::peek_from`].
    ///
    /// ```
    /// # sward::run(|| {
    /// # let (alice, bob) = (sward::net::UdpSocket::bind("127.0.0.1:0")?, sward::net::UdpSocket::bind("127.0.0.1:0")?);
    /// alice.send_to(b"hello", bob.local_addr()?)?;
    /// assert_eq!(bob.peek_from(&mut [0; 100])?, (5, alice.local_addr()?));
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.read(|inner| inner.peek_from(buf))
    }

    delegate! { std::net::UdpSocket:
        /// The address where the socket is connected.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let (alice, bob) = (sward::net::UdpSocket::bind("127.0.0.1:0")?, sward::net::UdpSocket::bind("127.0.0.1:0")?);
        /// alice.connect(bob.local_addr()?)?;
        /// assert_eq!(alice.peer_addr()?, bob.local_addr()?);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn peer_addr(&self) -> SocketAddr;
        /// The address of the socket.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let socket = sward::net::UdpSocket::bind("127.0.0.1:0")?;
        /// assert!(socket.local_addr()?.ip().is_loopback());
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn local_addr(&self) -> SocketAddr;
        /// Sets whether datagrams may be sent to all of a network.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let socket = sward::net::UdpSocket::bind("127.0.0.1:0")?;
        /// socket.set_broadcast(true)?;
        /// assert!(socket.broadcast()?);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn set_broadcast(&self, broadcast: bool) -> ();
        /// Whether datagrams may be sent to all of a network: see [`set_broadcast`](Self::set_broadcast).
        fn broadcast(&self) -> bool;
        /// Sets whether the machine gets what it sends to groups, IPv4.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let socket = sward::net::UdpSocket::bind("127.0.0.1:0")?;
        /// socket.set_multicast_loop_v4(false)?;
        /// assert!(!socket.multicast_loop_v4()?);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn set_multicast_loop_v4(&self, multicast_loop_v4: bool) -> ();
        /// Whether the machine gets what it sends to groups, IPv4: see [`set_multicast_loop_v4`](Self::set_multicast_loop_v4).
        fn multicast_loop_v4(&self) -> bool;
        /// Sets the time to live of datagrams to groups, IPv4.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let socket = sward::net::UdpSocket::bind("127.0.0.1:0")?;
        /// socket.set_multicast_ttl_v4(2)?;
        /// assert_eq!(socket.multicast_ttl_v4()?, 2);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn set_multicast_ttl_v4(&self, multicast_ttl_v4: u32) -> ();
        /// The time to live of datagrams to groups, IPv4: see [`set_multicast_ttl_v4`](Self::set_multicast_ttl_v4).
        fn multicast_ttl_v4(&self) -> u32;
        /// Sets whether the machine gets what it sends to groups, IPv6.
        ///
        /// ```
        /// # sward::run(|| {
        /// if let Ok(socket) = sward::net::UdpSocket::bind("[::1]:0") {
        ///     socket.set_multicast_loop_v6(false)?;
        ///     assert!(!socket.multicast_loop_v6()?);
        /// }
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn set_multicast_loop_v6(&self, multicast_loop_v6: bool) -> ();
        /// Whether the machine gets what it sends to groups, IPv6: see [`set_multicast_loop_v6`](Self::set_multicast_loop_v6).
        fn multicast_loop_v6(&self) -> bool;
        /// Sets the time to live of datagrams.
        ///
        /// ```
        /// # sward::run(|| {
        /// # let socket = sward::net::UdpSocket::bind("127.0.0.1:0")?;
        /// socket.set_ttl(64)?;
        /// assert_eq!(socket.ttl()?, 64);
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn set_ttl(&self, ttl: u32) -> ();
        /// The time to live of datagrams: see [`set_ttl`](Self::set_ttl).
        fn ttl(&self) -> u32;
        /// Receives what is sent to a group, IPv4. The interface is given by its address; the unspecified one is any.
        ///
        /// ```
        /// # sward::run(|| {
        /// use sward::net::{Ipv4Addr, UdpSocket};
        ///
        /// let (socket, group) = (UdpSocket::bind("0.0.0.0:0")?, Ipv4Addr::new(224, 0, 0, 123));
        /// socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
        /// socket.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
        /// # std::io::Result::Ok(()) }).unwrap()
        /// ```
        fn join_multicast_v4(&self, multiaddr: &Ipv4Addr, interface: &Ipv4Addr) -> ();
        /// Receives what is sent to a group, IPv6. The interface is given by its number; 0 is any.
        fn join_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> ();
        /// Undoes [`join_multicast_v4`](Self::join_multicast_v4).
        fn leave_multicast_v4(&self, multiaddr: &Ipv4Addr, interface: &Ipv4Addr) -> ();
        /// Undoes [`join_multicast_v6`](Self::join_multicast_v6).
        fn leave_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> ();
    }
}
