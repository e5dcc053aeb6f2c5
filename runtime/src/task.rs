//! Futures on green threads: driving them, and awaiting what green threads do.
//!
//! A green thread needs no futures to wait; libraries have them. [`block_on`](block_on()) drives any future on the thread that calls it, as far as it
//! needs no particular executor: a future of tokio's sockets needs tokio's reactor, one of `async-channel`, `futures` or hyper's core does
//! not. The other way round, a [`JoinHandle`](crate::thread::JoinHandle) and a [`Receiver`](crate::channel::Receiver) can be awaited,
//! here and in any executor.
//!
//! ```standalone_crate
//! # #[sward::main]
//! # fn main() {
//! use sward::{channel, task};
//!
//! let (tx, rx) = channel::bounded(0);
//! let squares = sward::spawn(move || tx.send(6 * 7).is_ok());
//! task::block_on(async {
//!     assert_eq!(rx.await, Ok(42));
//!     assert!(squares.await.unwrap());
//! });
//! # }
//! ```

mod block_on;
mod join;
mod signal;

pub use block_on::block_on;
use block_on::block_on_for;
pub use join::JoinFuture;
pub(crate) use join::join;
