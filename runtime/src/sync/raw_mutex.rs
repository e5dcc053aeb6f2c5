//! The lock itself: Go's `sync.Mutex`, which is fast as long as nobody suffers from it.
//!
//! A word says whether the lock is held. Taking it is one atomic operation, leaving it one more, and neither knows of green threads,
//! sections or clocks. Who finds it held spins for a moment, if others may run meanwhile, and then queues itself and parks.
//!
//! # Two modes
//! **Normal.** Unlocking makes the lock free and wakes the first of the queue, which then competes with whoever comes along. Those that are
//! running already mostly win, and that is the point: a running thread may take and leave the lock a thousand times in its slice,
//! where handing it on each time would cost a switch each time. A waiter that loses goes back to the head of the queue.
//!
//! **Starving.** A woken waiter that has waited for over [`PATIENCE`] and loses puts the lock into this mode. Now unlocking hands the lock to
//! the first of the queue, without making it free in between; nobody spins, and who comes along queues. The mode ends with a waiter
//! that gets the lock and has not waited so long, or is the last one. So nobody waits for ever, and the price, a switch for each turn, is paid
//! only while somebody would.
//!
//! # The word
//! - `LOCKED`: somebody holds the lock, or is about to be woken with it.
//! - `WAITERS`: the queue is not empty. Changes under the queue's lock only.
//! - `WOKEN`: one thread is wide awake and after the lock, a waiter that was woken or one that spins, so unlocking need not wake
//!   another. It belongs to that thread, which takes it back when it has the lock or goes to sleep.
//! - `STARVING`: the mode. Implies `WAITERS`, and `LOCKED`: in this mode the lock is never free.
//!
//! A second word, the [`Holder`], says who holds the lock. It is for people only, and costs two stores a turn.
//!
//! Why nobody sleeps for ever: a waiter sets `WAITERS`, and takes its `WOKEN` back, by a CAS on a word with `LOCKED` in it, so whoever
//! holds the lock then will see both when it unlocks; and from then until the queue's lock is free, the waker waits for it.
//!
//! # Rejected
//! *Queues in a global table by address*, as Go, futexes and parking_lot have them: the lock is 8 bytes instead of 32, but unrelated
//! ones share the queue of a bucket, and each wake is a search. *Always handing off*: see above. *No spinning*: a critical section of some
//! instructions is over before a thread has parked. *A CAS from 0 as the fast path*: it fails when somebody waits, so that the thread that
//! is doing most of the work pays for two atomic operations instead of one; a contended lock took up to twice as long.

use std::hint;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sward_sched::{Holder, Reason, Section, SpinLock, yield_now};

use super::waiters::{Waiter, Waiters, Woken};

const LOCKED: u32 = 1;
const WAITERS: u32 = 2;
const WOKEN: u32 = 4;
const STARVING: u32 = 8;

/// How long a waiter puts up with others that come later and get the lock.
const PATIENCE: Duration = Duration::from_millis(1);
/// How often one that finds the lock held looks again before it sleeps.
const SPINS: u32 = 4;
/// How long it pauses between two looks, in turns of the processor's spin hint.
const PAUSES: u32 = 30;

/// A lock around nothing. See the [module](self).
pub(super) struct RawMutex {
    word: AtomicU32,
    /// The flag of [`Mutex`](super::Mutex) and [`RwLock`](super::RwLock), here since there is room beside the word.
    ///
    /// Relaxed in all uses: it belongs to who holds the lock, and to all others it is a hint.
    pub(super) poisoned: AtomicBool,
    waiters: SpinLock<Waiters>,
    holder: Holder,
}

impl RawMutex {
    pub(super) const fn new() -> RawMutex {
        RawMutex {
            word: AtomicU32::new(0),
            poisoned: AtomicBool::new(false),
            waiters: SpinLock::new(Waiters::new()),
            holder: Holder::nobody(),
        }
    }

    /// Locks if the lock is free.
    #[inline]
    pub(super) fn try_lock(&self) -> bool {
        // Acquire pairs with the release of `unlock`.
        let locked = self.word.fetch_or(LOCKED, Ordering::Acquire) & LOCKED == 0;
        if locked {
            self.holder.set();
        }
        locked
    }

    /// Locks, waiting if need be, for this reason.
    ///
    /// # Panics
    /// If the caller holds the lock.
    #[inline]
    #[track_caller]
    pub(super) fn lock(&self, reason: Reason) {
        if !self.try_lock() {
            self.lock_contended(reason);
            self.holder.set();
        }
    }

    #[cfg(test)]
    pub(super) fn has_waiters(&self) -> bool {
        self.word.load(Ordering::Relaxed) & WAITERS != 0
    }

    /// Who holds the lock.
    pub(super) fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Unlocks. In starving mode, lets the next holder run at once.
    ///
    /// # Safety
    /// The caller holds the lock.
    #[inline]
    pub(super) unsafe fn unlock(&self) {
        self.holder.clear();
        // Release pairs with the acquire of `try_lock` and `lock_contended`. Relaxed on failure: looked at again.
        if self.word.compare_exchange(LOCKED, 0, Ordering::Release, Ordering::Relaxed).is_err() {
            self.unlock_contended();
        }
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn lock_contended(&self, reason: Reason) {
        // Who holds the lock itself finds itself here: see `Holder`. So one look is enough.
        self.holder.check_not_caller(match reason {
            Reason::RwLockWrite => "locks an RwLock for writing that it has locked for writing already",
            _ => "locks a mutex that it has locked already",
        });
        let mut waits_since = None;
        // The bit `WOKEN` as long as this thread is the one that it speaks of.
        let mut woken = 0;
        let mut spins = if spinning_pays() { SPINS } else { 0 };
        loop {
            // Relaxed: the CASs below tell whether it is still so.
            let word = self.word.load(Ordering::Relaxed);
            if word & LOCKED == 0 {
                // Acquire as in `try_lock`.
                let locked = (word | LOCKED) & !woken;
                if self.word.compare_exchange_weak(word, locked, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    return;
                }
            } else if spins > 0 && word & STARVING == 0 {
                spins -= 1;
                // Relaxed: says nothing of other memory.
                if word & (WAITERS | WOKEN) == WAITERS
                    && self.word.compare_exchange(word, word | WOKEN, Ordering::Relaxed, Ordering::Relaxed).is_ok()
                {
                    woken = WOKEN;
                }
                (0..PAUSES).for_each(|_| hint::spin_loop());
            } else {
                match self.wait(word, woken, &mut waits_since, reason) {
                    Wait::NotBegun => {}
                    Wait::Woken => woken = WOKEN,
                    Wait::Granted => return,
                }
            }
        }
    }

    /// Waits in the queue, if the word is still `word`, which has `LOCKED` in it.
    fn wait(&self, word: u32, woken: u32, waits_since: &mut Option<Instant>, reason: Reason) -> Wait {
        let starves = waits_since.is_some_and(|since| since.elapsed() > PATIENCE);
        let section = Section::enter();
        let mut waiters = self.waiters.lock();
        let waiting = (word | WAITERS | if starves { STARVING } else { 0 }) & !woken;
        // Relaxed: who sees `WAITERS` then takes the queue's lock, which orders the rest.
        if self.word.compare_exchange(word, waiting, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return Wait::NotBegun;
        }
        let waiter = Waiter::current(&section);
        // SAFETY: the node stays here until `park` returns, which is when it has been woken.
        unsafe {
            if waits_since.is_some() {
                waiters.push_front(&waiter);
            } else {
                waiters.push_back(&waiter);
            }
        }
        let since = *waits_since.get_or_insert_with(Instant::now);
        section.park_unlocking_behind(reason, &self.holder, waiters);
        if !waiter.is_granted() {
            return Wait::Woken;
        }
        if since.elapsed() <= PATIENCE {
            // Relaxed: says nothing of other memory.
            self.word.fetch_and(!STARVING, Ordering::Relaxed);
        }
        Wait::Granted
    }

    #[cold]
    #[inline(never)]
    fn unlock_contended(&self) {
        // Relaxed: the CAS below tells whether it is still so.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & STARVING != 0 {
                return self.hand_off();
            }
            // Release as in `unlock`.
            match self.word.compare_exchange_weak(word, word & !LOCKED, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        if word & (WAITERS | WOKEN) == WAITERS {
            self.wake_one();
        }
    }

    /// Wakes the first of the queue, to compete for the lock.
    fn wake_one(&self) {
        let section = Section::enter();
        let mut waiters = self.waiters.lock();
        // Relaxed: says nothing of other memory.
        let wakes = self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
            // Whoever has locked it meanwhile, or is about to, sees to the waiters in its turn.
            (word & (LOCKED | WOKEN | WAITERS) == WAITERS).then_some(word | WOKEN)
        });
        if wakes.is_ok() {
            let first = self.pop(&mut waiters, WAITERS);
            drop(waiters);
            first.wake(&section);
        }
    }

    /// Gives the lock, which is held, to the first of the queue.
    fn hand_off(&self) {
        let section = Section::enter();
        let mut waiters = self.waiters.lock();
        let first = self.pop(&mut waiters, WAITERS | STARVING);
        drop(waiters);
        // What this thread did under the lock is seen by the one that it wakes.
        first.grant(&section);
        drop(section);
        // It runs next here. Until it does, nobody gets the lock.
        yield_now();
    }

    /// Takes out the first of a queue that is not empty; if it is the last one too, takes `flags` out of the word.
    fn pop(&self, waiters: &mut Waiters, flags: u32) -> Woken {
        let first = waiters.pop_front().expect("the word says that there are waiters");
        if waiters.is_empty() {
            // Relaxed: says nothing of other memory.
            self.word.fetch_and(!flags, Ordering::Relaxed);
        }
        first
    }
}

/// How a wait went.
enum Wait {
    /// The word has changed.
    NotBegun,
    /// Woken, with `WOKEN` set for this thread.
    Woken,
    /// Woken with the lock.
    Granted,
}

/// Whether the holder may run while the caller spins.
#[cold]
fn spinning_pays() -> bool {
    // An OS thread runs beside whatever holds the lock, and the runtime may not have been started.
    Section::enter().g().is_none() || sward_sched::procs() > 1
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn is_four_words() {
        assert_eq!(size_of::<RawMutex>(), 4 * size_of::<usize>());
    }

    /// A bit that is left behind would keep waiters from being woken, or wake them for nothing, for ever after.
    #[test]
    fn is_at_rest_after_all_have_left() {
        let mutex = RawMutex::new();
        thread::scope(|s| {
            for turn in 0..4 {
                let mutex = &mutex;
                s.spawn(move || {
                    for i in 0..300 {
                        mutex.lock(Reason::Mutex);
                        if i % 30 == turn {
                            // Long enough for the others to starve.
                            thread::sleep(PATIENCE * 2);
                        }
                        // SAFETY: locked just above.
                        unsafe { mutex.unlock() };
                    }
                });
            }
        });
        assert_eq!(mutex.word.into_inner(), 0);
        assert!(mutex.waiters.lock().is_empty());
    }

    #[test]
    fn one_that_has_waited_for_long_and_loses_is_next() {
        static MUTEX: RawMutex = RawMutex::new();
        static TRIED: AtomicBool = AtomicBool::new(false);
        let wait_for_waiter = || {
            while MUTEX.word.load(Ordering::Relaxed) & WAITERS == 0 {
                thread::yield_now();
            }
        };
        MUTEX.lock(Reason::Mutex);
        let starves = thread::spawn(|| {
            MUTEX.lock(Reason::Mutex);
            while !TRIED.load(Ordering::Acquire) {
                thread::yield_now();
            }
            // SAFETY: locked above.
            unsafe { MUTEX.unlock() };
        });
        wait_for_waiter();
        assert_eq!(MUTEX.word.load(Ordering::Relaxed), LOCKED | WAITERS);
        thread::sleep(PATIENCE * 2);
        // What `unlock` and a `lock` that is faster than the waiter would do.
        MUTEX.word.fetch_or(WOKEN, Ordering::Relaxed);
        let waiter = MUTEX.pop(&mut MUTEX.waiters.lock(), WAITERS);
        waiter.wake(&Section::enter());
        wait_for_waiter();
        assert_eq!(MUTEX.word.load(Ordering::Relaxed), LOCKED | WAITERS | STARVING);
        // SAFETY: locked at the beginning.
        unsafe { MUTEX.unlock() };
        assert!(!MUTEX.try_lock(), "it was not free for a moment");
        TRIED.store(true, Ordering::Release);
        starves.join().unwrap();
        assert_eq!(MUTEX.word.load(Ordering::Relaxed), 0);
    }
}
