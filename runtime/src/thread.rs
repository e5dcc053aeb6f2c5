//! Green threads, with `std::thread`'s names.
//!
//! ```standalone_crate
//! # #[sward::main]
//! # fn main() {
//! let squares: Vec<_> = (0..4).map(|n| sward::thread::spawn(move || n * n)).collect();
//! let sum: i32 = squares.into_iter().map(|handle| handle.join().unwrap()).sum();
//! assert_eq!(sum, 14);
//! # }
//! ```
//!
//! Everything here also works on a plain OS thread, where it does what `std::thread` does; `spawn` starts a green thread from there too.

mod builder;
mod handle;
mod local;
mod scope;

use std::time::{Duration, Instant};

pub use std::thread::{available_parallelism, panicking};

use sward_sched::{Ended, GRef, Interrupted, Reason, Section, race};
pub use sward_sched::{OsThreadGuard, lock_os_thread, yield_now};

pub use builder::{Builder, spawn};
pub use handle::{JoinHandle, Result, Thread, ThreadId, current};
pub use local::{AccessError, LocalKey};
pub use scope::{Scope, ScopedJoinHandle, scope};

/// Waits at least for `duration`. Other green threads run meanwhile.
///
/// ```
/// # use std::time::{Duration, Instant};
/// # sward::run(|| {
/// let begin = Instant::now();
/// sward::thread::sleep(Duration::from_millis(2));
/// assert!(begin.elapsed() >= Duration::from_millis(2));
/// # });
/// ```
pub fn sleep(duration: Duration) {
    if !duration.is_zero() {
        // Later than the clock can tell: for ever.
        wait_until(Reason::Sleep, Instant::now().checked_add(duration));
    }
}

/// Waits until `deadline`; returns at once if that has passed. Other green threads run meanwhile.
///
/// ```
/// # use std::time::{Duration, Instant};
/// # sward::run(|| {
/// let deadline = Instant::now() + Duration::from_millis(2);
/// sward::thread::sleep_until(deadline);
/// assert!(Instant::now() >= deadline);
/// # });
/// ```
pub fn sleep_until(deadline: Instant) {
    if Instant::now() < deadline {
        wait_until(Reason::Sleep, Some(deadline));
    }
}

/// Waits until `deadline`; without one, until it is cancelled.
pub(crate) fn wait_until(reason: Reason, deadline: Option<Instant>) {
    if Section::enter().sit_out(reason, deadline) == Ended::Interrupted {
        Interrupted::unwind();
    }
}

/// Waits until somebody calls [`Thread::unpark`] on this thread, or has done so since it last parked. May return without.
///
/// ```
/// # sward::run(|| {
/// let main = sward::thread::current();
/// sward::spawn(move || main.unpark());
/// sward::thread::park();
/// # });
/// ```
pub fn park() {
    park_deadline(None);
}

/// As [`park`], for no longer than `duration`.
///
/// ```
/// # sward::run(|| {
/// sward::thread::park_timeout(std::time::Duration::from_millis(1));
/// # });
/// ```
pub fn park_timeout(duration: Duration) {
    park_deadline(Instant::now().checked_add(duration));
}

/// Stands for the tokens of all OS threads, which are std's own, in race reports.
static UNPARKED_OS_THREAD: u8 = 0;

fn park_deadline(deadline: Option<Instant>) {
    if GRef::current().is_some() {
        if sward_sched::park_token(deadline) == Ended::Interrupted {
            Interrupted::unwind();
        }
        return;
    }
    match deadline {
        None => std::thread::park(),
        Some(deadline) => std::thread::park_timeout(deadline.saturating_duration_since(Instant::now())),
    }
    race::hook(|race| race.acquire(&raw const UNPARKED_OS_THREAD));
}
