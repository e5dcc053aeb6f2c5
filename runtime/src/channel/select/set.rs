//! Selecting from a set of operations that is made while the program runs.

use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;
use std::thread;
use std::time::{Duration, Instant};

use super::internal::{Case, Chosen};
use super::operation::Operation;
use super::room::Room;
use super::{Order, await_ready, choose};
use crate::channel::error::{
    ReadyTimeoutError, RecvError, SelectTimeoutError, SendError, TryReadyError, TrySelectError,
};
use crate::channel::patience::Patience;
use crate::channel::{Receiver, Sender};

/// A set of channel operations to select from, for when [`select!`](crate::select) will not do: the number of operations is known only when
/// the program runs, or they are used again.
///
/// An operation is *ready* if it need not wait; also if all it will do is to tell that the channel is disconnected. There are two ways to go on:
///
/// - [`select`](Self::select) and its like choose an operation that is ready, at random if there are several, and *begin* it. It must be completed with
///   [`SelectedOperation::send`] or [`SelectedOperation::recv`].
/// - [`ready`](Self::ready) and its like only tell of one that it is ready. By the time that the program acts on it, another thread may have been
///   faster.
///
/// # Examples
/// ```
/// use sward::channel::{self, Receiver, Select};
///
/// /// The next message of any of them, and which it was.
/// fn from_any(receivers: &[Receiver<u32>]) -> (usize, u32) {
///     let mut select = Select::new();
///     for receiver in receivers {
///         select.recv(receiver);
///     }
///     let operation = select.select();
///     let index = operation.index();
///     (index, operation.recv(&receivers[index]).unwrap())
/// }
///
/// let (senders, receivers): (Vec<_>, Vec<_>) = (0..100).map(|_| channel::bounded(0)).unzip();
/// std::thread::scope(|scope| {
///     scope.spawn(|| senders[37].send(5));
///     assert_eq!(from_any(&receivers), (37, 5));
/// });
/// ```
pub struct Select<'a> {
    /// Their slots are set by each selection.
    cases: Vec<Case<'a, 'static>>,
    next_index: usize,
    order: Order,
    /// What is large enough for a message of each receiver.
    message: Layout,
}

// SAFETY: of the ends of the channels, a selection uses only what is under their locks. A message is touched by who completes the operation,
// with the end in hand.
unsafe impl Send for Select<'_> {}
// SAFETY: as above; and a selection borrows it exclusively.
unsafe impl Sync for Select<'_> {}

impl<'a> Select<'a> {
    /// Makes an empty set.
    ///
    /// # Examples
    /// ```
    /// let mut select = sward::channel::Select::new();
    /// assert!(select.try_select().is_err());
    /// ```
    pub fn new() -> Select<'a> {
        Select { cases: Vec::new(), next_index: 0, order: Order::Random, message: Layout::new::<u8>() }
    }

    /// Makes an empty set of which the operation is chosen, if several are ready, that was added first.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{Select, unbounded};
    ///
    /// let (s, r) = unbounded::<i32>();
    /// s.send(1).unwrap();
    ///
    /// let mut select = Select::new_biased();
    /// let first = select.recv(&r);
    /// let second = select.send(&s);
    /// for _ in 0..10 {
    ///     assert_eq!(select.ready(), first);
    /// }
    /// # let _ = second;
    /// ```
    pub fn new_biased() -> Select<'a> {
        Select { order: Order::Given, ..Select::new() }
    }

    /// Adds a send. Returns its index: how many operations were added before it.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{Select, unbounded};
    ///
    /// let (s, r) = unbounded::<i32>();
    /// let mut select = Select::new();
    /// assert_eq!(select.send(&s), 0);
    /// # drop(r);
    /// ```
    pub fn send<T>(&mut self, s: &'a Sender<T>) -> usize {
        self.add(s, None)
    }

    /// Adds a receive. Returns its index: how many operations were added before it.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{Select, unbounded};
    ///
    /// let (s, r) = unbounded::<i32>();
    /// let mut select = Select::new();
    /// assert_eq!(select.recv(&r), 0);
    /// # drop(s);
    /// ```
    pub fn recv<T>(&mut self, r: &'a Receiver<T>) -> usize {
        let message = Layout::new::<T>();
        let (size, align) = (self.message.size().max(message.size()), self.message.align().max(message.align()));
        self.message = Layout::from_size_align(size, align).expect("messages fit into memory");
        self.add(r, Some(NonNull::dangling()))
    }

    fn add(&mut self, end: &'a dyn Operation, slot: Option<NonNull<()>>) -> usize {
        let index = self.next_index;
        self.next_index += 1;
        // SAFETY: before the case is used, its slot is set.
        self.cases.push(unsafe { Case::new(index, end, slot) });
        index
    }

    /// Removes an operation. Its index is not used again.
    ///
    /// # Panics
    /// If there is no operation with this index.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{Select, unbounded};
    ///
    /// let (s1, r1) = unbounded::<i32>();
    /// let (s2, r2) = unbounded::<i32>();
    /// let mut select = Select::new();
    /// let first = select.recv(&r1);
    /// let second = select.recv(&r2);
    ///
    /// // Both are ready.
    /// drop((s1, s2));
    /// select.remove(first);
    /// assert_eq!(select.ready(), second);
    /// ```
    pub fn remove(&mut self, index: usize) {
        assert!(index < self.next_index, "index out of bounds; {index} >= {}", self.next_index);
        let place = self.cases.iter().position(|case| case.index() == index).expect("no operation with this index");
        self.cases.remove(place);
    }

    /// Begins an operation that is ready.
    ///
    /// # Errors
    /// When none is.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{Select, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// let mut select = Select::new();
    /// select.recv(&r);
    /// assert!(select.try_select().is_err());
    /// s.send(10).unwrap();
    /// let operation = select.try_select().unwrap();
    /// assert_eq!(operation.recv(&r), Ok(10));
    /// ```
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        self.choose(Patience::None).ok_or(TrySelectError)
    }

    /// Waits until an operation is ready, and begins it.
    ///
    /// # Panics
    /// If there is no operation.
    ///
    /// # Examples
    /// ```
    /// use std::thread;
    /// use sward::channel::{Select, bounded};
    ///
    /// let (s1, r1) = bounded(0);
    /// let (s2, r2) = bounded(0);
    /// let other = thread::spawn(move || s1.send("hello"));
    ///
    /// let mut select = Select::new();
    /// let receive = select.recv(&r1);
    /// let send = select.send(&s2);
    /// let operation = select.select();
    /// if operation.index() == receive {
    ///     assert_eq!(operation.recv(&r1), Ok("hello"));
    /// } else {
    ///     assert_eq!(operation.index(), send);
    ///     operation.send(&s2, 5).unwrap();
    /// }
    /// # other.join().unwrap().unwrap();
    /// # drop(r2);
    /// ```
    pub fn select(&mut self) -> SelectedOperation<'a> {
        self.assert_not_empty();
        self.choose(Patience::Endless).expect("patience is endless")
    }

    /// Waits until an operation is ready, for at most `timeout`, and begins it.
    ///
    /// # Errors
    /// When the time is up.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use sward::channel::{Select, bounded};
    ///
    /// let (s, r) = bounded::<i32>(0);
    /// let mut select = Select::new();
    /// select.recv(&r);
    /// assert!(select.select_timeout(Duration::from_millis(1)).is_err());
    /// # drop(s);
    /// ```
    pub fn select_timeout(&mut self, timeout: Duration) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.choose(Patience::For(timeout)).ok_or(SelectTimeoutError)
    }

    /// Waits until an operation is ready, until `deadline` at most, and begins it.
    ///
    /// # Errors
    /// When the time is up.
    ///
    /// # Examples
    /// ```
    /// use std::time::{Duration, Instant};
    /// use sward::channel::{Select, bounded};
    ///
    /// let (s, r) = bounded::<i32>(0);
    /// let mut select = Select::new();
    /// select.recv(&r);
    /// assert!(select.select_deadline(Instant::now() + Duration::from_millis(1)).is_err());
    /// # drop(s);
    /// ```
    pub fn select_deadline(&mut self, deadline: Instant) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.choose(Patience::Until(deadline)).ok_or(SelectTimeoutError)
    }

    /// Tells of an operation that it is ready. It may not be so any more.
    ///
    /// # Errors
    /// When none is.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{Select, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// let mut select = Select::new();
    /// let index = select.recv(&r);
    /// assert!(select.try_ready().is_err());
    /// s.send(1).unwrap();
    /// assert_eq!(select.try_ready(), Ok(index));
    /// assert_eq!(r.try_recv(), Ok(1));
    /// ```
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        await_ready(&self.cases, self.order, Patience::None).ok_or(TryReadyError)
    }

    /// Waits until an operation is ready, and tells which. It may not be so any more.
    ///
    /// # Panics
    /// If there is no operation.
    ///
    /// # Examples
    /// ```
    /// use std::thread;
    /// use sward::channel::{Select, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// let other = thread::spawn(move || s.send(1));
    /// let mut select = Select::new();
    /// let index = select.recv(&r);
    /// assert_eq!(select.ready(), index);
    /// assert_eq!(r.try_recv(), Ok(1));
    /// # other.join().unwrap().unwrap();
    /// ```
    pub fn ready(&mut self) -> usize {
        self.assert_not_empty();
        await_ready(&self.cases, self.order, Patience::Endless).expect("patience is endless")
    }

    /// Waits until an operation is ready, for at most `timeout`, and tells which. It may not be so any more.
    ///
    /// # Errors
    /// When the time is up.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use sward::channel::{Select, bounded};
    ///
    /// let (s, r) = bounded::<i32>(1);
    /// let mut select = Select::new();
    /// let index = select.send(&s);
    /// assert_eq!(select.ready_timeout(Duration::from_millis(1)), Ok(index));
    /// s.send(1).unwrap();
    /// assert!(select.ready_timeout(Duration::from_millis(1)).is_err());
    /// # drop(r);
    /// ```
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        await_ready(&self.cases, self.order, Patience::For(timeout)).ok_or(ReadyTimeoutError)
    }

    /// Waits until an operation is ready, until `deadline` at most, and tells which. It may not be so any more.
    ///
    /// # Errors
    /// When the time is up.
    ///
    /// # Examples
    /// ```
    /// use std::time::{Duration, Instant};
    /// use sward::channel::{Select, bounded};
    ///
    /// let (s, r) = bounded::<i32>(0);
    /// let mut select = Select::new();
    /// select.send(&s);
    /// assert!(select.ready_deadline(Instant::now() + Duration::from_millis(1)).is_err());
    /// # drop(r);
    /// ```
    pub fn ready_deadline(&mut self, deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        await_ready(&self.cases, self.order, Patience::Until(deadline)).ok_or(ReadyTimeoutError)
    }

    fn choose(&mut self, patience: Patience) -> Option<SelectedOperation<'a>> {
        let mut room = Room::new(self.message);
        for case in &mut self.cases {
            // SAFETY: large enough for each receiver's messages, of which only that of the chosen one is put there; and there for as long as the
            // cases are used.
            unsafe { case.set_slot(room.place()) };
        }
        let chosen = choose(&self.cases, self.order, patience)?;
        Some(SelectedOperation { chosen: Some(chosen), room })
    }

    fn assert_not_empty(&self) {
        assert!(!self.cases.is_empty(), "no operations have been added to `Select`");
    }
}

impl Clone for Select<'_> {
    fn clone(&self) -> Self {
        Select { cases: self.cases.clone(), ..*self }
    }
}

impl Default for Select<'_> {
    fn default() -> Self {
        Select::new()
    }
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Select { .. }")
    }
}

/// An operation that a [`Select`] has begun. It must be completed, by [`send`](Self::send) or [`recv`](Self::recv).
///
/// Until then, a place in the channel is kept for it, or the other side waits.
///
/// # Panics
/// When it is dropped without being completed, unless the thread panics already. What it was to do is not done then; a message that
/// it has received is lost.
///
/// # Examples
/// ```
/// use sward::channel::{Select, bounded};
///
/// let (s, r) = bounded(1);
/// let mut select = Select::new();
/// select.send(&s);
/// let operation = select.select();
/// operation.send(&s, "message").unwrap();
/// assert_eq!(r.recv(), Ok("message"));
/// ```
#[must_use]
pub struct SelectedOperation<'a> {
    /// Taken when it is completed.
    chosen: Option<Chosen<'a>>,
    room: Room,
}

impl<'a> SelectedOperation<'a> {
    /// The index of the operation: what [`Select::send`] or [`Select::recv`] returned for it.
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{Select, bounded};
    ///
    /// let (s1, r1) = bounded::<i32>(0);
    /// let (s2, r2) = bounded(1);
    /// let mut select = Select::new();
    /// select.recv(&r1);
    /// let second = select.send(&s2);
    /// let operation = select.select();
    /// assert_eq!(operation.index(), second);
    /// operation.send(&s2, 1).unwrap();
    /// # drop((s1, r2));
    /// ```
    pub fn index(&self) -> usize {
        self.chosen.as_ref().expect("it is not completed yet").index()
    }

    /// Completes a send.
    ///
    /// # Errors
    /// Gives the message back when all receivers are gone.
    ///
    /// # Panics
    /// If this is not the very sender that was given to [`Select::send`].
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{Select, SendError, bounded};
    ///
    /// let (s, r) = bounded(0);
    /// drop(r);
    /// let mut select = Select::new();
    /// select.send(&s);
    /// assert_eq!(select.select().send(&s, 10), Err(SendError(10)));
    /// ```
    pub fn send<T>(mut self, s: &Sender<T>, msg: T) -> Result<(), SendError<T>> {
        self.take_chosen().send(s, msg)
    }

    /// Completes a receive.
    ///
    /// # Errors
    /// When there is no message and all senders are gone.
    ///
    /// # Panics
    /// If this is not the very receiver that was given to [`Select::recv`].
    ///
    /// # Examples
    /// ```
    /// use sward::channel::{RecvError, Select, bounded};
    ///
    /// let (s, r) = bounded::<i32>(0);
    /// drop(s);
    /// let mut select = Select::new();
    /// select.recv(&r);
    /// assert_eq!(select.select().recv(&r), Err(RecvError));
    /// ```
    pub fn recv<T>(mut self, r: &Receiver<T>) -> Result<T, RecvError> {
        let chosen = self.take_chosen();
        // SAFETY: the room is where all receivers' slots were, and has the message, wherever it has been moved to since.
        unsafe { chosen.recv_from(r, self.room.place()) }
    }

    fn take_chosen(&mut self) -> Chosen<'a> {
        self.chosen.take().expect("it is completed once")
    }
}

impl fmt::Debug for SelectedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SelectedOperation { .. }")
    }
}

impl Drop for SelectedOperation<'_> {
    fn drop(&mut self) {
        if self.chosen.take().is_some() && !thread::panicking() {
            panic!("dropped `SelectedOperation` without completing the operation");
        }
    }
}
