//! Barriers: all that is shared is under one lock. The last thread to arrive begins the next round and wakes the others.
//!
//! For race detectors, there are two objects: by `round`, the last one learns what all others have done, which by `size` they learn from it. With a
//! single one, a thread that is slow to leave would seem to know what others have done since.

use std::fmt;

use sward_sched::{Reason, Section, SpinLock, race};

use super::waiters::{Waiter, Waiters};

/// Lets a number of threads wait for each other, again and again.
///
/// ```
/// # sward::run(|| {
/// use sward::sync::{Arc, Barrier};
///
/// let n = 10;
/// let barrier = Arc::new(Barrier::new(n));
/// let threads: Vec<_> = (0..n)
///     .map(|_| {
///         let barrier = barrier.clone();
///         sward::spawn(move || barrier.wait().is_leader()) // Nobody gets past here before all are there.
///     })
///     .collect();
/// let leaders = threads.into_iter().filter_map(|thread| thread.join().unwrap().then_some(())).count();
/// assert_eq!(leaders, 1);
/// # });
/// ```
pub struct Barrier {
    size: usize,
    round: SpinLock<Round>,
}

struct Round {
    arrived: usize,
    waiters: Waiters,
}

/// What [`Barrier::wait`] returns.
pub struct BarrierWaitResult(bool);

impl Barrier {
    /// Makes a barrier for `n` threads. 0 is as good as 1: nobody waits.
    ///
    /// ```
    /// static BARRIER: sward::sync::Barrier = sward::sync::Barrier::new(2);
    /// ```
    #[must_use]
    pub const fn new(n: usize) -> Barrier {
        Barrier { size: n, round: SpinLock::new(Round { arrived: 0, waiters: Waiters::new() }) }
    }

    /// Waits until as many threads wait as the barrier is for. The last one to arrive is the leader of the round.
    pub fn wait(&self) -> BarrierWaitResult {
        let section = Section::enter();
        let mut round = self.round.lock();
        round.arrived += 1;
        race::hook_in(&section, |race| race.release(&raw const self.round));
        if round.arrived < self.size {
            let waiter = Waiter::current(&section);
            // SAFETY: the node stays here until `park` returns, which is when it has been woken.
            unsafe { round.waiters.push_back(&waiter) };
            section.park_unlocking(Reason::Barrier, round);
            race::hook(|race| race.acquire(&raw const self.size));
            return BarrierWaitResult(false);
        }
        round.arrived = 0;
        race::hook_in(&section, |race| {
            race.acquire(&raw const self.round);
            race.forget(&raw const self.round, 1);
            race.release_store(&raw const self.size);
        });
        let others = round.waiters.pop_all();
        drop(round);
        others.grant(&section);
        BarrierWaitResult(true)
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").finish_non_exhaustive()
    }
}

impl BarrierWaitResult {
    /// Whether this thread is the leader of its round, of which each has one.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl fmt::Debug for BarrierWaitResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWaitResult").field("is_leader", &self.is_leader()).finish()
    }
}
