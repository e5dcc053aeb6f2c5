//! Why nothing was sent or received. A send that fails gives the message back.

use std::error::Error;
use std::fmt;

/// All receivers are gone. Holds the message of [`Sender::send`](super::Sender::send).
///
/// # Examples
/// ```
/// use sward::channel::{SendError, unbounded};
///
/// let (s, r) = unbounded();
/// drop(r);
/// let error = s.send("hello").unwrap_err();
/// assert_eq!(error, SendError("hello"));
/// assert_eq!(error.to_string(), "sending on a disconnected channel");
/// assert_eq!(error.into_inner(), "hello");
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub struct SendError<T>(pub T);

/// The result of a [`Sender::try_send`](super::Sender::try_send) that could not be done at once. Holds the message.
///
/// # Examples
/// ```
/// use sward::channel::bounded;
///
/// let (s, r) = bounded(1);
/// s.send(1).unwrap();
/// assert!(s.try_send(2).unwrap_err().is_full());
/// drop(r);
/// assert!(s.try_send(2).unwrap_err().is_disconnected());
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum TrySendError<T> {
    /// The channel is full; or, where it holds none, no receiver waits.
    Full(T),
    /// All receivers are gone.
    Disconnected(T),
}

/// The result of a [`Sender::send_timeout`](super::Sender::send_timeout) or
/// [`send_deadline`](super::Sender::send_deadline) that was not done in time. Holds the message.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use sward::channel::bounded;
///
/// let (s, r) = bounded(0);
/// assert!(s.send_timeout(1, Duration::from_millis(1)).unwrap_err().is_timeout());
/// drop(r);
/// assert!(s.send_timeout(1, Duration::from_millis(1)).unwrap_err().is_disconnected());
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum SendTimeoutError<T> {
    /// The time was up before there was room; or, where the channel holds none, a receiver.
    Timeout(T),
    /// All receivers are gone.
    Disconnected(T),
}

/// There is no message, and all senders are gone: the result of [`Receiver::recv`](super::Receiver::recv).
///
/// # Examples
/// ```
/// use sward::channel::{RecvError, unbounded};
///
/// let (s, r) = unbounded::<()>();
/// drop(s);
/// assert_eq!(r.recv(), Err(RecvError));
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct RecvError;

/// The result of a [`Receiver::try_recv`](super::Receiver::try_recv) without a message.
///
/// # Examples
/// ```
/// use sward::channel::unbounded;
///
/// let (s, r) = unbounded::<()>();
/// assert!(r.try_recv().unwrap_err().is_empty());
/// drop(s);
/// assert!(r.try_recv().unwrap_err().is_disconnected());
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub enum TryRecvError {
    /// There is no message; or, where the channel holds none, no sender waits.
    Empty,
    /// There is no message, and all senders are gone.
    Disconnected,
}

/// The result of a [`Receiver::recv_timeout`](super::Receiver::recv_timeout) or
/// [`recv_deadline`](super::Receiver::recv_deadline) without a message.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use sward::channel::unbounded;
///
/// let (s, r) = unbounded::<()>();
/// assert!(r.recv_timeout(Duration::from_millis(1)).unwrap_err().is_timeout());
/// drop(s);
/// assert!(r.recv_timeout(Duration::from_millis(1)).unwrap_err().is_disconnected());
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub enum RecvTimeoutError {
    /// The time was up before there was a message.
    Timeout,
    /// There is no message, and all senders are gone.
    Disconnected,
}

/// No operation was ready: the result of a [`Select::try_select`](super::Select::try_select).
///
/// # Examples
/// ```
/// use sward::channel::{Select, TrySelectError, unbounded};
///
/// let (s, r) = unbounded::<()>();
/// let mut select = Select::new();
/// select.recv(&r);
/// assert_eq!(select.try_select().unwrap_err(), TrySelectError);
/// # drop(s);
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct TrySelectError;

/// The time was up before an operation was ready: the result of a [`Select::select_timeout`](super::Select::select_timeout) or
/// [`select_deadline`](super::Select::select_deadline).
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use sward::channel::{Select, SelectTimeoutError};
///
/// let error = Select::new().select_timeout(Duration::from_millis(1)).unwrap_err();
/// assert_eq!(error, SelectTimeoutError);
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct SelectTimeoutError;

/// No operation was ready: the result of a [`Select::try_ready`](super::Select::try_ready).
///
/// # Examples
/// ```
/// use sward::channel::{Select, TryReadyError};
///
/// assert_eq!(Select::new().try_ready(), Err(TryReadyError));
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct TryReadyError;

/// The time was up before an operation was ready: the result of a [`Select::ready_timeout`](super::Select::ready_timeout) or
/// [`ready_deadline`](super::Select::ready_deadline).
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use sward::channel::{ReadyTimeoutError, Select};
///
/// assert_eq!(Select::new().ready_timeout(Duration::from_millis(1)), Err(ReadyTimeoutError));
/// ```
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct ReadyTimeoutError;

impl<T> SendError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> TrySendError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        match self {
            TrySendError::Full(message) | TrySendError::Disconnected(message) => message,
        }
    }

    /// Whether there was no room, or nobody to take it.
    pub fn is_full(&self) -> bool {
        matches!(self, TrySendError::Full(_))
    }

    /// Whether all receivers are gone.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, TrySendError::Disconnected(_))
    }
}

impl<T> SendTimeoutError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        match self {
            SendTimeoutError::Timeout(message) | SendTimeoutError::Disconnected(message) => message,
        }
    }

    /// Whether the time was up.
    pub fn is_timeout(&self) -> bool {
        matches!(self, SendTimeoutError::Timeout(_))
    }

    /// Whether all receivers are gone.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, SendTimeoutError::Disconnected(_))
    }
}

impl TryRecvError {
    /// Whether there was no message, or nobody to give one.
    pub fn is_empty(&self) -> bool {
        matches!(self, TryRecvError::Empty)
    }

    /// Whether all senders are gone.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, TryRecvError::Disconnected)
    }
}

impl RecvTimeoutError {
    /// Whether the time was up.
    pub fn is_timeout(&self) -> bool {
        matches!(self, RecvTimeoutError::Timeout)
    }

    /// Whether all senders are gone.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, RecvTimeoutError::Disconnected)
    }
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(SendError(message): SendError<T>) -> Self {
        TrySendError::Disconnected(message)
    }
}

impl<T> From<SendError<T>> for SendTimeoutError<T> {
    fn from(SendError(message): SendError<T>) -> Self {
        SendTimeoutError::Disconnected(message)
    }
}

impl From<RecvError> for TryRecvError {
    fn from(RecvError: RecvError) -> Self {
        TryRecvError::Disconnected
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(RecvError: RecvError) -> Self {
        RecvTimeoutError::Disconnected
    }
}

// The messages need not be `Debug`, and are not shown.

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SendError(..)")
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TrySendError::Full(_) => "Full(..)",
            TrySendError::Disconnected(_) => "Disconnected(..)",
        })
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            SendTimeoutError::Timeout(_) => "Timeout(..)",
            SendTimeoutError::Disconnected(_) => "Disconnected(..)",
        })
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("sending on a disconnected channel")
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TrySendError::Full(_) => "sending on a full channel",
            TrySendError::Disconnected(_) => "sending on a disconnected channel",
        })
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            SendTimeoutError::Timeout(_) => "timed out waiting on send operation",
            SendTimeoutError::Disconnected(_) => "sending on a disconnected channel",
        })
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("receiving on an empty and disconnected channel")
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TryRecvError::Empty => "receiving on an empty channel",
            TryRecvError::Disconnected => "receiving on an empty and disconnected channel",
        })
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RecvTimeoutError::Timeout => "timed out waiting on receive operation",
            RecvTimeoutError::Disconnected => "channel is empty and disconnected",
        })
    }
}

impl fmt::Display for TrySelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("all operations in select would block")
    }
}

impl fmt::Display for SelectTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("timed out waiting on select")
    }
}

impl fmt::Display for TryReadyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("all operations in select would block")
    }
}

impl fmt::Display for ReadyTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("timed out waiting on select")
    }
}

impl<T: Send> Error for SendError<T> {}
impl<T: Send> Error for TrySendError<T> {}
impl<T: Send> Error for SendTimeoutError<T> {}
impl Error for RecvError {}
impl Error for TryRecvError {}
impl Error for RecvTimeoutError {}
impl Error for TrySelectError {}
impl Error for SelectTimeoutError {}
impl Error for TryReadyError {}
impl Error for ReadyTimeoutError {}
