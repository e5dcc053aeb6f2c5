//! Unix sockets: `std::os::unix::net` for green threads.
//!
//! The types are in [`sward::net`](super) too; what has the same name there as something else, an address, a listener's iterator, is here
//! only.
//!
//! ```
//! # sward::run(|| {
//! use sward::net::UnixStream;
//! use std::io::{Read, Write};
//!
//! let (mut parent, mut child) = UnixStream::pair()?;
//! sward::spawn(move || parent.write_all(b"good night"));
//! let mut said = String::new();
//! child.read_to_string(&mut said)?;
//! assert_eq!(said, "good night");
//! # std::io::Result::Ok(()) }).unwrap()
//! ```

mod datagram;
mod listener;
mod stream;

pub use std::os::unix::net::SocketAddr;

pub use datagram::UnixDatagram;
pub use listener::{Incoming, UnixListener};
pub use stream::UnixStream;
