//! The sending end.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use super::ends::{End, Side};
use super::error::{SendError, SendTimeoutError, TrySendError};
use super::patience::Patience;
use super::shared::Refusal;

/// The sending end of a channel. Clones send to the same channel; when the last one is dropped, the channel is disconnected, and receivers
/// get what is left in it.
///
/// # Examples
/// ```
/// use std::thread;
/// use sward::channel::unbounded;
///
/// let (s1, r) = unbounded();
/// let s2 = s1.clone();
/// thread::spawn(move || s1.send(1));
/// thread::spawn(move || s2.send(2));
/// assert_eq!(r.recv().unwrap() + r.recv().unwrap(), 3);
/// assert!(r.recv().is_err());
/// ```
pub struct Sender<T>(pub(super) End<T>);

// SAFETY: a channel moves messages between threads, and its state is under a lock.
unsafe impl<T: Send> Send for Sender<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Sender<T> {}

// No operation leaves a channel half done: no code of the user runs in one.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

impl<T> Sender<T> {
    /// Sends a message, and waits if the channel is full; or, where it holds none, until a receiver takes the message.
    ///
    /// # Errors
    /// Gives the message back when all receivers are gone, also if that happens during the wait.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{SendError, bounded};
    ///
    /// let (s, r) = bounded(1);
    /// assert_eq!(s.send(1), Ok(()));
    /// drop(r);
    /// assert_eq!(s.send(2), Err(SendError(2)));
    /// ```
    #[inline]
    pub fn send(&self, msg: T) -> Result<(), SendError<T>> {
        self.0.send(msg, Patience::Endless).map_err(|(_, msg)| SendError(msg))
    }

    /// Sends a message if that needs no waiting.
    ///
    /// # Errors
    /// Gives the message back when the channel is full, or, where it holds none, no receiver waits; and when all receivers are gone.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{TrySendError, bounded};
    ///
    /// let (s, r) = bounded(1);
    /// assert_eq!(s.try_send(1), Ok(()));
    /// assert_eq!(s.try_send(2), Err(TrySendError::Full(2)));
    /// drop(r);
    /// assert_eq!(s.try_send(3), Err(TrySendError::Disconnected(3)));
    /// ```
    #[inline]
    pub fn try_send(&self, msg: T) -> Result<(), TrySendError<T>> {
        self.0.send(msg, Patience::None).map_err(|(refusal, msg)| match refusal {
            Refusal::NotReady => TrySendError::Full(msg),
            Refusal::Disconnected => TrySendError::Disconnected(msg),
        })
    }

    /// Sends a message, and waits for at most `timeout`.
    ///
    /// # Errors
    /// Gives the message back when the time is up, and when all receivers are gone.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use sward::channel::{SendTimeoutError, bounded};
    ///
    /// let (s, r) = bounded(0);
    /// let nobody_receives = s.send_timeout(1, Duration::from_millis(1));
    /// assert_eq!(nobody_receives, Err(SendTimeoutError::Timeout(1)));
    /// # drop(r);
    /// ```
    #[inline]
    pub fn send_timeout(&self, msg: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.0.send(msg, Patience::For(timeout)).map_err(timed)
    }

    /// Sends a message, and waits until `deadline` at most.
    ///
    /// # Errors
    /// Gives the message back when the time is up, and when all receivers are gone.
    ///
    /// # Examples
    /// ```
    /// use std::time::{Duration, Instant};
    /// use sward::channel::{SendTimeoutError, bounded};
    ///
    /// let (s, r) = bounded(0);
    /// let nobody_receives = s.send_deadline(1, Instant::now() + Duration::from_millis(1));
    /// assert_eq!(nobody_receives, Err(SendTimeoutError::Timeout(1)));
    /// # drop(r);
    /// ```
    #[inline]
    pub fn send_deadline(&self, msg: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.0.send(msg, Patience::Until(deadline)).map_err(timed)
    }

    /// Whether the channel holds no message. Always so where it can't hold any.
    ///
    /// # Examples
    /// ```
    /// let (s, r) = sward::channel::unbounded();
    /// assert!(s.is_empty());
    /// s.send(()).unwrap();
    /// assert!(!s.is_empty());
    /// # drop(r);
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the channel holds as many messages as it can. Always so where it can't hold any.
    ///
    /// # Examples
    /// ```
    /// let (s, r) = sward::channel::bounded(1);
    /// assert!(!s.is_full());
    /// s.send(()).unwrap();
    /// assert!(s.is_full());
    /// # drop(r);
    /// ```
    pub fn is_full(&self) -> bool {
        self.capacity() == Some(self.len())
    }

    /// How many messages the channel holds.
    ///
    /// # Examples
    /// ```
    /// let (s, r) = sward::channel::unbounded();
    /// s.send(1).unwrap();
    /// s.send(2).unwrap();
    /// assert_eq!(s.len(), 2);
    /// # drop(r);
    /// ```
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// How many messages the channel can hold; `None`: any number.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{bounded, unbounded};
    ///
    /// assert_eq!(unbounded::<i32>().0.capacity(), None);
    /// assert_eq!(bounded::<i32>(0).0.capacity(), Some(0));
    /// assert_eq!(bounded::<i32>(5).0.capacity(), Some(5));
    /// ```
    pub fn capacity(&self) -> Option<usize> {
        self.0.capacity()
    }

    /// Whether both send to the same channel.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::unbounded;
    ///
    /// let (s, _r) = unbounded::<()>();
    /// assert!(s.same_channel(&s.clone()));
    /// assert!(!s.same_channel(&unbounded().0));
    /// ```
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        self.0.same_channel(&other.0)
    }
}

fn timed<T>((refusal, msg): (Refusal, T)) -> SendTimeoutError<T> {
    match refusal {
        Refusal::NotReady => SendTimeoutError::Timeout(msg),
        Refusal::Disconnected => SendTimeoutError::Disconnected(msg),
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender(self.0.another(Side::Send))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // SAFETY: a sender's handle, in its drop.
        unsafe { self.0.let_go(Side::Send) };
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Sender { .. }")
    }
}
