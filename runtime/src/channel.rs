//! Channels: many senders, many receivers, each message to one of them. Names and semantics are crossbeam-channel's.
//!
//! ```
//! use std::thread;
//! use sward::channel;
//!
//! let (requests, inbox) = channel::bounded(2);
//! let (replies, results) = channel::unbounded();
//! let server = thread::spawn(move || {
//!     for n in inbox {
//!         replies.send(n * n).unwrap();
//!     }
//! });
//! for n in 1..=10 {
//!     requests.send(n).unwrap();
//! }
//! drop(requests); // The server's loop ends.
//! assert_eq!(results.iter().sum::<i32>(), 385);
//! # server.join().unwrap();
//! ```
//!
//! A channel holds as many messages as it was made for: [`bounded`] says how many, none at all for a *rendezvous*, where a send waits
//! until a receiver takes the message; [`unbounded`] as many as there is memory. Messages come out in the order in which they went in, and who
//! waits longest is served first.
//!
//! Both ends can be cloned and sent to other threads. Green threads and plain OS threads may use the same channel: the green thread parks,
//! the OS thread sleeps. When the last [`Sender`] is dropped, receivers get what is left and then an error; when the last
//! [`Receiver`] is, what is left is dropped, and senders get their messages back.
//!
//! [`select!`] waits for several channels at once, and [`Select`] for as many as there happen to be. [`after`], [`at`] and [`tick`] make channels
//! on which the time comes in, [`never()`] one on which nothing does.
//!
//! # How it works
//! All of a channel's state is under one spin lock, 64 bytes with it, and every operation locks once, unless its time
//! runs out (`channel/shared.rs`). There are three things inside: the buffer, the queue of waiting senders (`channel/waiters.rs`) and that of waiting
//! receivers. At most one of the queues is in use: receivers wait only on an empty buffer, senders only on a full one.
//!
//! A thread that waits lends its stack: what it puts into a queue is an entry in its own frame, which points to a place for the message, also
//! in its frame. The thread that finds it there moves the message straight into or out of that place, and wakes it. So a rendezvous is one
//! move, and waiting allocates nothing.
//!
//! A select is in the queues of all of its channels, with an entry for each. Whoever finds one must win the select's claim, and so only one does. It
//! takes all the locks, in order of address where it must wait for them, and has them unlocked when it has left its stack (`channel/select.rs`). What it sends
//! is evaluated only when that has been chosen. So the one it meets there waits a little longer, or it is kept a place in the buffer.
//!
//! A timer channel has a clock in place of senders, and no buffer: who receives looks at the time, and sleeps until a message is due
//! (`channel/clock.rs`).
//!
//! Nothing of the user's runs under the lock or in a [`Section`](sward_sched::Section): messages are moved there, never dropped or cloned, and the
//! buffer of an unbounded channel grows outside.
//!
//! # Rejected
//! - *Lock-free buffers* (crossbeam's): two contended atomics per operation instead of one, a cache line per few messages, and a
//!   separate protocol for each flavour and for waking. They don't pay against a spin lock whose holder only moves a message: an
//!   uncontended send and receive take 5 ns together on an OS thread, where crossbeam's take 9.
//! - *Linked blocks* for unbounded channels: an allocation every few dozen messages for ever, where doubling a ring costs one for each
//!   power of two. The price is that a ring keeps the memory of its largest backlog, and moves it when it doubles.
//! - *A select that registers with one channel after the other* (crossbeam's): it can be chosen before it waits, and has to look
//!   again at what it has registered with. With all locks held, there is no such state; and a `default` needs the look at everything in any case.
//! - *Evaluating what a select sends before it waits*, as Go does: `send(s, queue.pop().unwrap())` would lose a message whenever another case is
//!   chosen.
//! - *Timer channels fed by timers*, as Go's were: a message that is in the buffer when the program sets a new time is of the old one.
//! - *Aligning the state to a cache line*: malloc takes 45 ns more for aligned memory, where a channel costs 30 to make, and
//!   no workload got faster.

mod clock;
mod ends;
mod error;
mod future;
mod iter;
mod patience;
mod places;
mod receiver;
mod select;
mod sender;
mod shared;
mod state;
#[cfg(test)]
mod tests;
mod waiters;

pub use crate::{select, select_biased};
pub use error::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError, SendTimeoutError, TryReadyError,
    TryRecvError, TrySelectError, TrySendError,
};
pub use future::RecvFuture;
pub use iter::{IntoIter, Iter, TryIter};
pub use receiver::Receiver;
#[doc(hidden)]
pub use select::internal;
pub use select::{Select, SelectedOperation};
pub use sender::Sender;

use std::time::{Duration, Instant};

use clock::Clock;
use shared::Shared;

/// Makes a channel that holds up to `cap` messages. A send to a full channel waits.
///
/// With a `cap` of 0 it holds none: a send waits for a receive, and hands its message over.
///
/// # Panics
/// If there is no memory for `cap` messages: all of it is allocated here.
///
/// # Examples
/// ```
/// use sward::channel::{TrySendError, bounded};
///
/// let (s, r) = bounded(1);
/// s.send("first").unwrap();
/// assert_eq!(s.try_send("second"), Err(TrySendError::Full("second")));
/// assert_eq!(r.recv(), Ok("first"));
/// assert_eq!(s.try_send("second"), Ok(()));
/// ```
///
/// A rendezvous:
/// ```
/// use std::thread;
/// use sward::channel::bounded;
///
/// let (s, r) = bounded(0);
/// let sender = thread::spawn(move || s.send("hi")); // Returns when the message has been received.
/// assert_eq!(r.recv(), Ok("hi"));
/// assert_eq!(sender.join().unwrap(), Ok(()));
/// ```
#[track_caller]
pub fn bounded<T>(cap: usize) -> (Sender<T>, Receiver<T>) {
    ends(Shared::bounded(cap))
}

/// Makes a channel that holds any number of messages: a send never waits.
///
/// # Examples
/// ```
/// use sward::channel::unbounded;
///
/// let (s, r) = unbounded();
/// for n in 0..1000 {
///     s.send(n).unwrap();
/// }
/// assert_eq!(r.len(), 1000);
/// assert_eq!(r.recv(), Ok(0));
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    ends(Shared::unbounded())
}

/// Makes a receiver of a single message, which is there after `duration`: the time at which it was to come.
///
/// The channel has room for this message, and is never disconnected. A `duration` that ends beyond what the clock can tell makes a
/// [`never()`].
///
/// Nothing is at work for a channel that nobody waits for: dropping the receiver is all it takes to forget about it.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use sward::channel::{after, bounded, select};
///
/// let (s, r) = bounded::<i32>(0);
/// let timeout = after(Duration::from_millis(5));
/// let timed_out = select! {
///     recv(r) -> _ => false,
///     recv(timeout) -> _ => true,
/// };
/// assert!(timed_out);
/// # drop(s);
/// ```
pub fn after(duration: Duration) -> Receiver<Instant> {
    Instant::now().checked_add(duration).map_or(never(), at)
}

/// Makes a receiver of a single message, `when`, which is there from that time on; if that has passed, at once.
///
/// The channel has room for this message, and is never disconnected.
///
/// # Examples
/// ```
/// use std::time::{Duration, Instant};
/// use sward::channel::{TryRecvError, at};
///
/// let soon = Instant::now() + Duration::from_millis(5);
/// let r = at(soon);
/// assert_eq!(r.recv(), Ok(soon));
/// assert!(Instant::now() >= soon);
/// assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
/// ```
pub fn at(when: Instant) -> Receiver<Instant> {
    timer(Clock::new(when, None))
}

/// Makes a receiver of a message every `duration`: the time at which it was to come.
///
/// The channel has room for one message, and is never disconnected. While one is there, none is added: the next comes a `duration` after that has
/// been received. A `duration` that ends beyond what the clock can tell makes a [`never()`].
///
/// # Examples
/// ```
/// use std::time::{Duration, Instant};
/// use sward::channel::tick;
///
/// let start = Instant::now();
/// let ticks = tick(Duration::from_millis(2));
/// for n in 1..=3 {
///     assert!(ticks.recv().unwrap() >= start + n * Duration::from_millis(2));
/// }
/// ```
pub fn tick(duration: Duration) -> Receiver<Instant> {
    Instant::now().checked_add(duration).map_or(never(), |first| timer(Clock::new(first, Some(duration))))
}

/// Makes a receiver that never gets anything, and is never disconnected: in a `select!`, a case that is switched off.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use sward::channel::{after, never, select, unbounded};
///
/// let (s, r) = unbounded();
/// s.send(1).unwrap();
/// let limit: Option<Duration> = None;
/// let timeout = limit.map_or(never(), after);
/// select! {
///     recv(r) -> n => assert_eq!(n, Ok(1)),
///     recv(timeout) -> _ => println!("timed out"),
/// }
/// ```
pub const fn never<T>() -> Receiver<T> {
    Receiver(None)
}

fn timer(clock: Clock<Instant>) -> Receiver<Instant> {
    Receiver(Some(ends::receiver(Shared::timer(clock))))
}

fn ends<T>(shared: Shared<T>) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = ends::pair(shared);
    (Sender(sender), Receiver(Some(receiver)))
}
