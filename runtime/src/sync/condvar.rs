//! Condition variables, first come first served.
//!
//! Waiting takes three steps: the thread queues itself, unlocks the mutex, and parks. Who changes what the mutex protects, and then
//! notifies, comes after the second step and finds the waiter in the queue: no signal is lost. It may come before the third. So a
//! waiter notes in its node that it has parked, under the queue's lock. One that has is woken; to one that has not the notifier leaves
//! word in the node, where the waiter looks under the lock before it parks.
//!
//! A signal is for the thread that has waited longest. One that comes to wait after the `notify_one` finds the others ahead of it, and cannot
//! steal a signal as it could from a semaphore. And none is spent in vain on a thread whose time is up: the timer has its claim, so
//! the notifier goes on to the next.
//!
//! # Rejected
//! *Unlocking the mutex under the queue's lock*, which would save locking the queue twice: unlocking wakes others, and may let them run at
//! once. *Moving waiters into the mutex's queue* on `notify_all`, instead of waking all: the mutex could not wake them if they were waiting
//! with another one, and one that is running gets the lock without a switch.

use std::cell::Cell;
use std::fmt;
use std::sync::{LockResult, PoisonError};
use std::time::{Duration, Instant};

use sward_sched::race;
use sward_sched::{Ended, Interrupted, Reason, Section, SpinLock};

use super::mutex::MutexGuard;
use super::raw_mutex::RawMutex;
use super::waiters::{AllWoken, Waiters};

/// Lets threads wait until what a [`Mutex`](super::Mutex) protects is as they need it.
///
/// As [`std::sync::Condvar`], but fair: signals go to the waiting threads in the order in which they came. As with std's, check the condition
/// in a loop, or by [`wait_while`](Self::wait_while): another thread may have changed it again before the woken one has the lock.
///
/// ```
/// # sward::run(|| {
/// use sward::sync::{Arc, Condvar, Mutex};
///
/// let pair = Arc::new((Mutex::new(false), Condvar::new()));
/// let pair2 = Arc::clone(&pair);
/// sward::spawn(move || {
///     let (lock, cvar) = &*pair2;
///     *lock.lock().unwrap() = true;
///     cvar.notify_one();
/// });
///
/// let (lock, cvar) = &*pair;
/// let mut started = lock.lock().unwrap();
/// while !*started {
///     started = cvar.wait(started).unwrap();
/// }
/// # });
/// ```
#[derive(Default)]
pub struct Condvar {
    waiters: SpinLock<Waiters<Parked>>,
}

/// Whether the waiter has parked: under the queue's lock.
type Parked = Cell<bool>;
type Waiter = super::waiters::Waiter<Parked>;

/// Whether a wait with a time limit ended by it.
///
/// ```
/// # use std::time::Duration;
/// use sward::sync::{Condvar, Mutex};
///
/// let (mutex, condvar) = (Mutex::new(()), Condvar::new());
/// let (_guard, result) = condvar.wait_timeout(mutex.lock().unwrap(), Duration::from_millis(1)).unwrap();
/// assert!(result.timed_out());
/// ```
#[derive(Debug, PartialEq, Eq, Copy, Clone)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was up before a signal came.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// Makes a condition variable that nobody waits for.
    ///
    /// ```
    /// static READY: sward::sync::Condvar = sward::sync::Condvar::new();
    /// ```
    #[must_use]
    pub const fn new() -> Condvar {
        Condvar { waiters: SpinLock::new(Waiters::new()) }
    }

    /// Unlocks the mutex, waits for a signal, and locks the mutex again. A signal that is given after the unlocking is not missed.
    ///
    /// # Errors
    /// If the mutex is poisoned when it is locked again; the guard is in the error.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.wait_raw(guard.raw(), None);
        guard.checked()
    }

    /// Waits as long as `condition` says so, which looks at the value under the lock.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait).
    ///
    /// ```
    /// # sward::run(|| {
    /// use sward::sync::{Arc, Condvar, Mutex};
    ///
    /// let pair = Arc::new((Mutex::new(true), Condvar::new()));
    /// let pair2 = Arc::clone(&pair);
    /// sward::spawn(move || {
    ///     let (lock, cvar) = &*pair2;
    ///     *lock.lock().unwrap() = false;
    ///     cvar.notify_one();
    /// });
    ///
    /// let (lock, cvar) = &*pair;
    /// let pending = cvar.wait_while(lock.lock().unwrap(), |pending| *pending).unwrap();
    /// assert!(!*pending);
    /// # });
    /// ```
    pub fn wait_while<'a, T, F>(&self, mut guard: MutexGuard<'a, T>, mut condition: F) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut *guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`wait`](Self::wait), for at most `dur`.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait).
    ///
    /// ```
    /// # use std::time::Duration;
    /// use sward::sync::{Condvar, Mutex};
    ///
    /// let (lock, cvar) = (Mutex::new(false), Condvar::new());
    /// let mut started = lock.lock().unwrap();
    /// while !*started {
    ///     let (guard, result) = cvar.wait_timeout(started, Duration::from_millis(10)).unwrap();
    ///     started = guard;
    ///     if result.timed_out() {
    ///         break;
    ///     }
    /// }
    /// ```
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        dur: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        self.wait_deadline(guard, Instant::now().checked_add(dur))
    }

    /// As [`wait_while`](Self::wait_while), for at most `dur`. If the time was up, the condition still says "wait".
    ///
    /// # Errors
    /// As for [`wait`](Self::wait).
    ///
    /// ```
    /// # use std::time::Duration;
    /// use sward::sync::{Condvar, Mutex};
    ///
    /// let (lock, cvar) = (Mutex::new(true), Condvar::new());
    /// let waited = cvar.wait_timeout_while(lock.lock().unwrap(), Duration::from_millis(10), |pending| *pending);
    /// assert!(waited.unwrap().1.timed_out());
    /// ```
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        dur: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let deadline = Instant::now().checked_add(dur);
        let mut result = WaitTimeoutResult(false);
        while condition(&mut *guard) {
            if result.timed_out() {
                return Ok((guard, result));
            }
            (guard, result) = self.wait_deadline(guard, deadline)?;
        }
        Ok((guard, WaitTimeoutResult(false)))
    }

    /// As [`wait`](Self::wait), until `deadline` at most. `None`: that is later than the clock can tell.
    fn wait_deadline<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Option<Instant>,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let result = WaitTimeoutResult(!self.wait_raw(guard.raw(), deadline));
        match guard.checked() {
            Ok(guard) => Ok((guard, result)),
            Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), result))),
        }
    }

    /// Gives a signal to the thread that has waited longest, if one waits.
    pub fn notify_one(&self) {
        let section = Section::enter();
        race::hook_in(&section, |race| race.release(self));
        let mut waiters = self.waiters.lock();
        let Some(first) = waiters.pop_front() else { return };
        if first.note().get() {
            drop(waiters);
            first.grant(&section);
        } else {
            first.grant_unparked();
        }
    }

    /// Gives a signal to each thread that waits.
    pub fn notify_all(&self) {
        let section = Section::enter();
        race::hook_in(&section, |race| race.release(self));
        let mut waiters = self.waiters.lock();
        let mut parked = AllWoken::new();
        while let Some(first) = waiters.pop_front() {
            if first.note().get() {
                parked.push(first);
            } else {
                first.grant_unparked();
            }
        }
        drop(waiters);
        parked.grant(&section);
    }

    /// Unlocks the mutex, waits for a signal, and locks again. Returns whether there was a signal before the deadline.
    fn wait_raw(&self, mutex: &RawMutex, deadline: Option<Instant>) -> bool {
        let section = Section::enter();
        let waiter = Waiter::with(&section, Parked::new(false));
        // SAFETY: the node stays here until `park` returns, which sees to it that it is in the queue no more.
        unsafe { self.waiters.lock().push_back(&waiter) };
        race::hook_in(&section, |race| race.release(mutex));
        drop(section);
        // SAFETY: the caller has a guard, which it keeps, as the mutex is locked again below.
        unsafe { mutex.unlock() };
        let ended = self.park(&waiter, deadline);
        mutex.lock(Reason::Mutex);
        race::hook(|race| {
            race.acquire(mutex);
            if waiter.is_granted() {
                race.acquire(self);
            }
        });
        if ended == Ended::Interrupted {
            Interrupted::unwind();
        }
        waiter.is_granted()
    }

    /// Parks a queued waiter, unless it has got a signal already. When this returns, it is no longer in the queue.
    fn park(&self, waiter: &Waiter, deadline: Option<Instant>) -> Ended {
        let section = Section::enter();
        let waiters = self.waiters.lock();
        if waiter.is_granted() {
            return Ended::Woken;
        }
        waiter.note().set(true);
        let Some(claim) = waiter.claim_if(&section, deadline.is_some()) else {
            section.park_unlocking(Reason::Condvar, waiters);
            return Ended::Woken;
        };
        let ended = section.park_unlocking_until(Reason::Condvar, deadline, claim, waiters);
        if ended != Ended::Woken {
            let _section = Section::enter();
            // SAFETY: it has been in this queue only.
            unsafe { self.waiters.lock().remove(waiter) };
        }
        ended
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread that has queued itself and not parked yet gets the signal, and does not park.
    #[test]
    fn a_signal_before_the_park_is_kept() {
        for notify in [Condvar::notify_one, Condvar::notify_all] {
            let condvar = Condvar::new();
            let waiter = Waiter::with(&Section::enter(), Parked::new(false));
            // SAFETY: the node outlives its time in the queue.
            unsafe { condvar.waiters.lock().push_back(&waiter) };
            notify(&condvar);
            assert!(condvar.waiters.lock().is_empty());
            condvar.park(&waiter, Some(Instant::now() + Duration::from_millis(10)));
            assert!(waiter.is_granted());
        }
    }
}
