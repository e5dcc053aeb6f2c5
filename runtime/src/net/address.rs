//! From what a caller gives as an address to those that the kernel is asked to use.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::unblock;

/// The addresses of `addr`, whose look-up may ask a server.
pub(super) fn resolve<A: ToSocketAddrs>(addr: A) -> io::Result<A::Iter> {
    unblock(|| addr.to_socket_addrs())
}

/// What `attempt` makes of the first address for which it succeeds.
pub(super) fn first_of<A, T>(addr: A, attempt: impl Fn(&SocketAddr) -> io::Result<T>) -> io::Result<T>
where
    A: ToSocketAddrs,
{
    let mut error = no_addresses();
    for addr in resolve(addr)? {
        match attempt(&addr) {
            Ok(value) => return Ok(value),
            Err(e) => error = e,
        }
    }
    Err(error)
}

pub(super) fn no_addresses() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any addresses")
}
