//! Threads that may borrow from the stack of the one that starts them.
//!
//! [`scope`] returns only after all threads of the scope have ended and their results have been taken or dropped, so nothing that they
//! borrow ends before. A thread counts itself out after it has disposed of its result, as its last act.

use std::fmt;
use std::marker::PhantomData;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sward_sched::race;
use sward_sched::{Birth, Handle, Interrupted, Reason, Section, Sleeper, SpinLock};

use crate::cancel;
use crate::task;

use super::handle::{Result, Thread};

/// A scope that threads can be started in: see [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    running: SpinLock<Running>,
    /// Panics of its threads that no `join` has returned.
    unhandled: AtomicUsize,
    /// Whether a wait of one of them was ended by a token.
    interrupted: AtomicBool,
    // Invariant, as std's: the compiler must not shorten 'scope.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

#[derive(Default)]
struct Running {
    threads: usize,
    /// Whoever waits for them.
    waiter: Option<Sleeper>,
}

/// Calls `f` with a scope, waits for all threads started in it, and returns the value of `f`.
///
/// # Panics
/// With the panic of `f`; or if a thread of the scope panicked and was not joined.
///
/// ```
/// # sward::run(|| {
/// let words = ["green", "threads"];
/// let total: usize = sward::thread::scope(|s| {
///     let lengths = words.each_ref().map(|word| s.spawn(|| word.len()));
///     lengths.into_iter().map(|handle| handle.join().unwrap()).sum()
/// });
/// assert_eq!(total, 12);
/// # });
/// ```
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    crate::start::ensure_started();
    let scope = Scope {
        running: SpinLock::new(Running::default()),
        unhandled: AtomicUsize::new(0),
        interrupted: AtomicBool::new(false),
        scope: PhantomData,
        env: PhantomData,
    };
    let result = panic::catch_unwind(AssertUnwindSafe(|| f(&scope)));
    scope.wait();
    race::hook(|race| {
        race.acquire(&raw const scope.running);
        race.forget(&raw const scope, size_of::<Scope<'_, '_>>());
    });
    match result {
        Err(payload) => panic::resume_unwind(payload),
        // Relaxed: ordered by the end of the threads.
        Ok(_) if scope.unhandled.load(Ordering::Relaxed) > 0 => panic!("a scoped thread panicked"),
        Ok(value) => {
            // Relaxed: as above.
            if scope.interrupted.load(Ordering::Relaxed) {
                cancel::pass_on();
            }
            value
        }
    }
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Starts a green thread in this scope.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.start(Birth::default(), f)
    }

    #[track_caller]
    pub(super) fn start<F, T>(&'scope self, birth: Birth, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let section = Section::enter();
        self.running.lock().threads += 1;
        drop(section);
        let token = cancel::ambient();
        let body = move || {
            let f = || match token {
                Some(token) => cancel::run_at(token, f),
                None => f(),
            };
            panic::catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
                // Relaxed, both: see `scope`.
                if payload.is::<Interrupted>() {
                    self.interrupted.store(true, Ordering::Relaxed);
                } else {
                    self.unhandled.fetch_add(1, Ordering::Relaxed);
                }
                panic::resume_unwind(payload)
            })
        };
        // SAFETY: `wait` keeps the scope, and all it borrows, until `end` has run, which is after the result is disposed of.
        let handle = unsafe { sward_sched::spawn_with_end(birth, body, || self.end()) };
        let thread = Thread::green(handle.thread().clone());
        ScopedJoinHandle { handle, thread, unhandled: &self.unhandled }
    }

    /// A thread's last act. The scope may be gone once the lock is released.
    fn end(&self) {
        let section = Section::enter();
        race::hook_in(&section, |race| race.release(&raw const self.running));
        let mut running = self.running.lock();
        running.threads -= 1;
        let waiter = if running.threads == 0 { running.waiter.take() } else { None };
        drop(running);
        if let Some(waiter) = waiter {
            // SAFETY: it was made known under the lock that its park gave up, and taken out once.
            unsafe { waiter.wake(&section) };
        }
    }

    fn wait(&self) {
        let section = Section::enter();
        let mut running = self.running.lock();
        if running.threads > 0 {
            running.waiter = Some(Sleeper::current(&section));
            section.park_unlocking(Reason::Scope, running);
        }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("unhandled_panics", &self.unhandled).finish_non_exhaustive()
    }
}

/// The right to the result of a thread in a scope. Dropping it leaves the thread to the scope.
pub struct ScopedJoinHandle<'scope, T> {
    handle: Handle<T>,
    thread: Thread,
    unhandled: &'scope AtomicUsize,
}

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits until the thread has ended, and returns its value.
    ///
    /// # Errors
    /// With the payload of its panic, which then counts as handled.
    pub fn join(self) -> Result<T> {
        let result = task::join(self.handle);
        match &result {
            Err(payload) if payload.is::<Interrupted>() => cancel::pass_on(),
            Err(_) => {
                // Relaxed: see `scope`.
                self.unhandled.fetch_sub(1, Ordering::Relaxed);
            }
            Ok(_) => {}
        }
        result
    }

    /// Whether the thread has ended; then [`join`](Self::join) does not wait.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// The thread.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").finish_non_exhaustive()
    }
}
