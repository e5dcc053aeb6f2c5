//! Waiting for a group of threads to get somewhere: crossbeam's `WaitGroup`.
//!
//! The count of handles is an atomic word, so that cloning and dropping one takes no lock. The drop that takes it to 0 locks the queue
//! and wakes all that is in it. A waiter looks at the count under the same lock: it has either queued itself before, or sees the 0.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward_sched::race;
use sward_sched::{Ended, Interrupted, Reason, Section, SpinLock};

use super::waiters::{Waiter, Waiters};

/// Lets threads wait until all others of a group are done.
///
/// A thread is done when it drops its handle, or waits itself.
///
/// ```
/// # sward::run(|| {
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use sward::sync::{Arc, WaitGroup};
///
/// let done = Arc::new(AtomicU32::new(0));
/// let group = WaitGroup::new();
/// for _ in 0..4 {
///     let (done, group) = (done.clone(), group.clone());
///     sward::spawn(move || {
///         done.fetch_add(1, Ordering::Relaxed);
///         drop(group);
///     });
/// }
/// group.wait();
/// assert_eq!(done.load(Ordering::Relaxed), 4);
/// # });
/// ```
pub struct WaitGroup {
    inner: Arc<Inner>,
}

struct Inner {
    handles: AtomicUsize,
    waiters: SpinLock<Waiters>,
}

impl WaitGroup {
    /// Makes a group of one handle.
    pub fn new() -> WaitGroup {
        WaitGroup { inner: Arc::new(Inner { handles: AtomicUsize::new(1), waiters: SpinLock::new(Waiters::new()) }) }
    }

    /// Drops this handle, and waits until all others are dropped.
    pub fn wait(self) {
        let inner = self.inner.clone();
        drop(self);
        inner.wait();
        race::hook(|race| race.acquire(&raw const *inner));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        race::hook(|race| race.forget(self, size_of::<Inner>()));
    }
}

impl Inner {
    fn is_done(&self) -> bool {
        // Acquire pairs with the release of each drop: what the threads of the group did before is seen.
        self.handles.load(Ordering::Acquire) == 0
    }

    fn wait(&self) {
        if self.is_done() {
            return;
        }
        let section = Section::enter();
        let mut waiters = self.waiters.lock();
        if self.is_done() {
            return;
        }
        let waiter = Waiter::current(&section);
        // SAFETY: the node stays here until `park` returns, which is when it has been woken; or if it has not, until it is removed.
        unsafe { waiters.push_back(&waiter) };
        let Some(claim) = waiter.claim_if(&section, false) else {
            return section.park_unlocking(Reason::WaitGroup, waiters);
        };
        if section.park_unlocking_until(Reason::WaitGroup, None, claim, waiters) == Ended::Interrupted {
            let section = Section::enter();
            // SAFETY: it has been in this queue only.
            unsafe { self.waiters.lock().remove(&waiter) };
            drop(section);
            Interrupted::unwind();
        }
    }
}

impl Drop for WaitGroup {
    fn drop(&mut self) {
        race::hook(|race| race.release(&raw const *self.inner));
        // AcqRel: release for who waits; acquire so that the last one hands on what all before it have released.
        if self.inner.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            let section = Section::enter();
            let all = self.inner.waiters.lock().pop_all();
            all.grant(&section);
        }
    }
}

impl Clone for WaitGroup {
    fn clone(&self) -> WaitGroup {
        // Relaxed: the count cannot be 0, as this handle is counted.
        self.inner.handles.fetch_add(1, Ordering::Relaxed);
        WaitGroup { inner: self.inner.clone() }
    }
}

impl Default for WaitGroup {
    fn default() -> WaitGroup {
        WaitGroup::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a number to look at.
        f.debug_struct("WaitGroup").field("count", &self.inner.handles.load(Ordering::Relaxed)).finish()
    }
}

// As crossbeam's: no panic of the user's can leave it half changed.
impl UnwindSafe for WaitGroup {}
impl RefUnwindSafe for WaitGroup {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::thread;

    #[sward::test]
    fn waits_for_all_others() {
        let group = WaitGroup::new();
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let (group, done) = (group.clone(), done.clone());
            crate::spawn(move || {
                thread::yield_now();
                done.fetch_add(1, Ordering::Relaxed);
                drop(group);
            });
        }
        group.wait();
        assert_eq!(done.load(Ordering::Relaxed), 100);
    }

    #[sward::test]
    fn alone_it_does_not_wait() {
        WaitGroup::new().wait();
        WaitGroup::default().wait();
    }

    #[sward::test]
    fn all_may_wait_for_each_other() {
        let group = WaitGroup::new();
        let arrived = AtomicUsize::new(0);
        thread::scope(|s| {
            for _ in 0..20 {
                let group = group.clone();
                s.spawn(|| {
                    arrived.fetch_add(1, Ordering::Relaxed);
                    group.wait();
                    assert_eq!(arrived.load(Ordering::Relaxed), 20);
                });
            }
            drop(group);
        });
    }

    #[sward::test]
    fn a_handle_that_waits_is_dropped() {
        let group = WaitGroup::new();
        let other = group.clone();
        assert_eq!(format!("{group:?}"), "WaitGroup { count: 2 }");
        let waits = crate::spawn(move || other.wait());
        while group.inner.handles.load(Ordering::Relaxed) > 1 {
            thread::yield_now();
        }
        assert!(!waits.is_finished());
        drop(group);
        waits.join().unwrap();
    }

    #[sward::test]
    fn a_panic_drops_the_handle() {
        let group = WaitGroup::new();
        let other = group.clone();
        let panics = crate::spawn(move || {
            let _other = other;
            panic!("on purpose");
        });
        group.wait();
        assert!(panics.join().is_err());
    }

    #[test]
    fn os_threads_and_green_threads_wait_for_each_other() {
        let group = WaitGroup::new();
        let done = AtomicBool::new(false);
        std::thread::scope(|s| {
            let other = group.clone();
            s.spawn(|| {
                done.store(true, Ordering::Relaxed);
                other.wait();
            });
            crate::run(|| group.wait());
        });
        assert!(done.into_inner());
    }
}
