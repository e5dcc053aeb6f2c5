//! The receiving end.

use std::fmt;
use std::marker::PhantomData;
use std::panic::RefUnwindSafe;
use std::time::Duration;

use super::{IntoIter, Iter, NotSync, RecvError, RecvTimeoutError, TryIter, TryRecvError};
use crate::channel;

/// The receiving end of [`channel`](super::channel) and [`sync_channel`](super::sync_channel). There is one; dropping it disconnects the senders.
///
/// ```
/// # sward::run(|| {
/// use sward::sync::mpsc::channel;
///
/// let (send, recv) = channel();
/// sward::spawn(move || {
///     send.send("Hello world!").unwrap();
///     sward::thread::sleep(std::time::Duration::from_millis(2));
///     send.send("Delayed for 2 milliseconds").unwrap();
/// });
/// assert_eq!(recv.recv(), Ok("Hello world!"));
/// assert_eq!(recv.recv(), Ok("Delayed for 2 milliseconds"));
/// # });
/// ```
pub struct Receiver<T> {
    receiver: channel::Receiver<T>,
    _not_sync: NotSync,
}

// As the channel's own.
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    pub(super) fn new(receiver: channel::Receiver<T>) -> Receiver<T> {
        Receiver { receiver, _not_sync: PhantomData }
    }

    /// Receives a message if that needs no waiting.
    ///
    /// # Errors
    /// When there is no message, and when all senders are gone too.
    ///
    /// ```
    /// use sward::sync::mpsc::{TryRecvError, channel};
    ///
    /// let (s, receiver) = channel::<i32>();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// drop(s);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.receiver.try_recv().map_err(|error| match error {
            channel::TryRecvError::Empty => TryRecvError::Empty,
            channel::TryRecvError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Receives a message, and waits for one if there is none.
    ///
    /// # Errors
    /// When there is no message and all senders are gone, also if that happens during the wait.
    ///
    /// ```
    /// use sward::sync::mpsc::{RecvError, channel};
    ///
    /// let (send, recv) = channel();
    /// send.send(1).unwrap();
    /// drop(send);
    /// assert_eq!(recv.recv(), Ok(1));
    /// assert_eq!(recv.recv(), Err(RecvError));
    /// ```
    pub fn recv(&self) -> Result<T, RecvError> {
        self.receiver.recv().map_err(|_| RecvError)
    }

    /// Receives a message, and waits for at most `timeout`.
    ///
    /// # Errors
    /// When the time is up, and when there is no message and all senders are gone.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sward::sync::mpsc::{RecvTimeoutError, channel};
    ///
    /// let (send, recv) = channel::<i32>();
    /// assert_eq!(recv.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    /// drop(send);
    /// assert_eq!(recv.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Disconnected));
    /// ```
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.receiver.recv_timeout(timeout).map_err(|error| match error {
            channel::RecvTimeoutError::Timeout => RecvTimeoutError::Timeout,
            channel::RecvTimeoutError::Disconnected => RecvTimeoutError::Disconnected,
        })
    }

    /// Receives until all senders are gone and no message is left, waiting where there is none yet.
    ///
    /// ```
    /// let (send, recv) = sward::sync::mpsc::channel();
    /// (1..=3).for_each(|n| send.send(n).unwrap());
    /// drop(send);
    /// assert_eq!(recv.iter().collect::<Vec<_>>(), [1, 2, 3]);
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { rx: self }
    }

    /// Receives for as long as that needs no waiting.
    ///
    /// ```
    /// let (send, recv) = sward::sync::mpsc::channel();
    /// assert!(recv.try_iter().next().is_none());
    /// (1..=3).for_each(|n| send.send(n).unwrap());
    /// assert_eq!(recv.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { rx: self }
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { rx: self }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
