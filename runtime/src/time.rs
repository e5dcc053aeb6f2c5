//! Time: std's clocks, and sleeping.

pub use std::time::{Duration, Instant, SystemTime, SystemTimeError, TryFromFloatSecsError, UNIX_EPOCH};

pub use crate::thread::sleep;
