//! The sending ends.

use std::fmt;

use super::{SendError, TrySendError};
use crate::channel;

/// The sending end of [`channel`](super::channel). Clones send to the same receiver.
pub struct Sender<T>(pub(super) channel::Sender<T>);

/// The sending end of [`sync_channel`](super::sync_channel). Clones send to the same receiver.
pub struct SyncSender<T>(pub(super) channel::Sender<T>);

impl<T> Sender<T> {
    /// Sends a message. Never waits.
    ///
    /// # Errors
    /// Gives the message back when the receiver is gone. That it is not gone does not mean that it will take the message.
    ///
    /// ```
    /// use sward::sync::mpsc::channel;
    ///
    /// let (tx, rx) = channel();
    /// tx.send(1).unwrap();
    /// drop(rx);
    /// assert_eq!(tx.send(1).unwrap_err().0, 1);
    /// ```
    pub fn send(&self, t: T) -> Result<(), SendError<T>> {
        self.0.send(t).map_err(|error| SendError(error.0))
    }
}

impl<T> SyncSender<T> {
    /// Sends a message, and waits if the channel is full; or, where it holds none, until the receiver takes the message.
    ///
    /// # Errors
    /// Gives the message back when the receiver is gone, also if that happens during the wait.
    ///
    /// ```
    /// # sward::run(|| {
    /// use sward::sync::mpsc::sync_channel;
    ///
    /// let (sync_sender, receiver) = sync_channel(0);
    /// sward::spawn(move || {
    ///     sync_sender.send(1).unwrap(); // Returns when it has been received.
    /// });
    /// assert_eq!(receiver.recv(), Ok(1));
    /// # });
    /// ```
    pub fn send(&self, t: T) -> Result<(), SendError<T>> {
        self.0.send(t).map_err(|error| SendError(error.0))
    }

    /// Sends a message if that needs no waiting.
    ///
    /// # Errors
    /// Gives the message back when the channel is full, or, where it holds none, the receiver does not wait; and when it is gone.
    ///
    /// ```
    /// use sward::sync::mpsc::{TrySendError, sync_channel};
    ///
    /// let (sync_sender, receiver) = sync_channel(1);
    /// assert_eq!(sync_sender.try_send(1), Ok(()));
    /// assert_eq!(sync_sender.try_send(2), Err(TrySendError::Full(2)));
    /// drop(receiver);
    /// assert_eq!(sync_sender.try_send(3), Err(TrySendError::Disconnected(3)));
    /// ```
    pub fn try_send(&self, t: T) -> Result<(), TrySendError<T>> {
        self.0.try_send(t).map_err(|error| match error {
            channel::TrySendError::Full(t) => TrySendError::Full(t),
            channel::TrySendError::Disconnected(t) => TrySendError::Disconnected(t),
        })
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender(self.0.clone())
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> SyncSender<T> {
        SyncSender(self.0.clone())
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncSender").finish_non_exhaustive()
    }
}
