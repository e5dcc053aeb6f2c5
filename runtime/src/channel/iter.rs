//! Receiving in a loop.

use std::fmt;
use std::iter::FusedIterator;

use super::Receiver;

/// Receives until all senders are gone and no message is left: see [`Receiver::iter`].
///
/// # Examples
/// ```
/// let (s, r) = sward::channel::unbounded();
/// s.send(1).unwrap();
/// drop(s);
/// for n in &r {
///     assert_eq!(n, 1);
/// }
/// ```
pub struct Iter<'a, T> {
    pub(super) receiver: &'a Receiver<T>,
}

/// Receives for as long as that needs no waiting: see [`Receiver::try_iter`].
///
/// # Examples
/// ```
/// let (s, r) = sward::channel::unbounded();
/// s.send(1).unwrap();
/// let mut messages = r.try_iter();
/// assert_eq!(messages.next(), Some(1));
/// assert_eq!(messages.next(), None);
/// s.send(2).unwrap();
/// assert_eq!(messages.next(), Some(2));
/// ```
pub struct TryIter<'a, T> {
    pub(super) receiver: &'a Receiver<T>,
}

/// Receives until all senders are gone and no message is left, and owns the receiver.
///
/// # Examples
/// ```
/// let (s, r) = sward::channel::unbounded();
/// s.send(1).unwrap();
/// drop(s);
/// assert_eq!(r.into_iter().collect::<Vec<_>>(), [1]);
/// ```
pub struct IntoIter<T> {
    pub(super) receiver: Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T> FusedIterator for Iter<'_, T> {}
impl<T> FusedIterator for IntoIter<T> {}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Iter { .. }")
    }
}

impl<T> fmt::Debug for TryIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("TryIter { .. }")
    }
}

impl<T> fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("IntoIter { .. }")
    }
}
