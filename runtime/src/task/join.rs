//! Awaiting the end of a green thread.
//!
//! The task's waker lies where a joining thread would be noted, in the thread's join word, and is called by the thread itself as its last
//! act, on its own stack. *Rejected*: a helper thread that joins and wakes, which costs a stack for each await, and outlives one that is given up.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use sward_sched::{Handle, Reason};

use super::block_on_for;
use crate::thread::{JoinHandle, Result};

/// The end of a green thread, to be awaited: see [`JoinHandle::into_future`].
///
/// Dropping it detaches the thread, which goes on, as dropping the handle does.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct JoinFuture<T>(Option<Handle<T>>);

/// Waits for the end of a thread; a wait that may be interrupted.
///
/// The join word keeps no claim for who joins, but a waker for who awaits.
pub(crate) fn join<T>(handle: Handle<T>) -> Result<T> {
    if sward_sched::is_interruptible() { block_on_for(Reason::Join, JoinFuture(Some(handle))) } else { handle.join() }
}

impl<T> IntoFuture for JoinHandle<T> {
    type Output = Result<T>;
    type IntoFuture = JoinFuture<T>;

    /// A future of the thread's value, or the payload of its panic.
    ///
    /// ```
    /// # sward::run(|| {
    /// let thread = sward::spawn(|| 6 * 7);
    /// let value = sward::task::block_on(async { thread.await.unwrap() });
    /// assert_eq!(value, 42);
    /// # });
    /// ```
    fn into_future(self) -> JoinFuture<T> {
        JoinFuture(Some(self.into_handle()))
    }
}

/// # Panics
/// When it is polled after it was ready.
impl<T> Future for JoinFuture<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let handle = self.0.as_mut().expect("a JoinFuture was polled after it was ready");
        ready!(handle.poll_end(context));
        let handle = self.0.take();
        Poll::Ready(handle.expect("just polled").join())
    }
}

// The value is not in the future, but with the thread.
impl<T> Unpin for JoinFuture<T> {}

impl<T> fmt::Debug for JoinFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinFuture").finish_non_exhaustive()
    }
}
