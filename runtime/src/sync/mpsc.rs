//! Channels with one receiver: `std::sync::mpsc` for green threads.
//!
//! Names, signatures and semantics are std's, and the errors are std's own. It is [`channel`](crate::channel) under other names;
//! that one has more to offer: many receivers, sends with a time limit, `select!`.
//!
//! ```
//! # sward::run(|| {
//! use sward::sync::mpsc::channel;
//!
//! let (tx, rx) = channel();
//! for i in 0..10 {
//!     let tx = tx.clone();
//!     sward::spawn(move || tx.send(i).unwrap());
//! }
//! for _ in 0..10 {
//!     let j = rx.recv().unwrap();
//!     assert!(0 <= j && j < 10);
//! }
//! # });
//! ```

mod iter;
mod receiver;
mod sender;

use std::cell::Cell;
use std::marker::PhantomData;

pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

pub use iter::{IntoIter, Iter, TryIter};
pub use receiver::Receiver;
pub use sender::{Sender, SyncSender};

/// Not `Sync`: the receiver is one thread's, as std's.
type NotSync = PhantomData<Cell<()>>;

/// Makes a channel that holds any number of messages: a send never waits.
///
/// ```
/// # sward::run(|| {
/// use sward::sync::mpsc::channel;
///
/// let (sender, receiver) = channel();
/// sward::spawn(move || sender.send(6 * 7).unwrap());
/// assert_eq!(receiver.recv(), Ok(42));
/// # });
/// ```
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = crate::channel::unbounded();
    (Sender(sender), Receiver::new(receiver))
}

/// Makes a channel that holds up to `bound` messages. A send to a full channel waits; with a `bound` of 0, until it is received.
///
/// # Panics
/// If there is no memory for `bound` messages: all of it is allocated here.
///
/// ```
/// # sward::run(|| {
/// use sward::sync::mpsc::sync_channel;
///
/// let (sender, receiver) = sync_channel(1);
/// sender.send(1).unwrap();
/// sward::spawn(move || sender.send(2).unwrap()); // Waits until the first has been received.
/// assert_eq!(receiver.recv(), Ok(1));
/// assert_eq!(receiver.recv(), Ok(2));
/// # });
/// ```
#[must_use]
#[track_caller]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (sender, receiver) = crate::channel::bounded(bound);
    (SyncSender(sender), Receiver::new(receiver))
}
