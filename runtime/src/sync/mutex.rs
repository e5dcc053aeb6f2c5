//! Mutual exclusion, with std's signatures and std's poisoning. How the lock works is in [`raw_mutex`](super::raw_mutex); here is what it protects.

#[cfg(test)]
mod tests;

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::Ordering;
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
use std::thread;

use sward_sched::{Reason, race};

use super::raw_mutex::RawMutex;

/// A lock around a value of which one thread at a time may make use.
///
/// As [`std::sync::Mutex`], but a green thread that waits for it costs no OS thread, and none waits much longer than others: after a
/// millisecond a waiter is next, whoever else comes. It may be held across any wait.
///
/// ```
/// # sward::run(|| {
/// use sward::sync::{Arc, Mutex};
///
/// let sum = Arc::new(Mutex::new(0));
/// let threads = (1..=4).map(|n| {
///     let sum = sum.clone();
///     sward::spawn(move || *sum.lock().unwrap() += n)
/// });
/// threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
/// assert_eq!(*sum.lock().unwrap(), 10);
/// # });
/// ```
pub struct Mutex<T: ?Sized> {
    raw: RawMutex,
    value: UnsafeCell<T>,
}

// SAFETY: the lock gives the value to one thread at a time, so sharing the lock is sending the value around.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
// SAFETY: moving the lock moves the value.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// A panic under the lock poisons it.
impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

impl<T> Mutex<T> {
    /// Makes an unlocked mutex around `value`.
    #[inline]
    pub const fn new(value: T) -> Mutex<T> {
        Mutex { raw: RawMutex::new(), value: UnsafeCell::new(value) }
    }

    /// Takes the value out.
    ///
    /// # Errors
    /// If the mutex is poisoned; the value is in the error.
    pub fn into_inner(self) -> LockResult<T> {
        let poisoned = self.is_poisoned();
        let value = self.value.into_inner();
        if poisoned { Err(PoisonError::new(value)) } else { Ok(value) }
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Locks, waiting if need be.
    ///
    /// # Errors
    /// If the mutex is poisoned: a thread panicked while it held the lock. It is locked all the same; the guard is in the error.
    ///
    /// # Panics
    /// If the caller holds this lock already, with a message that names the thread. (Not if it took the lock inside
    /// [`unblock`](crate::unblock): then it waits for ever.)
    ///
    /// ```
    /// use sward::sync::Mutex;
    ///
    /// let mutex = Mutex::new(1);
    /// *mutex.lock().unwrap() += 1;
    /// assert_eq!(*mutex.lock().unwrap(), 2);
    /// ```
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        self.raw.lock(Reason::Mutex);
        MutexGuard::new(self)
    }

    /// Locks if that needs no waiting.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if somebody holds the lock; [`TryLockError::Poisoned`] as for [`lock`](Self::lock).
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        if self.raw.try_lock() { Ok(MutexGuard::new(self)?) } else { Err(TryLockError::WouldBlock) }
    }

    /// Whether a thread has panicked while it held the lock.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.raw.poisoned.load(Ordering::Relaxed)
    }

    /// Declares the value sound again.
    pub fn clear_poison(&self) {
        self.raw.poisoned.store(false, Ordering::Relaxed);
    }

    /// The value, without locking: the exclusive borrow shows that nobody else is there.
    ///
    /// # Errors
    /// If the mutex is poisoned; the reference is in the error.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let poisoned = self.is_poisoned();
        let value = self.value.get_mut();
        if poisoned { Err(PoisonError::new(value)) } else { Ok(value) }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => f.field("data", &&*guard),
            Err(TryLockError::Poisoned(error)) => f.field("data", &&**error.get_ref()),
            Err(TryLockError::WouldBlock) => f.field("data", &format_args!("<locked>")),
        };
        f.field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}

/// Access to the value of a [`Mutex`]; unlocks when dropped.
#[must_use = "the mutex is unlocked at once if the guard is not used"]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    /// Whether the thread was panicking already when it locked: then its panic is not about this value.
    was_panicking: bool,
    /// Not `Send`, as std's is not.
    not_send: PhantomData<*mut ()>,
}

// SAFETY: a shared guard gives out shared references to the value.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// The guard of a caller that has just locked.
    #[inline]
    fn new(mutex: &'a Mutex<T>) -> LockResult<MutexGuard<'a, T>> {
        race::hook(|race| race.acquire(&raw const mutex.raw));
        let guard = MutexGuard { mutex, was_panicking: thread::panicking(), not_send: PhantomData };
        guard.checked()
    }

    /// The guard of a caller that has locked.
    #[inline]
    pub(super) fn checked(self) -> LockResult<MutexGuard<'a, T>> {
        if self.mutex.is_poisoned() { Err(PoisonError::new(self)) } else { Ok(self) }
    }

    /// The lock.
    pub(super) fn raw(&self) -> &'a RawMutex {
        &self.mutex.raw
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard exists, so it holds the lock.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard exists, so it holds the lock, and the guard is borrowed exclusively.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if !self.was_panicking && thread::panicking() {
            self.mutex.raw.poisoned.store(true, Ordering::Relaxed);
        }
        race::hook(|race| race.release(&raw const self.mutex.raw));
        // SAFETY: the guard held the lock, and is gone.
        unsafe { self.mutex.raw.unlock() };
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
