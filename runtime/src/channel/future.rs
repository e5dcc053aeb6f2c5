//! Awaiting a message: [`Receiver`] as a future.
//!
//! A task that finds no message enqueues a waiter among the receivers, as a watcher: whoever has something to do for receivers wakes it, and hands it
//! nothing. It comes back and receives, or finds that somebody was faster. So a future that is dropped, at whatever moment, has
//! no message that would be lost with it, and owes nobody a wake: all watchers are woken by what a single one may get.
//!
//! A watcher is woken under the channel's lock, see [`Waiters::take_first`](super::waiters::Waiters::take_first). So the future, which takes the lock to
//! enqueue the waiter and to remove it, knows whether it is its own.
//!
//! A timer channel wakes nobody. There, the future has a green thread wait until the message is due, and awaits its end.
//!
//! # Rejected
//! *A helper thread that receives and wakes*: a stack for each future that waits, and a message lost with each that is dropped too late.
//! *Handing the message over*, as to a thread: the same loss, or a way back into the channel for it, past those that came later.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use sward_sched::{Section, Sleeper, Task};

use super::ends::Side;
use super::error::{RecvError, TryRecvError};
use super::receiver::Receiver;
use super::shared::Kind;
use super::waiters::{Part, Waiter};
use crate::task::JoinFuture;
use crate::thread::{self, Thread};

/// A message, to be awaited: see [`Receiver::into_future`]. Dropping it loses no message.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct RecvFuture<T> {
    receiver: Receiver<T>,
    /// By which the task is woken when there is something for receivers. Once made, it is used for all waits.
    watch: Option<Box<Watch>>,
    /// By which it is woken when the time has come.
    nap: Option<Nap>,
}

// SAFETY: a watcher in a queue is touched under the channel's lock, from whichever thread; otherwise it is the future's own.
unsafe impl<T: Send> Send for RecvFuture<T> {}

// What others point to is in a box.
impl<T> Unpin for RecvFuture<T> {}

impl<T> IntoFuture for Receiver<T> {
    type Output = Result<T, RecvError>;
    type IntoFuture = RecvFuture<T>;

    /// A future of the next message, or of the error that [`recv`](Receiver::recv) would return. To await more than one, await clones.
    ///
    /// A task that awaits is not a waiting thread: on a channel that holds no messages, [`try_send`](super::Sender::try_send) finds
    /// nobody. And it is not in the line: of tasks that await, the one gets the message that is polled first.
    ///
    /// # Examples
    /// ```
    /// # sward::run(|| {
    /// use sward::channel::{RecvError, bounded};
    ///
    /// let (s, r) = bounded(0);
    /// sward::spawn(move || s.send("hi"));
    /// sward::task::block_on(async {
    ///     assert_eq!(r.clone().await, Ok("hi"));
    ///     assert_eq!(r.await, Err(RecvError));
    /// });
    /// # });
    /// ```
    fn into_future(self) -> RecvFuture<T> {
        RecvFuture { receiver: self, watch: None, nap: None }
    }
}

impl<T> Future for RecvFuture<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            self.end_watch();
            match self.receiver.try_recv() {
                Ok(message) => return Poll::Ready(Ok(message)),
                Err(TryRecvError::Disconnected) => return Poll::Ready(Err(RecvError)),
                Err(TryRecvError::Empty) if self.waits(context) => return Poll::Pending,
                // There is something after all.
                Err(TryRecvError::Empty) => {}
            }
        }
    }
}

impl<T> RecvFuture<T> {
    /// Makes sure that the task is going to be woken. `false`: it need not wait.
    fn waits(&mut self, context: &mut Context<'_>) -> bool {
        match self.receiver.0.as_ref().map(|end| end.kind()) {
            Some(Kind::Bounded(_) | Kind::Unbounded) => self.begin_watch(context),
            Some(Kind::Timer(clock)) => {
                let next = clock.next(&Section::enter());
                // Without a next one: for ever.
                next.is_none_or(|due| self.nap_until(due, context))
            }
            // For ever.
            None => true,
        }
    }

    /// Enqueues the watcher, unless there is something to receive.
    fn begin_watch(&mut self, context: &mut Context<'_>) -> bool {
        // What wakes a task is a green thread.
        crate::start::ensure_started();
        let Watch { task, waiter } = &mut **self.watch.get_or_insert_default();
        task.set(context.waker());
        let waiter = waiter.insert(Waiter::new(Sleeper::task(task), None, Part::Watch));
        let Some(end) = &self.receiver.0 else { return true };
        let _section = Section::enter();
        let mut state = end.state.lock();
        let nothing =
            state.buffer.is_empty() && !state.senders.has_other_than_watchers() && !end.ends().is_gone(Side::Send);
        if nothing {
            // SAFETY: it is new, and boxed: it stays where it is until `end_watch` has removed it.
            unsafe { state.waiting(Side::Receive).push(waiter) };
        }
        nothing
    }

    /// Takes the watcher out of the queue, if it is there.
    fn end_watch(&mut self) {
        let waiter = self.watch.as_ref().and_then(|watch| watch.waiter.as_ref());
        if let (Some(waiter), Some(end)) = (waiter, &self.receiver.0) {
            let _section = Section::enter();
            // SAFETY: it is in this queue or in none.
            unsafe { end.state.lock().waiting(Side::Receive).remove(waiter) };
        }
    }

    /// Has a thread wait until then, unless that is over.
    fn nap_until(&mut self, due: Instant, context: &mut Context<'_>) -> bool {
        let mut nap = self.nap.take().filter(|nap| nap.due == due).unwrap_or_else(|| Nap::until(due));
        let waits = Pin::new(&mut nap.end).poll(context).is_pending();
        self.nap = waits.then_some(nap);
        waits
    }
}

impl<T> Drop for RecvFuture<T> {
    fn drop(&mut self) {
        self.end_watch();
    }
}

impl<T> fmt::Debug for RecvFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvFuture").finish_non_exhaustive()
    }
}

/// A task that watches a channel, and what stands for it in the queue.
#[derive(Default)]
struct Watch {
    task: Task,
    waiter: Option<Waiter>,
}

/// A green thread that waits for a time, or until this is dropped.
struct Nap {
    due: Instant,
    end: JoinFuture<()>,
    thread: Thread,
}

impl Nap {
    fn until(due: Instant) -> Nap {
        let napper = thread::spawn(move || thread::park_timeout(due.saturating_duration_since(Instant::now())));
        Nap { due, thread: napper.thread().clone(), end: napper.into_future() }
    }
}

impl Drop for Nap {
    fn drop(&mut self) {
        self.thread.unpark();
    }
}
