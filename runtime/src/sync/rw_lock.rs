//! Many readers or one writer, with std's signatures and std's poisoning. How the lock works is in [`raw`]; here is what it protects.

mod guards;
mod raw;

use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

pub use guards::{RwLockReadGuard, RwLockWriteGuard};

use raw::RawRwLock;

/// A lock around a value that many threads at a time may read, or one may change.
///
/// As [`std::sync::RwLock`], but a green thread that waits for it costs no OS thread, and the order is a promise, Go's: a writer that
/// waits keeps new readers out, and readers that wait when a writer unlocks go before the next writer. So nobody waits for ever.
///
/// A thread that has it locked for reading must not lock it for reading again: if a writer comes in between, both wait for ever.
///
/// ```
/// # sward::run(|| {
/// use sward::sync::RwLock;
///
/// let lock = RwLock::new(5);
/// {
///     let r1 = lock.read().unwrap();
///     let r2 = lock.try_read().unwrap();
///     assert_eq!(*r1 + *r2, 10);
/// }
/// let mut w = lock.write().unwrap();
/// *w += 1;
/// assert_eq!(*w, 6);
/// # });
/// ```
pub struct RwLock<T: ?Sized> {
    raw: RawRwLock,
    value: UnsafeCell<T>,
}

// SAFETY: the lock gives the value to one writer at a time, which may be any thread, or to many readers.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}
// SAFETY: moving the lock moves the value.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// A panic of a writer poisons it.
impl<T: ?Sized> UnwindSafe for RwLock<T> {}
impl<T: ?Sized> RefUnwindSafe for RwLock<T> {}

impl<T> RwLock<T> {
    /// Makes an unlocked lock around `value`.
    ///
    /// ```
    /// static LOCK: sward::sync::RwLock<Vec<u8>> = sward::sync::RwLock::new(Vec::new());
    /// ```
    #[inline]
    pub const fn new(value: T) -> RwLock<T> {
        RwLock { raw: RawRwLock::new(), value: UnsafeCell::new(value) }
    }

    /// Takes the value out.
    ///
    /// # Errors
    /// If the lock is poisoned; the value is in the error.
    ///
    /// ```
    /// # use sward::sync::RwLock;
    /// let lock = RwLock::new(String::new());
    /// lock.write().unwrap().push_str("modified");
    /// assert_eq!(lock.into_inner().unwrap(), "modified");
    /// ```
    pub fn into_inner(self) -> LockResult<T> {
        let poisoned = self.is_poisoned();
        checked(self.value.into_inner(), poisoned)
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Locks for reading, waiting while a writer has the lock or waits for it.
    ///
    /// # Errors
    /// If the lock is poisoned: a thread panicked while it had it locked for writing. It is locked all the same; the guard is in the error.
    ///
    /// # Panics
    /// If the caller has locked it for writing, with a message that names the thread; and when there are 2³⁰ readers.
    ///
    /// ```
    /// # sward::run(|| {
    /// use sward::sync::{Arc, RwLock};
    ///
    /// let lock = Arc::new(RwLock::new(1));
    /// let c_lock = Arc::clone(&lock);
    /// let n = lock.read().unwrap();
    /// assert_eq!(*n, 1);
    /// sward::spawn(move || assert!(c_lock.read().is_ok())).join().unwrap();
    /// # });
    /// ```
    #[inline]
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        self.raw.read();
        checked(RwLockReadGuard::new(self), self.is_poisoned())
    }

    /// Locks for reading if that needs no waiting.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if a writer has the lock or waits for it; [`TryLockError::Poisoned`] as for [`read`](Self::read).
    ///
    /// ```
    /// # use sward::sync::RwLock;
    /// let lock = RwLock::new(1);
    /// assert_eq!(*lock.try_read().unwrap(), 1);
    /// ```
    #[inline]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        if !self.raw.try_read() {
            return Err(TryLockError::WouldBlock);
        }
        Ok(checked(RwLockReadGuard::new(self), self.is_poisoned())?)
    }

    /// Locks for writing, waiting while anybody else has the lock.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    ///
    /// # Panics
    /// If the caller has locked it for writing, with a message that names the thread.
    ///
    /// ```
    /// # use sward::sync::RwLock;
    /// let lock = RwLock::new(1);
    /// let mut n = lock.write().unwrap();
    /// *n = 2;
    /// assert!(lock.try_read().is_err());
    /// ```
    #[inline]
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.raw.write();
        checked(RwLockWriteGuard::new(self), self.is_poisoned())
    }

    /// Locks for writing if that needs no waiting.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if anybody has the lock; [`TryLockError::Poisoned`] as for [`read`](Self::read).
    ///
    /// ```
    /// # use sward::sync::RwLock;
    /// let lock = RwLock::new(1);
    /// let n = lock.read().unwrap();
    /// assert_eq!(*n, 1);
    /// assert!(lock.try_write().is_err());
    /// ```
    #[inline]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        if !self.raw.try_write() {
            return Err(TryLockError::WouldBlock);
        }
        Ok(checked(RwLockWriteGuard::new(self), self.is_poisoned())?)
    }

    /// Whether a thread has panicked while it had the lock for writing.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.raw.is_poisoned()
    }

    /// Declares the value sound again.
    ///
    /// ```
    /// # sward::run(|| {
    /// use sward::sync::{Arc, RwLock};
    ///
    /// let lock = Arc::new(RwLock::new(0));
    /// let c_lock = Arc::clone(&lock);
    /// let _ = sward::spawn(move || {
    ///     let _lock = c_lock.write().unwrap();
    ///     panic!(); // the lock gets poisoned
    /// })
    /// .join();
    ///
    /// assert!(lock.is_poisoned());
    /// let guard = lock.write().unwrap_or_else(|mut e| {
    ///     **e.get_mut() = 1;
    ///     lock.clear_poison();
    ///     e.into_inner()
    /// });
    /// assert!(!lock.is_poisoned());
    /// assert_eq!(*guard, 1);
    /// # });
    /// ```
    pub fn clear_poison(&self) {
        self.raw.set_poisoned(false);
    }

    /// The value, without locking: the exclusive borrow shows that nobody else is there.
    ///
    /// # Errors
    /// If the lock is poisoned; the reference is in the error.
    ///
    /// ```
    /// # use sward::sync::RwLock;
    /// let mut lock = RwLock::new(0);
    /// *lock.get_mut().unwrap() = 10;
    /// assert_eq!(*lock.read().unwrap(), 10);
    /// ```
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let poisoned = self.is_poisoned();
        checked(self.value.get_mut(), poisoned)
    }
}

/// What to give out of a lock that is poisoned or not.
#[inline]
fn checked<G>(what: G, poisoned: bool) -> LockResult<G> {
    if poisoned { Err(PoisonError::new(what)) } else { Ok(what) }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => f.field("data", &&*guard),
            Err(TryLockError::Poisoned(error)) => f.field("data", &&**error.get_ref()),
            Err(TryLockError::WouldBlock) => f.field("data", &format_args!("<locked>")),
        };
        f.field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}
