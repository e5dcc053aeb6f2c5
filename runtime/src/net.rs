//! TCP, UDP and Unix sockets: `std::net` and `std::os::unix::net` for green threads.
//!
//! ```
//! # sward::run(|| {
//! use std::io::{Read, Write};
//! use sward::net::{Shutdown, TcpListener, TcpStream};
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! sward::spawn(move || {
//!     for client in listener.incoming() {
//!         let mut client = client?;
//!         // A thread for each client, and ten thousand clients need no more than that.
//!         sward::spawn(move || std::io::copy(&mut client.try_clone()?, &mut client));
//!     }
//!     std::io::Result::Ok(())
//! });
//!
//! let mut stream = TcpStream::connect(address)?;
//! stream.write_all(b"Is there anybody there?")?;
//! stream.shutdown(Shutdown::Write)?;
//! let mut echo = String::new();
//! stream.read_to_string(&mut echo)?;
//! assert_eq!(echo, "Is there anybody there?");
//! # std::io::Result::Ok(()) }).unwrap()
//! ```
//!
//! Names, signatures and semantics are std's; for all details see there. Code that is generic over [`Read`](std::io::Read) and
//! [`Write`](std::io::Write), of TLS or WebSocket, say, works over these sockets as it is.
//!
//! # What happens
//! Sockets are in non-blocking mode, unseen. An operation is tried; if the kernel says that it would block, the green thread parks, and the
//! kernel's next event for this socket wakes it to try again. Some idle OS thread of the runtime waits for the events of all sockets
//! in one `epoll_wait`. So a thread that waits costs no OS thread, and one that needs not wait costs what it does in std: one system call.
//! After a read from a TCP connection that got less than there was room for, the next one knows without asking that it has to wait.
//!
//! On plain OS threads, in [`unblock`](crate::unblock) and before the runtime has been started, the same operations block the OS thread.
//!
//! Names of hosts are looked up in [`unblock`](crate::unblock). So is the connection of a [`UnixStream`], which leads through the file system.
//!
//! # Time-outs and modes
//! As in std: a read or write that runs out of its time returns `WouldBlock`, and connecting, `TimedOut`. Time-outs and `set_nonblocking` hold for the
//! open socket: all clones ([`try_clone`](TcpStream::try_clone)) share them. With `set_nonblocking(true)`, what would wait returns `WouldBlock`
//! at once.
//!
//! # What differs from std
//! - The file descriptor that `as_fd` or `as_raw_fd` shows is in non-blocking mode. One that is taken out (`into_raw_fd`, `OwnedFd::from`, std's
//!   socket by `from`) is in blocking mode again, unless `set_nonblocking(true)` was called. The kernel has one mode for all clones: those that stay
//!   behind then block their OS thread.
//! - A [`TcpListener`] lets as many clients wait to be accepted as the kernel allows (`net.core.somaxconn`), not 128.
//! - No operation fails with `Interrupted`: it goes on.
//!
//! # Options that std lacks
//! Crates that set options through [`AsFd`](std::os::fd::AsFd), such as `socket2` (`SockRef`), work with these types.

mod address;
mod common;
mod socket;
mod tcp;
mod udp;
pub mod unix;

pub use std::net::{
    AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6, ToSocketAddrs,
};

pub use tcp::{Incoming, TcpListener, TcpStream};
pub use udp::UdpSocket;
pub use unix::{UnixDatagram, UnixListener, UnixStream};
