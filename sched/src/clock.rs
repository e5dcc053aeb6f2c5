//! Time as the scheduler counts it: nanoseconds of the monotonic clock.
//!
//! Reading the clock costs some 20 ns, more than a channel operation. What only needs to know the order of milliseconds, such
//! as how long a green thread has been waiting, reads [`coarse`] instead: the value that sysmon and the timers last saw.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Nanoseconds on the monotonic clock, from an arbitrary origin. Never 0.
pub(crate) type Nanos = u64;

/// Later than any time that can come.
pub(crate) const NEVER: Nanos = u64::MAX;

static COARSE: AtomicU64 = AtomicU64::new(1);

/// Reads the clock. Async-signal-safe.
pub(crate) fn now() -> Nanos {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec; CLOCK_MONOTONIC always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    let now = time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
    // Relaxed: a hint, ordered with nothing.
    COARSE.store(now, Ordering::Relaxed);
    now
}

/// The time that somebody last read: at most a sysmon period old while green threads run.
#[inline]
pub(crate) fn coarse() -> Nanos {
    // Relaxed: a hint, ordered with nothing.
    COARSE.load(Ordering::Relaxed)
}

/// The time of `instant`, which may have passed; `NEVER` where that overflows.
///
/// std's clock is the same one, but it does not tell the numbers. So both are read once, std's first, and the difference is added: the result is
/// late by the nanoseconds in between, and never early.
pub(crate) fn at(instant: Instant) -> Nanos {
    static ORIGIN: OnceLock<(Instant, Nanos)> = OnceLock::new();
    let &(origin, nanos) = ORIGIN.get_or_init(|| (Instant::now(), now()));
    match instant.checked_duration_since(origin) {
        Some(after) => u64::try_from(after.as_nanos()).map_or(NEVER, |after| nanos.saturating_add(after)),
        None => nanos,
    }
}
