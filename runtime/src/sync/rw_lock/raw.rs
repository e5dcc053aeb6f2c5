//! The lock itself: Go's `sync.RWMutex`.
//!
//! Writers take turns by a mutex, and keep it for as long as they write. The one whose turn it is announces itself in a word that counts the
//! readers, and waits for those that are in. From then on readers that come wait. When it unlocks, all that wait by then go in
//! together, before the next writer: who reads waits for one writer at most, and who writes for the readers that were before it.
//!
//! # The word
//! - `WRITER`: a writer is in, or waits for the readers to leave. Belongs to the holder of `writers`.
//! - `READERS_WAIT`: the queue of readers is not empty. Changes under the lock of `waiting` only. Implies `WRITER`.
//! - `READER`: one for each reader that is in. Grows only without `WRITER`, or when the writer that unlocks lets the waiting ones in.
//!
//! Without contention reading is one atomic operation, and one more to leave; writing is two, the mutex's and the word's.
//!
//! # Why nobody sleeps for ever
//! Whoever waits looks at the word under the lock of `waiting`, queues itself, and gives that lock up once it is parked.
//! - A reader waits if it sets `READERS_WAIT` in a word with `WRITER` in it. The writer's CAS from `WRITER` to 0 then fails, and it takes that lock.
//! - A writer waits if there are still readers in the word. The last of them to leave finds no reader but `WRITER`, and takes that lock. It may come
//!   late, when its writer has long been in, since it saw the readers gone; another one may wait by then, for other readers. So the one
//!   who leaves last looks again, under the lock, whether there are readers.
//!
//! As every wait and every wake is under one lock, what is left to the word alone are two exchanges, a reader's and a writer's: *no writer, one
//! reader more* against *a writer*; and *one reader less* against *how many readers are left*. Both are single atomic
//! operations on the word, so one of the two comes first.
//!
//! # For race detectors
//! there are two objects: `writers`, which writers release and everybody acquires, and `word`, which readers release and writers acquire. So readers are
//! in no order among themselves.
//!
//! # Rejected
//! *One queue of readers and writers, and the lock handed to the first*: between writers each turn would then cost a switch, see
//! [`raw_mutex`](crate::sync::raw_mutex). *A counter for each processor*, so that readers do not share a cache line: 64 bytes for each, in each
//! lock, for locks that are taken for reading all the time and hardly ever for writing.

use std::sync::atomic::{AtomicU32, Ordering};

use sward_sched::{Holder, Reason, Section, SpinLock, race};

use crate::sync::raw_mutex::RawMutex;
use crate::sync::waiters::{Waiter, Waiters};

const WRITER: u32 = 1;
const READERS_WAIT: u32 = 2;
const READER: u32 = 4;
/// With so many readers there is room for no more.
const FULL: u32 = u32::MAX - (READER - 1);

/// A lock around nothing. See the [module](self).
pub(super) struct RawRwLock {
    writers: RawMutex,
    word: AtomicU32,
    waiting: SpinLock<Waiting>,
}

struct Waiting {
    readers: Waiters,
    /// The writer whose turn it is, if it waits for readers to leave.
    writer: Waiters,
}

impl RawRwLock {
    pub(super) const fn new() -> RawRwLock {
        let waiting = Waiting { readers: Waiters::new(), writer: Waiters::new() };
        RawRwLock { writers: RawMutex::new(), word: AtomicU32::new(0), waiting: SpinLock::new(waiting) }
    }

    /// Whether a writer panicked. See [`RawMutex::poisoned`].
    pub(super) fn is_poisoned(&self) -> bool {
        self.writers.poisoned.load(Ordering::Relaxed)
    }

    pub(super) fn set_poisoned(&self, poisoned: bool) {
        self.writers.poisoned.store(poisoned, Ordering::Relaxed);
    }

    /// Locks for reading, if no writer is there.
    #[inline]
    pub(super) fn try_read(&self) -> bool {
        // Relaxed: the CAS tells whether it is still so.
        let mut word = self.word.load(Ordering::Relaxed);
        while word & WRITER == 0 && word < FULL {
            // Acquire pairs with the release of `write_unlock`.
            match self.word.compare_exchange_weak(word, word + READER, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    race::hook(|race| race.acquire(&raw const self.writers));
                    return true;
                }
                Err(now) => word = now,
            }
        }
        false
    }

    /// Locks for reading, waiting if need be.
    ///
    /// # Panics
    /// If the caller has locked it for writing, and if there are too many readers.
    #[inline]
    #[track_caller]
    pub(super) fn read(&self) {
        if !self.try_read() {
            self.read_contended();
        }
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn read_contended(&self) {
        self.holder().check_not_caller("locks an RwLock for reading that it has locked for writing");
        while !self.try_read() {
            let section = Section::enter();
            let mut waiting = self.waiting.lock();
            // Relaxed: who sees the bit takes the lock, which orders the rest.
            let waits = self.word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
                (word & WRITER != 0).then_some(word | READERS_WAIT)
            });
            let Err(word) = waits else {
                let waiter = Waiter::current(&section);
                // SAFETY: the node stays here until `park` returns, which is when it has been woken.
                unsafe { waiting.readers.push_back(&waiter) };
                // It is woken with the lock.
                section.park_unlocking_behind(Reason::RwLockRead, self.holder(), waiting);
                race::hook(|race| race.acquire(&raw const self.writers));
                return;
            };
            drop(waiting);
            drop(section);
            assert!(word < FULL, "too many active read locks on RwLock");
        }
    }

    /// Unlocks.
    ///
    /// # Safety
    /// The caller has locked it for reading.
    #[inline]
    pub(super) unsafe fn read_unlock(&self) {
        race::hook(|race| race.release(&raw const self.word));
        // Release pairs with the acquire of the writer that comes next.
        let left = self.word.fetch_sub(READER, Ordering::Release) - READER;
        if left & !READERS_WAIT == WRITER {
            self.wake_writer();
        }
    }

    /// Wakes the writer that waits for readers to leave, if there is one, and if they have.
    #[cold]
    #[inline(never)]
    fn wake_writer(&self) {
        let section = Section::enter();
        let mut waiting = self.waiting.lock();
        if self.has_readers() {
            return;
        }
        if let Some(writer) = waiting.writer.pop_front() {
            drop(waiting);
            writer.wake(&section);
        }
    }

    fn has_readers(&self) -> bool {
        // Acquire pairs with the release of `read_unlock`, of all who have left.
        self.word.load(Ordering::Acquire) >= READER
    }

    /// Locks for writing, if nobody is there.
    #[inline]
    pub(super) fn try_write(&self) -> bool {
        if !self.writers.try_lock() {
            return false;
        }
        // Acquire pairs with the release of `read_unlock`.
        let locked = self.word.compare_exchange(0, WRITER, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if locked {
            self.acquire_for_writing();
        } else {
            // SAFETY: locked above.
            unsafe { self.writers.unlock() };
        }
        locked
    }

    /// Locks for writing, waiting if need be.
    ///
    /// # Panics
    /// If the caller has locked it for writing.
    #[inline]
    #[track_caller]
    pub(super) fn write(&self) {
        self.writers.lock(Reason::RwLockWrite);
        // Acquire pairs with the release of `read_unlock`.
        if self.word.fetch_or(WRITER, Ordering::Acquire) != 0 {
            self.wait_for_readers();
        }
        self.acquire_for_writing();
    }

    #[inline]
    fn acquire_for_writing(&self) {
        race::hook(|race| {
            race.acquire(&raw const self.writers);
            race.acquire(&raw const self.word);
        });
    }

    /// Waits until those have left who were in before `WRITER` was set.
    #[cold]
    #[inline(never)]
    fn wait_for_readers(&self) {
        let section = Section::enter();
        let mut waiting = self.waiting.lock();
        if self.has_readers() {
            let waiter = Waiter::current(&section);
            // SAFETY: the node stays here until `park` returns, which is when it has been woken.
            unsafe { waiting.writer.push_back(&waiter) };
            section.park_unlocking(Reason::RwLockWrite, waiting);
        }
    }

    /// Unlocks.
    ///
    /// # Safety
    /// The caller has locked it for writing.
    #[inline]
    pub(super) unsafe fn write_unlock(&self) {
        self.let_readers_in(0);
        // SAFETY: locked by `write` or `try_write`.
        unsafe { self.writers.unlock() };
    }

    /// Makes a lock for writing one for reading, with no writer in between.
    ///
    /// # Safety
    /// The caller has locked it for writing.
    pub(super) unsafe fn downgrade(&self) {
        self.let_readers_in(READER);
        // SAFETY: as in `write_unlock`.
        unsafe { self.writers.unlock() };
    }

    /// Leaves the word to readers: those that wait, and `more`.
    #[inline]
    fn let_readers_in(&self, more: u32) {
        race::hook(|race| race.release(&raw const self.writers));
        // Release pairs with the acquire of `try_read`, `write` and `try_write`.
        if self.word.compare_exchange(WRITER, more, Ordering::Release, Ordering::Relaxed).is_err() {
            self.let_waiting_readers_in(more);
        }
    }

    #[cold]
    #[inline(never)]
    fn let_waiting_readers_in(&self, more: u32) {
        let section = Section::enter();
        let mut waiting = self.waiting.lock();
        let readers = waiting.readers.pop_all();
        // Release as above. A store, since with `WRITER` in it and no reader the word is changed under the lock only. The count cannot
        // overflow: so many threads have no stacks.
        self.word.store(more + readers.len() as u32 * READER, Ordering::Release);
        drop(waiting);
        readers.grant(&section);
    }

    /// The writer whose turn it is.
    fn holder(&self) -> &Holder {
        self.writers.holder()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread;

    use super::*;

    /// OS threads: what they are made to wait for is the same, and nobody else's green threads come in between.
    fn wait_until(condition: impl Fn() -> bool) {
        while !condition() {
            thread::yield_now();
        }
    }

    fn readers_wait(lock: &RawRwLock, n: usize) -> bool {
        lock.waiting.lock().readers.len() == n
    }

    fn read(lock: &RawRwLock, turn: impl FnOnce()) {
        lock.read();
        turn();
        // SAFETY: locked above.
        unsafe { lock.read_unlock() };
    }

    fn write(lock: &RawRwLock, turn: impl FnOnce()) {
        lock.write();
        turn();
        // SAFETY: locked above.
        unsafe { lock.write_unlock() };
    }

    #[test]
    fn is_a_cache_line() {
        assert!(size_of::<RawRwLock>() <= 64);
    }

    /// A writer keeps readers out that come after it; they go before the next writer.
    #[test]
    fn readers_and_writers_take_turns() {
        let (lock, order) = (RawRwLock::new(), Mutex::new(Vec::new()));
        let note = |who| order.lock().unwrap().push(who);
        thread::scope(|s| {
            read(&lock, || {
                s.spawn(|| write(&lock, || note("first writer")));
                wait_until(|| !lock.waiting.lock().writer.is_empty());
                assert!(!lock.try_read() && !lock.try_write());
                s.spawn(|| write(&lock, || note("second writer")));
                wait_until(|| lock.writers.has_waiters());
                for n in 1..=3 {
                    s.spawn(|| read(&lock, || note("reader")));
                    wait_until(|| readers_wait(&lock, n));
                }
                note("here");
            });
        });
        assert_eq!(
            order.into_inner().unwrap(),
            ["here", "first writer", "reader", "reader", "reader", "second writer"]
        );
        assert_eq!(lock.word.into_inner(), 0);
    }

    #[test]
    fn a_downgrade_lets_waiting_readers_in_and_no_writer() {
        let (lock, order) = (RawRwLock::new(), Mutex::new(Vec::new()));
        let note = |who| order.lock().unwrap().push(who);
        thread::scope(|s| {
            lock.write();
            let reader = s.spawn(|| read(&lock, || note("reader")));
            wait_until(|| readers_wait(&lock, 1));
            s.spawn(|| write(&lock, || note("writer")));
            wait_until(|| lock.writers.has_waiters());
            // SAFETY: locked above, and then for reading.
            unsafe {
                lock.downgrade();
                reader.join().unwrap();
                note("here");
                lock.read_unlock();
            }
        });
        assert_eq!(order.into_inner().unwrap(), ["reader", "here", "writer"]);
        assert_eq!(lock.word.into_inner(), 0);
    }

    /// The last reader may come late to wake a writer that is in already, and then meet another one, which waits for other readers.
    #[test]
    fn a_late_wake_up_is_for_nobody() {
        let lock = RawRwLock::new();
        let written = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|s| {
            read(&lock, || {
                s.spawn(|| write(&lock, || written.store(true, Ordering::Relaxed)));
                wait_until(|| !lock.waiting.lock().writer.is_empty());
                lock.wake_writer();
                assert!(!lock.waiting.lock().writer.is_empty());
                assert!(!written.load(Ordering::Relaxed));
            });
        });
        lock.wake_writer();
        assert!(written.into_inner());
        assert_eq!(lock.word.into_inner(), 0);
    }

    #[test]
    #[should_panic(expected = "too many active read locks on RwLock")]
    fn there_are_not_too_many_readers() {
        let lock = RawRwLock::new();
        lock.word.store(FULL, Ordering::Relaxed);
        assert!(!lock.try_read());
        lock.read();
    }
}
