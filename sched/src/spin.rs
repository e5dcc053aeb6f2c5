//! A lock for critical sections of a few dozen instructions, usable from green threads, from scheduler code and from plain
//! OS threads alike.
//!
//! Nobody sleeps while holding one, so it does not know about green threads: a waiter spins, then gives its core away to the
//! kernel, and in the end sleeps in short naps, so that even a real-time thread lets a preempted holder finish. What it buys
//! over a futex mutex is the unlock: a plain store, where a mutex needs an atomic swap to learn of sleepers. A channel
//! operation is one lock and one unlock; the swap would be a fifth of it.
//!
//! A green thread must hold a [`Section`](crate::Section) before it locks one: else a hog hand-off could leave the lock with a
//! G that has to queue for a P before it can unlock.

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A mutual exclusion lock that spins.
#[derive(Default)]
pub struct SpinLock<T> {
    locked: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the lock hands out the value to one thread at a time, so sharing the lock is sending the value around.
unsafe impl<T: Send> Sync for SpinLock<T> {}
// SAFETY: moving the lock moves the value.
unsafe impl<T: Send> Send for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// Makes an unlocked lock around `value`.
    pub const fn new(value: T) -> Self {
        SpinLock { locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Locks, waiting if need be.
    #[inline]
    pub fn lock(&self) -> SpinGuard<'_, T> {
        // Acquire pairs with the release store of `unlock`: what the last holder wrote is seen.
        if self.locked.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.lock_contended();
        }
        SpinGuard { lock: self }
    }

    /// Locks if that needs no waiting.
    #[inline]
    pub fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        // Acquire as in `lock`.
        let is_free = self.locked.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok();
        // Not made without the lock: dropping it would unlock.
        is_free.then(|| SpinGuard { lock: self })
    }

    #[cold]
    #[inline(never)]
    fn lock_contended(&self) {
        let mut round = 0u32;
        loop {
            // Look before the swap: a failed swap steals the holder's cache line.
            if !self.locked.load(Ordering::Relaxed)
                // Acquire as in `lock`.
                && self.locked.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return;
            }
            match round {
                0..8 => (0..1u32 << round).for_each(|_| std::hint::spin_loop()),
                8..64 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(50)),
            }
            round = round.saturating_add(1);
        }
    }

    /// Unlocks a lock whose guard was given up by [`SpinGuard::leak`].
    ///
    /// # Safety
    /// The lock is held, and whoever holds it will not touch the value any more.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        // Release pairs with the acquire of the next `lock`.
        self.locked.store(false, Ordering::Release);
    }

    /// Where the lock is: what [`Held::address`] tells of it.
    #[inline]
    pub fn address(&self) -> usize {
        ptr::from_ref(&self.locked).addr()
    }

    /// The value, without locking: the exclusive borrow shows that nobody else is there.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T> fmt::Debug for SpinLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpinLock").field("locked", &self.locked).finish_non_exhaustive()
    }
}

/// Access to the value of a [`SpinLock`]; unlocks when dropped.
#[must_use]
pub struct SpinGuard<'a, T> {
    lock: &'a SpinLock<T>,
}

impl<'a, T> SpinGuard<'a, T> {
    /// Gives the guard up and leaves the lock locked, to be unlocked by [`SpinLock::unlock`]: how a parking green thread hands
    /// its lock to the commit that runs after it has left its stack.
    pub(crate) fn leak(self) -> &'a SpinLock<T> {
        let lock = self.lock;
        std::mem::forget(self);
        lock
    }
}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard exists, so this thread holds the lock.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard exists, so this thread holds the lock, and the guard is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

/// A [`SpinLock`] that is held, whatever it protects; unlocks it when dropped. For who holds several, of different types.
#[must_use]
pub struct Held<'a> {
    locked: &'a AtomicBool,
}

impl<'a, T> From<SpinGuard<'a, T>> for Held<'a> {
    #[inline]
    fn from(guard: SpinGuard<'a, T>) -> Held<'a> {
        Held { locked: &guard.leak().locked }
    }
}

impl Held<'_> {
    /// Where the lock is: the address of the [`SpinLock`]'s own word, by which locks can be told apart and put in order.
    #[inline]
    pub fn address(&self) -> usize {
        ptr::from_ref(self.locked).addr()
    }

    /// The value that `lock` protects.
    ///
    /// # Panics
    /// If this holds another lock.
    #[inline]
    pub fn value<'g, T>(&'g mut self, lock: &'g SpinLock<T>) -> &'g mut T {
        assert!(ptr::eq(self.locked, &lock.locked), "the lock that is held is another one");
        // SAFETY: this thread holds the lock, and what holds it is borrowed exclusively.
        unsafe { &mut *lock.value.get() }
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release as in `unlock`.
        self.locked.store(false, Ordering::Release);
    }
}

impl<T> Drop for SpinGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the guard held the lock and is gone.
        unsafe { self.lock.unlock() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excludes() {
        static LOCK: SpinLock<u64> = SpinLock::new(0);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| (0..10_000).for_each(|_| *LOCK.lock() += 1));
            }
        });
        assert_eq!(*LOCK.lock(), 40_000);
    }

    #[test]
    fn trying_leaves_a_held_lock_alone() {
        let lock = SpinLock::new(7);
        let guard = lock.lock();
        assert!(lock.try_lock().is_none());
        assert!(lock.try_lock().is_none(), "the first attempt has unlocked it");
        drop(guard);
        assert!(lock.try_lock().is_some());
    }

    #[test]
    fn locks_of_different_types_are_held_together() {
        let (number, name) = (SpinLock::new(7), SpinLock::new("seven"));
        let mut held: [Held; 2] = [number.lock().into(), name.lock().into()];
        assert!(number.try_lock().is_none() && name.try_lock().is_none());
        assert_eq!(held[0].address(), number.address());
        *held[0].value(&number) += 1;
        *held[1].value(&name) = "eight";
        drop(held);
        assert_eq!((*number.lock(), *name.lock()), (8, "eight"));
    }

    #[test]
    #[should_panic(expected = "another one")]
    fn a_lock_gives_access_to_its_own_value_only() {
        let (one, other) = (SpinLock::new(1), SpinLock::new(2));
        *Held::from(one.lock()).value(&other) = 3;
    }

    #[test]
    fn a_leaked_guard_keeps_the_lock() {
        let lock = SpinLock::new(7);
        let leaked = lock.lock().leak();
        assert!(lock.try_lock().is_none());
        // SAFETY: leaked just above by this thread.
        unsafe { leaked.unlock() };
        assert_eq!(*lock.lock(), 7);
    }
}
