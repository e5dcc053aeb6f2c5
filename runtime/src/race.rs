//! Race detection: what a program tells a detector of itself, and what that has found.
//!
//! Two accesses to the same memory race if one of them writes and nothing orders them: no lock, no message, no join leads from one to the other. The
//! verdict does not depend on which came first this time, nor on how far apart they were. Safe Rust has no such races. What is left are those of
//! `unsafe` code, and of values that each access leaves whole and that are wrong together: see [`Cell`].
//!
//! There are two detectors. The **built-in** one is part of a program that is built with sward's feature `race`, and is switched on by
//! [`Config::race`](crate::Config::race) or `SWARD_DEBUG=race=1`. It knows the accesses that it is told of, by a [`Cell`] or by [`read`] and [`write`](write()), and
//! what orders them by all that is sward's: spawning and joining, channels, locks, time, the network, foreign calls. What orders threads otherwise, atomics and
//! std's locks, a program tells it by [`acquire`] and [`release`]. Each race is reported once, on the standard error, with both stacks. The other
//! one is **ThreadSanitizer**, with the feature `tsan` and a compiler that is told `-Zsanitizer=thread`: it sees every access of the program.
//!
//! Without these features there is nothing of this in the program, and the functions here do nothing.
//!
//! ```
//! # sward::run(|| {
//! use sward::{race, thread};
//!
//! let hits = race::Cell::new(0);
//! let hit = || hits.set(hits.get() + 1);
//! thread::scope(|s| {
//!     s.spawn(hit).join().unwrap();
//!     s.spawn(hit); // After the first.
//! });
//! assert_eq!(hits.get(), 2);
//! assert_eq!(race::reports(), 0);
//!
//! thread::scope(|s| {
//!     s.spawn(hit);
//!     s.spawn(hit); // A race: one of the two may be lost. With `race=1`, a report.
//! });
//! # });
//! ```

mod cell;

pub use cell::Cell;
pub use sward_sched::race::enabled;
use sward_sched::race::hook;

/// Tells that the caller reads the value at `place`, which is known by its address, and not looked at.
///
/// ```
/// # sward::run(|| {
/// use sward::race;
///
/// /// A table that the C library keeps for the whole process.
/// static TABLE: u8 = 0;
///
/// fn look_up() {
///     race::read(&TABLE);
///     // the foreign call
/// }
/// # look_up();
/// # });
/// ```
#[inline]
pub fn read<T>(place: *const T) {
    hook(|race| race.read(place, size_of::<T>()));
}

/// Tells that the caller writes the value at `place`, which is known by its address, and not looked at.
#[inline]
pub fn write<T>(place: *const T) {
    hook(|race| race.write(place, size_of::<T>()));
}

/// Tells that what was done before the [`release`]s of `object` so far is ordered before what the caller does next. `object` is known by its address, and not
/// looked at.
///
/// To be called after the access that has found it so.
///
/// ```
/// # sward::run(|| {
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use sward::{race, thread};
///
/// let (answer, ready) = (race::Cell::new(0), AtomicBool::new(false));
/// thread::scope(|s| {
///     s.spawn(|| {
///         answer.set(42);
///         race::release(&ready);
///         ready.store(true, Ordering::Release);
///     });
///     while !ready.load(Ordering::Acquire) {
///         thread::yield_now();
///     }
///     race::acquire(&ready);
///     assert_eq!(answer.get(), 42);
/// });
/// assert_eq!(race::reports(), 0);
/// # });
/// ```
#[inline]
pub fn acquire<T: ?Sized>(object: *const T) {
    hook(|race| race.acquire(object));
}

/// Tells that what the caller did so far is ordered before what follows an [`acquire`] of `object`, which is known by its address, and not looked at.
///
/// To be called before the access that tells others.
#[inline]
pub fn release<T: ?Sized>(object: *const T) {
    hook(|race| race.release(object));
}

/// How many races the built-in detector has reported.
pub fn reports() -> usize {
    #[cfg(feature = "race")]
    let reports = sward_sched::race::reports();
    #[cfg(not(feature = "race"))]
    let reports = 0;
    reports
}
