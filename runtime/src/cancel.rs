//! Cancellation: ending what threads wait for, from outside or at a time.
//!
//! ```
//! # sward::run(|| {
//! use std::time::Duration;
//! use sward::cancel::{CancelToken, Cancelled};
//! use sward::{channel, thread, time};
//!
//! let token = CancelToken::new();
//! let (tx, rx) = channel::bounded::<u32>(0);
//! let worker = thread::spawn({
//!     let token = token.clone();
//!     move || token.run_until_cancelled(|| rx.iter().sum::<u32>())
//! });
//! token.cancel();
//! assert_eq!(worker.join().unwrap(), Err(Cancelled));
//! drop(tx); // Until here more numbers could have come.
//!
//! // A deadline is a token that nobody needs to cancel.
//! let slow = time::timeout(Duration::from_millis(1), || thread::sleep(Duration::MAX));
//! assert!(slow.is_err());
//! # });
//! ```
//!
//! A [`CancelToken`] covers what runs within its [`run_until_cancelled`](CancelToken::run_until_cancelled), in the calling thread and in those of a
//! [`scope`](crate::thread::scope) that is opened there. From its cancellation on, no wait of theirs goes on: sleeping, parking, joining, channels and `select!`,
//! the network, condition variables, semaphores, futures. The wait unwinds the thread as a panic would, destructors and all but without a message, to
//! `run_until_cancelled`, which returns [`Cancelled`]. So no function in between need know of it.
//!
//! Not ended are waits for what others are about to give back: locks (`Mutex`, `RwLock`, `Once`), a `Barrier`, the end of a scope, blocking calls ([`unblock`](crate::unblock)); nor
//! those of a thread that unwinds already, since its destructors may have to wait. A thread that computes is to look at
//! [`is_cancelled`](CancelToken::is_cancelled) by itself. As with a panic, a `Mutex` whose guard is dropped by the unwinding is poisoned, and a program built with
//! `panic = "abort"` is aborted. On a plain OS thread, `thread::park` and waits for sockets are the kernel's, and are not ended either.
//!
//! # How it works
//! Tokens form a tree; cancelling one cancels all below. At each token are the interrupts of the threads that run within it, which cancelling sets.
//! Within a token that runs within another, a thread is at a token of its own, below both. A deadline is passed down the tree when a token is
//! made, and takes part in each wait, so nothing has to happen when it comes.
//!
//! # Rejected
//! - *Errors instead of unwinding*: neither `sleep` nor `RecvError` has room for one, and whoever retries on errors, an accept loop say, would go on for ever.
//! - *A token as an argument of every wait* (Go's contexts): code that was not written for it, all of std's style, could not be cancelled.
//! - *Cancelling a thread* (may, POSIX): the thread is not the unit of work. It may be in the middle of something else than what is no longer wanted.

mod node;

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Instant;

use sward_sched::{Interrupted, Reason};

use node::Node;
pub(crate) use node::{ambient, pass_on, run_at};

use crate::thread::wait_until;

/// What can be cancelled: clones are the same token. See the [module](self).
#[derive(Clone)]
pub struct CancelToken(Arc<Node>);

/// The token within which a thread ran has been cancelled, or its deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

/// Cancels a token when it is dropped: [`CancelToken::drop_guard`].
#[derive(Debug)]
#[must_use = "dropped at once, it cancels at once"]
pub struct DropGuard(Option<CancelToken>);

impl CancelToken {
    /// A token that nobody has cancelled.
    pub fn new() -> CancelToken {
        CancelToken(Node::below(Vec::new(), None))
    }

    /// A token that is cancelled at `deadline`, if it is not before.
    pub fn with_deadline(deadline: Instant) -> CancelToken {
        CancelToken(Node::below(Vec::new(), Some(deadline)))
    }

    /// A token that is cancelled with this one, or alone.
    pub fn child_token(&self) -> CancelToken {
        CancelToken(Node::below(vec![self.0.clone()], None))
    }

    /// A child that is cancelled at `deadline`, if it is not before.
    ///
    /// ```
    /// # sward::run(|| {
    /// use std::time::{Duration, Instant};
    /// use sward::cancel::CancelToken;
    ///
    /// let request = CancelToken::new();
    /// let query = request.child_with_deadline(Instant::now() + Duration::from_millis(1));
    /// assert!(query.run_until_cancelled(sward::thread::park).is_err());
    /// assert!(query.is_cancelled() && !request.is_cancelled());
    /// # });
    /// ```
    pub fn child_with_deadline(&self, deadline: Instant) -> CancelToken {
        CancelToken(Node::below(vec![self.0.clone()], Some(deadline)))
    }

    /// Cancels: ends the waits of all that run within it or a token below it.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether it has been cancelled, or its deadline has passed.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is cancelled.
    pub fn cancelled(&self) {
        let _ = self.run_until_cancelled(|| wait_until(Reason::Cancel, None));
    }

    /// Runs `f` until it returns, or until it waits and the token is cancelled. If it has been already, `f` does not run; with a deadline that has
    /// passed, it runs until its first wait.
    ///
    /// ```
    /// # sward::run(|| {
    /// use sward::cancel::{CancelToken, Cancelled};
    ///
    /// let token = CancelToken::new();
    /// assert_eq!(token.run_until_cancelled(|| 7), Ok(7));
    /// token.cancel();
    /// assert_eq!(token.run_until_cancelled(|| 7), Err(Cancelled));
    /// # });
    /// ```
    ///
    /// Within another token that has been cancelled too, it does not return: the outermost one ends everything in it.
    ///
    /// # Errors
    /// [`Cancelled`], when a wait in `f` was ended by it.
    ///
    /// # Panics
    /// As `f` does.
    pub fn run_until_cancelled<T>(&self, f: impl FnOnce() -> T) -> Result<T, Cancelled> {
        let outer = ambient();
        let is_outer_cancelled = || outer.as_ref().is_some_and(|outer| outer.is_cancelled());
        // Beginning is a wait, for this purpose: who only begins what is cancelled at once would never come to another.
        if is_outer_cancelled() && !std::thread::panicking() {
            Interrupted::unwind();
        }
        if self.0.is_marked() {
            return Err(Cancelled);
        }
        let node = match &outer {
            Some(outer) if !Arc::ptr_eq(outer, &self.0) => Node::below(vec![self.0.clone(), outer.clone()], None),
            _ => self.0.clone(),
        };
        panic::catch_unwind(AssertUnwindSafe(|| run_at(node, f))).or_else(|payload| {
            if payload.is::<Interrupted>() && self.is_cancelled() && !is_outer_cancelled() {
                Err(Cancelled)
            } else {
                panic::resume_unwind(payload)
            }
        })
    }

    /// A guard that cancels the token when it is dropped.
    pub fn drop_guard(self) -> DropGuard {
        DropGuard(Some(self))
    }
}

impl Default for CancelToken {
    fn default() -> CancelToken {
        CancelToken::new()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("is_cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled")
    }
}

impl std::error::Error for Cancelled {}

impl DropGuard {
    /// The token again, not cancelled.
    pub fn disarm(mut self) -> CancelToken {
        self.0.take().expect("only a drop takes it before")
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(token) = &self.0 {
            token.cancel();
        }
    }
}
