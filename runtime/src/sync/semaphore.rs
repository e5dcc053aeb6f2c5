//! Counting semaphores, first come first served.
//!
//! Permits and queue are under one lock. Who gives permits back deals them out: to the first that waits, if there are enough for it, then to the
//! next. One that wants many is not overtaken by others that want few. One that gives up leaves the queue, and deals out too: those
//! behind it may have been waiting for it alone.

mod permit;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sward_sched::race;
use sward_sched::{Ended, Interrupted, Reason, Section, SpinLock};

pub use permit::{OwnedSemaphorePermit, SemaphorePermit};

use super::waiters::{AllWoken, Waiters};

/// A number of permits. Who acquires one waits until there is one, and gives it back by dropping it.
///
/// Permits go to the waiting threads in the order in which they came. With green threads it is what limits how many of them do something at a time:
///
/// ```
/// # sward::run(|| {
/// use sward::sync::{Arc, Semaphore};
///
/// let connections = Arc::new(Semaphore::new(2));
/// let clients: Vec<_> = (0..10)
///     .map(|_| {
///         let permit = connections.clone().acquire_owned(); // Waits when two are served.
///         sward::spawn(move || {
///             // serve it
///             drop(permit);
///         })
///     })
///     .collect();
/// clients.into_iter().for_each(|client| client.join().unwrap());
/// assert_eq!(connections.available_permits(), 2);
/// # });
/// ```
pub struct Semaphore {
    state: SpinLock<State>,
}

struct State {
    permits: usize,
    /// With the number of permits that each wants.
    waiters: Waiters<usize>,
}

type Waiter = super::waiters::Waiter<usize>;

// No panic of the user's can leave it half changed.
impl UnwindSafe for Semaphore {}
impl RefUnwindSafe for Semaphore {}

impl Semaphore {
    /// Makes a semaphore with so many permits.
    ///
    /// ```
    /// static DOWNLOADS: sward::sync::Semaphore = sward::sync::Semaphore::new(4);
    /// ```
    #[must_use]
    pub const fn new(permits: usize) -> Semaphore {
        Semaphore { state: SpinLock::new(State { permits, waiters: Waiters::new() }) }
    }

    /// How many permits there are to be had just now.
    pub fn available_permits(&self) -> usize {
        let _section = Section::enter();
        self.state.lock().permits
    }

    /// Adds permits, for those that wait first.
    ///
    /// # Panics
    /// If that makes more permits than a `usize` counts.
    ///
    /// ```
    /// # use sward::sync::Semaphore;
    /// let semaphore = Semaphore::new(0);
    /// semaphore.add_permits(2);
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        let section = Section::enter();
        race::hook_in(&section, |race| race.release(self));
        let mut state = self.state.lock();
        let before = state.permits;
        let added = before.checked_add(n);
        if let Some(added) = added {
            state.permits = added;
            let served = state.deal_out();
            drop(state);
            served.grant(&section);
        } else {
            drop(state);
            drop(section);
            panic!("a semaphore that has {before} permits cannot have {n} more");
        }
    }

    /// Waits for a permit.
    ///
    /// ```
    /// # use sward::sync::Semaphore;
    /// let semaphore = Semaphore::new(2);
    /// let permit = semaphore.acquire();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// drop(permit);
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    pub fn acquire(&self) -> SemaphorePermit<'_> {
        self.acquire_many(1)
    }

    /// Waits for `n` permits, and takes them all at once.
    ///
    /// ```
    /// # use sward::sync::Semaphore;
    /// let semaphore = Semaphore::new(5);
    /// let permits = semaphore.acquire_many(3);
    /// assert_eq!((permits.num_permits(), semaphore.available_permits()), (3, 2));
    /// ```
    pub fn acquire_many(&self, n: usize) -> SemaphorePermit<'_> {
        self.take(n, None);
        SemaphorePermit::new(self, n)
    }

    /// Waits for a permit that another thread may give back.
    pub fn acquire_owned(self: Arc<Self>) -> OwnedSemaphorePermit {
        self.take(1, None);
        OwnedSemaphorePermit::new(self, 1)
    }

    /// Takes a permit if that needs no waiting: if there is one, and nobody waits for more.
    ///
    /// ```
    /// # use sward::sync::Semaphore;
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.try_acquire();
    /// assert!(permit.is_some());
    /// assert!(semaphore.try_acquire().is_none());
    /// ```
    pub fn try_acquire(&self) -> Option<SemaphorePermit<'_>> {
        self.try_acquire_many(1)
    }

    /// Takes `n` permits if that needs no waiting.
    pub fn try_acquire_many(&self, n: usize) -> Option<SemaphorePermit<'_>> {
        let _section = Section::enter();
        self.state.lock().take(n).then(|| SemaphorePermit::new(self, n))
    }

    /// Waits for a permit, for `timeout` at most.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sward::sync::Semaphore;
    /// let semaphore = Semaphore::new(0);
    /// assert!(semaphore.acquire_timeout(Duration::from_millis(1)).is_none());
    /// ```
    pub fn acquire_timeout(&self, timeout: Duration) -> Option<SemaphorePermit<'_>> {
        self.acquire_many_timeout(1, timeout)
    }

    /// Waits for `n` permits, for `timeout` at most, and takes them all at once.
    pub fn acquire_many_timeout(&self, n: usize, timeout: Duration) -> Option<SemaphorePermit<'_>> {
        // A time later than the clock can tell never comes.
        self.take(n, Instant::now().checked_add(timeout)).then(|| SemaphorePermit::new(self, n))
    }

    /// Takes `n` permits, waiting until `deadline` at most. Returns whether it has got them.
    fn take(&self, n: usize, deadline: Option<Instant>) -> bool {
        let section = Section::enter();
        let mut state = self.state.lock();
        if state.take(n) {
            return true;
        }
        let waiter = Waiter::with(&section, n);
        // SAFETY: the node stays here until `park` returns, which is when it has been woken; or if it has not, until it is removed.
        unsafe { state.waiters.push_back(&waiter) };
        let Some(claim) = waiter.claim_if(&section, deadline.is_some()) else {
            section.park_unlocking(Reason::Semaphore, state);
            return true;
        };
        let ended = section.park_unlocking_until(Reason::Semaphore, deadline, claim, state);
        if ended != Ended::Woken {
            let section = Section::enter();
            let mut state = self.state.lock();
            // SAFETY: it has been in this queue only.
            unsafe { state.waiters.remove(&waiter) };
            let served = state.deal_out();
            drop(state);
            served.grant(&section);
        }
        if ended == Ended::Interrupted {
            Interrupted::unwind();
        }
        waiter.is_granted()
    }
}

impl State {
    /// Takes `n` permits, if they are there and nobody waits.
    fn take(&mut self, n: usize) -> bool {
        let takes = self.waiters.is_empty() && n <= self.permits;
        if takes {
            self.permits -= n;
        }
        takes
    }

    /// Gives those that wait first what they want, as long as there is enough. They are to be woken.
    fn deal_out(&mut self) -> AllWoken<usize> {
        let mut served = AllWoken::new();
        while let Some(first) = self.waiters.pop_front_if(|&n| n <= self.permits) {
            self.permits -= first.note();
            served.push(first);
        }
        served
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("permits", &self.available_permits()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{channel, thread};

    /// Waits until so many threads are in the queue.
    fn wait_for_waiters(semaphore: &Semaphore, n: usize) {
        let count = || {
            let _section = Section::enter();
            semaphore.state.lock().waiters.len()
        };
        while count() != n {
            thread::yield_now();
        }
    }

    /// One that wants many is not overtaken by one that wants few, not even by one that only tries.
    #[sward::test]
    fn nobody_is_overtaken() {
        let semaphore = Semaphore::new(2);
        let (order, served) = channel::unbounded();
        thread::scope(|s| {
            for (ahead, n) in [3, 1, 2].into_iter().enumerate() {
                let (semaphore, order) = (&semaphore, order.clone());
                s.spawn(move || {
                    semaphore.acquire_many(n).forget();
                    order.send(n).unwrap();
                });
                wait_for_waiters(semaphore, ahead + 1);
            }
            assert!(semaphore.try_acquire().is_none());
            assert_eq!(semaphore.available_permits(), 2);
            semaphore.add_permits(1);
            assert_eq!(served.recv(), Ok(3));
            assert!(semaphore.try_acquire().is_none());
            semaphore.add_permits(1);
            assert_eq!(served.recv(), Ok(1));
            semaphore.add_permits(1);
            assert!(served.is_empty());
            semaphore.add_permits(1);
            assert_eq!(served.recv(), Ok(2));
        });
        assert_eq!(semaphore.available_permits(), 0);
    }

    #[sward::test]
    fn who_gives_up_lets_those_behind_it_go_on() {
        let semaphore = Semaphore::new(1);
        thread::scope(|s| {
            let gives_up = s.spawn(|| semaphore.acquire_many_timeout(2, Duration::from_millis(20)).is_none());
            wait_for_waiters(&semaphore, 1);
            let behind = s.spawn(|| drop(semaphore.acquire()));
            assert!(gives_up.join().unwrap());
            behind.join().unwrap();
        });
        assert_eq!(semaphore.available_permits(), 1);
        wait_for_waiters(&semaphore, 0);
    }
}
