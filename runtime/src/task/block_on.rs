//! Driving a future on the calling thread.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use sward_sched::Reason;

use super::signal::Signal;

/// Runs a future to its end on the calling thread, and returns its value. Other green threads run while it waits.
///
/// The future may borrow from the caller's stack, and need not be `Send`: it stays on this thread, though a green thread may go on on
/// another OS thread after each wait. It may wait in the way of green threads too, and call `block_on` itself. One that wakes its own
/// task, to be polled again soon, lets others run first.
///
/// On a plain OS thread this works as well, with or without a runtime.
///
/// # Panics
/// With the panic of the future.
///
/// # Cancellation
/// Ends the wait for the future's waker, and drops the future: see [`cancel`](crate::cancel).
///
/// ```
/// # sward::run(|| {
/// let word = String::from("green");
/// let length = sward::task::block_on(async { word.len() });
/// assert_eq!(length, 5);
/// # });
/// ```
pub fn block_on<F: IntoFuture>(future: F) -> F::Output {
    block_on_for(Reason::Future, future)
}

/// As [`block_on`]; dumps say that the thread waits for `reason`.
pub(super) fn block_on_for<F: IntoFuture>(reason: Reason, future: F) -> F::Output {
    let mut future = pin!(future.into_future());
    let signal = Arc::new(Signal::new());
    let waker = Waker::from(signal.clone());
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        signal.wait(reason);
    }
}
