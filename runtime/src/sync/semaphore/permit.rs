//! Permits that have been acquired.

use std::fmt;
use std::sync::Arc;

use sward_sched::race;

use super::Semaphore;

/// Permits of a [`Semaphore`]; gives them back when dropped.
#[must_use = "the permit is given back at once if it is not used"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    permits: usize,
}

/// Permits of a [`Semaphore`] that keep it alive; gives them back when dropped.
///
/// ```
/// # sward::run(|| {
/// use sward::sync::{Arc, Semaphore};
///
/// let semaphore = Arc::new(Semaphore::new(1));
/// let permit = semaphore.clone().acquire_owned();
/// sward::spawn(move || drop(permit)).join().unwrap();
/// assert_eq!(semaphore.available_permits(), 1);
/// # });
/// ```
#[must_use = "the permit is given back at once if it is not used"]
pub struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    permits: usize,
}

impl<'a> SemaphorePermit<'a> {
    /// Of a caller that has taken so many.
    pub(super) fn new(semaphore: &'a Semaphore, permits: usize) -> Self {
        race::hook(|race| race.acquire(semaphore));
        SemaphorePermit { semaphore, permits }
    }

    /// Drops it without giving anything back: the semaphore has so many permits less for good.
    ///
    /// ```
    /// # use sward::sync::Semaphore;
    /// let semaphore = Semaphore::new(2);
    /// semaphore.acquire().forget();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// How many permits it is.
    pub fn num_permits(&self) -> usize {
        self.permits
    }
}

impl OwnedSemaphorePermit {
    /// Of a caller that has taken so many.
    pub(super) fn new(semaphore: Arc<Semaphore>, permits: usize) -> Self {
        race::hook(|race| race.acquire(&raw const *semaphore));
        OwnedSemaphorePermit { semaphore, permits }
    }

    /// Drops it without giving anything back: the semaphore has so many permits less for good.
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// How many permits it is.
    pub fn num_permits(&self) -> usize {
        self.permits
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        self.semaphore.add_permits(self.permits);
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        self.semaphore.add_permits(self.permits);
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermit").field("permits", &self.permits).finish_non_exhaustive()
    }
}

impl fmt::Debug for OwnedSemaphorePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSemaphorePermit").field("permits", &self.permits).finish_non_exhaustive()
    }
}
