//! A lock that its holder may take again: what an output stream has, since whoever holds it may call what prints.
//!
//! A mutex, and beside it a note of who holds it and how often. The mutex's guard is in the note too, so that handles may be dropped in any order.

use std::sync::PoisonError;

use sward_sched::{Section, Sleeper, SpinLock};

use crate::sync::{Mutex, MutexGuard};

pub(super) struct ReentrantLock {
    mutex: Mutex<()>,
    held: SpinLock<Option<Held>>,
}

struct Held {
    holder: Sleeper,
    /// How many handles the holder has.
    times: usize,
    guard: Guard,
}

struct Guard {
    _guard: MutexGuard<'static, ()>,
}

// SAFETY: it is put into the note, and taken out, by the one thread that holds the mutex.
unsafe impl Send for Guard {}

/// One of the holder's handles.
pub(super) struct ReentrantGuard(&'static ReentrantLock);

impl ReentrantLock {
    pub(super) const fn new() -> ReentrantLock {
        ReentrantLock { mutex: Mutex::new(()), held: SpinLock::new(None) }
    }

    pub(super) fn lock(&'static self) -> ReentrantGuard {
        if !self.lock_again() {
            let guard = Guard { _guard: self.mutex.lock().unwrap_or_else(PoisonError::into_inner) };
            let section = Section::enter();
            *self.held.lock() = Some(Held { holder: Sleeper::current(&section), times: 1, guard });
        }
        ReentrantGuard(self)
    }

    fn lock_again(&self) -> bool {
        let section = Section::enter();
        match &mut *self.held.lock() {
            Some(held) if held.holder == Sleeper::current(&section) => {
                held.times += 1;
                true
            }
            _ => false,
        }
    }

    fn unlock(&self) {
        let section = Section::enter();
        let last = {
            let mut held = self.held.lock();
            if let Some(held) = &mut *held {
                held.times -= 1;
            }
            held.take_if(|held| held.times == 0)
        };
        drop(section);
        drop(last.map(|held| held.guard));
    }
}

impl Drop for ReentrantGuard {
    fn drop(&mut self) {
        self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::thread;

    #[sward::test]
    fn it_is_taken_again_and_left_in_any_order() {
        static LOCK: ReentrantLock = ReentrantLock::new();
        static STEP: AtomicUsize = AtomicUsize::new(0);
        let first = LOCK.lock();
        let second = LOCK.lock();
        let other = thread::spawn(|| {
            let _guard = LOCK.lock();
            assert_eq!(STEP.load(Ordering::Acquire), 2);
        });
        STEP.store(1, Ordering::Release);
        drop(first);
        thread::yield_now();
        STEP.store(2, Ordering::Release);
        drop(second);
        other.join().unwrap();
        assert!(LOCK.held.lock().is_none());
    }

    /// Green threads and an OS thread, each in and out, and in twice.
    #[sward::test]
    fn it_excludes() {
        static LOCK: ReentrantLock = ReentrantLock::new();
        static INSIDE: AtomicUsize = AtomicUsize::new(0);
        fn visits() {
            for _ in 0..500 {
                let _outer = LOCK.lock();
                assert_eq!(INSIDE.fetch_add(1, Ordering::Relaxed), 0);
                let inner = LOCK.lock();
                thread::yield_now();
                drop(inner);
                assert_eq!(INSIDE.fetch_sub(1, Ordering::Relaxed), 1);
            }
        }
        let os_thread = std::thread::spawn(visits);
        thread::scope(|s| (0..4).for_each(|_| drop(s.spawn(visits))));
        sward::unblock(|| os_thread.join().unwrap());
    }
}
