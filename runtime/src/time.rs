//! Time: std's clocks, sleeping, and limits.

use std::fmt;

pub use std::time::{Duration, Instant, SystemTime, SystemTimeError, TryFromFloatSecsError, UNIX_EPOCH};

use crate::cancel::{CancelToken, Cancelled};
pub use crate::thread::{sleep, sleep_until};

/// Runs `f`, but for `limit` at most: then the wait that it is in, or the next, ends it by unwinding, as [`cancel`](crate::cancel) explains.
///
/// ```
/// # sward::run(|| {
/// use std::time::Duration;
/// use sward::{channel, time};
///
/// let (tx, rx) = channel::bounded::<u32>(0);
/// assert!(time::timeout(Duration::from_millis(1), || rx.recv()).is_err());
///
/// sward::spawn(move || tx.send(7));
/// assert_eq!(time::timeout(Duration::MAX, || rx.recv()), Ok(Ok(7)));
/// # });
/// ```
///
/// Time-outs nest: an inner one that is longer is cut short with the outer, and does not return.
///
/// # Errors
/// [`Elapsed`], when the time was up before `f` returned. What has a result by then is not too late, if it did not have to wait.
///
/// # Panics
/// As `f` does.
pub fn timeout<T>(limit: Duration, f: impl FnOnce() -> T) -> Result<T, Elapsed> {
    // Later than the clock can tell: no limit.
    let Some(deadline) = Instant::now().checked_add(limit) else { return Ok(f()) };
    timeout_at(deadline, f)
}

/// As [`timeout`], until `deadline`.
///
/// # Errors
/// As [`timeout`].
///
/// # Panics
/// As `f` does.
pub fn timeout_at<T>(deadline: Instant, f: impl FnOnce() -> T) -> Result<T, Elapsed> {
    CancelToken::with_deadline(deadline).run_until_cancelled(f).map_err(|Cancelled| Elapsed)
}

/// The time was up: the error of [`timeout`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time is up")
    }
}

impl std::error::Error for Elapsed {}
