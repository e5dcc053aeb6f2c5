//! The receiving end.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use sward_sched::Section;

use super::ends::{End, Side};
use super::error::{RecvError, RecvTimeoutError, TryRecvError};
use super::iter::{IntoIter, Iter, TryIter};
use super::patience::{Patience, idle_until};
use super::shared::Refusal;

/// The receiving end of a channel. Clones receive from the same channel, each message going to one of them; when the last one is
/// dropped, the channel is disconnected, and what is left in it is dropped too.
///
/// # Examples
/// ```
/// use std::thread;
/// use sward::channel::unbounded;
///
/// let (s, r) = unbounded();
/// let workers: Vec<_> = (0..3)
///     .map(|_| {
///         let r = r.clone();
///         thread::spawn(move || r.iter().sum::<u32>())
///     })
///     .collect();
/// for n in 1..=100 {
///     s.send(n).unwrap();
/// }
/// drop(s);
/// let sums = workers.into_iter().map(|worker| worker.join().unwrap());
/// assert_eq!(sums.sum::<u32>(), 5050);
/// ```
pub struct Receiver<T>(
    /// `None`: a receiver that never gets anything.
    pub(super) Option<End<T>>,
);

// SAFETY: a channel moves messages between threads, and its state is under a lock.
unsafe impl<T: Send> Send for Receiver<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Receiver<T> {}

// No operation leaves a channel half done: no code of the user runs in one.
impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    /// Receives a message, and waits for one if there is none.
    ///
    /// # Errors
    /// When there is no message and all senders are gone, also if that happens during the wait.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{RecvError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// s.send(1).unwrap();
    /// drop(s);
    /// assert_eq!(r.recv(), Ok(1));
    /// assert_eq!(r.recv(), Err(RecvError));
    /// ```
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.receive(Patience::Endless).map_err(|_| RecvError)
    }

    /// Receives a message if that needs no waiting.
    ///
    /// # Errors
    /// When there is no message, or, where the channel holds none, no sender waits; and when all senders are gone too.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{TryRecvError, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    /// s.send(1).unwrap();
    /// drop(s);
    /// assert_eq!(r.try_recv(), Ok(1));
    /// assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.receive(Patience::None).map_err(|refusal| match refusal {
            Refusal::NotReady => TryRecvError::Empty,
            Refusal::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Receives a message, and waits for at most `timeout`.
    ///
    /// # Errors
    /// When the time is up, and when there is no message and all senders are gone.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use sward::channel::{RecvTimeoutError, unbounded};
    ///
    /// let (s, r) = unbounded::<i32>();
    /// assert_eq!(r.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    /// # drop(s);
    /// ```
    #[inline]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.receive(Patience::For(timeout)).map_err(timed)
    }

    /// Receives a message, and waits until `deadline` at most.
    ///
    /// # Errors
    /// When the time is up, and when there is no message and all senders are gone.
    ///
    /// # Examples
    /// ```
    /// use std::time::{Duration, Instant};
    /// use sward::channel::{RecvTimeoutError, unbounded};
    ///
    /// let (s, r) = unbounded::<i32>();
    /// let deadline = Instant::now() + Duration::from_millis(1);
    /// assert_eq!(r.recv_deadline(deadline), Err(RecvTimeoutError::Timeout));
    /// # drop(s);
    /// ```
    #[inline]
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.receive(Patience::Until(deadline)).map_err(timed)
    }

    #[inline]
    fn receive(&self, patience: Patience) -> Result<T, Refusal> {
        match &self.0 {
            Some(end) => end.receive(patience),
            None => Err(receive_nothing(patience)),
        }
    }

    /// Receives until all senders are gone and no message is left, waiting where there is none yet.
    ///
    /// # Examples
    /// ```
    /// let (s, r) = sward::channel::unbounded();
    /// s.send(1).unwrap();
    /// s.send(2).unwrap();
    /// drop(s);
    /// assert_eq!(r.iter().collect::<Vec<_>>(), [1, 2]);
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// Receives for as long as that needs no waiting.
    ///
    /// # Examples
    /// ```
    /// let (s, r) = sward::channel::unbounded();
    /// s.send(1).unwrap();
    /// s.send(2).unwrap();
    /// assert_eq!(r.try_iter().collect::<Vec<_>>(), [1, 2]);
    /// # drop(s);
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// Whether the channel holds no message. Always so where it can't hold any.
    ///
    /// # Examples
    /// ```
    /// let (s, r) = sward::channel::unbounded();
    /// assert!(r.is_empty());
    /// s.send(()).unwrap();
    /// assert!(!r.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the channel holds as many messages as it can. Always so where it can't hold any.
    ///
    /// # Examples
    /// ```
    /// let (s, r) = sward::channel::bounded(1);
    /// assert!(!r.is_full());
    /// s.send(()).unwrap();
    /// assert!(r.is_full());
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
    /// assert_eq!(r.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |end| end.len())
    }

    /// How many messages the channel can hold; `None`: any number.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{bounded, unbounded};
    ///
    /// assert_eq!(unbounded::<i32>().1.capacity(), None);
    /// assert_eq!(bounded::<i32>(0).1.capacity(), Some(0));
    /// assert_eq!(bounded::<i32>(5).1.capacity(), Some(5));
    /// ```
    pub fn capacity(&self) -> Option<usize> {
        self.0.as_ref().map_or(Some(0), |end| end.capacity())
    }

    /// Whether both receive from the same channel. There is only one [`never()`](super::never()).
    ///
    /// # Examples
    /// ```
    /// use sward::channel::unbounded;
    ///
    /// let (_s, r) = unbounded::<()>();
    /// assert!(r.same_channel(&r.clone()));
    /// assert!(!r.same_channel(&unbounded().1));
    /// ```
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        match (&self.0, &other.0) {
            (Some(end), Some(other)) => end.same_channel(other),
            (None, None) => true,
            _ => false,
        }
    }
}

/// What there is to receive where nobody sends and nothing ends.
#[cold]
fn receive_nothing(mut patience: Patience) -> Refusal {
    while !patience.is_over() {
        idle_until(Section::enter(), patience.deadline());
    }
    Refusal::NotReady
}

fn timed(refusal: Refusal) -> RecvTimeoutError {
    match refusal {
        Refusal::NotReady => RecvTimeoutError::Timeout,
        Refusal::Disconnected => RecvTimeoutError::Disconnected,
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver(self.0.as_ref().map(|end| end.another(Side::Receive)))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if let Some(end) = &self.0 {
            // SAFETY: a receiver's handle, in its drop.
            unsafe { end.let_go(Side::Receive) };
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Receiver { .. }")
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
        IntoIter { receiver: self }
    }
}
