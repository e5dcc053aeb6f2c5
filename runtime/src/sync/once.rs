//! Initialization that happens once.
//!
//! The state is one word. Whoever moves it to `RUNNING`, by CAS, runs the closure; when that has returned or panicked, it sets the new
//! state and wakes all who wait, under the lock of the queue. A waiter looks at the state under the same lock: it has either queued itself
//! before, or sees the new state. Once all is done, the cost is one load.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicU8, Ordering};

use sward_sched::{Holder, Reason, Section, SpinLock, race};

use super::waiters::{Waiter, Waiters};

/// Nothing has been run.
const NEW: u8 = 0;
/// A closure has panicked.
const POISONED: u8 = 1;
/// A closure is being run.
const RUNNING: u8 = 2;
/// A closure has returned.
const DONE: u8 = 3;

/// Runs something once, whoever comes first. The others wait until it is done.
///
/// ```
/// use sward::sync::Once;
///
/// static START: Once = Once::new();
/// START.call_once(|| {
///     // run initialization here
/// });
/// assert!(START.is_completed());
/// ```
pub struct Once {
    state: AtomicU8,
    /// Who runs the closure.
    runs: Holder,
    waiters: SpinLock<Waiters>,
}

/// What the closure of [`Once::call_once_force`] is told.
#[derive(Debug)]
pub struct OnceState {
    poisoned: bool,
}

// A panic poisons it.
impl UnwindSafe for Once {}
impl RefUnwindSafe for Once {}

impl Once {
    /// Makes one of which nothing has been run.
    #[allow(clippy::new_without_default, reason = "std's has no default")]
    #[inline]
    #[must_use]
    pub const fn new() -> Once {
        Once { state: AtomicU8::new(NEW), runs: Holder::nobody(), waiters: SpinLock::new(Waiters::new()) }
    }

    /// Runs `f`, unless a closure has been run before. When this returns, one has. If another thread is at it, waits for that.
    ///
    /// # Panics
    /// With `f`, and from then on: the `Once` is poisoned. Also if `f` calls this again, with a message that names the thread.
    ///
    /// ```
    /// use sward::sync::Once;
    ///
    /// static INIT: Once = Once::new();
    /// let mut times = 0;
    /// INIT.call_once(|| times += 1);
    /// INIT.call_once(|| times += 1);
    /// assert_eq!(times, 1);
    /// ```
    #[inline]
    #[track_caller]
    pub fn call_once<F>(&self, f: F)
    where
        F: FnOnce(),
    {
        if !self.is_completed() {
            let mut f = Some(f);
            self.call(false, &mut |_| f.take().expect("it is called once")());
        }
    }

    /// As [`call_once`](Self::call_once), also after a panic, of which `f` is told.
    ///
    /// # Panics
    /// With `f`; and as `call_once` if `f` calls this again.
    ///
    /// ```
    /// # sward::run(|| {
    /// use sward::sync::Once;
    ///
    /// static INIT: Once = Once::new();
    /// assert!(sward::spawn(|| INIT.call_once(|| panic!())).join().is_err());
    /// assert!(sward::spawn(|| INIT.call_once(|| {})).join().is_err());
    /// INIT.call_once_force(|state| assert!(state.is_poisoned()));
    /// INIT.call_once(|| {}); // It is no longer poisoned.
    /// # });
    /// ```
    #[inline]
    #[track_caller]
    pub fn call_once_force<F>(&self, f: F)
    where
        F: FnOnce(&OnceState),
    {
        if !self.is_completed() {
            let mut f = Some(f);
            self.call(true, &mut |state| f.take().expect("it is called once")(state));
        }
    }

    /// Whether a closure has returned. `false` while it runs, and if it has panicked.
    ///
    /// ```
    /// use sward::sync::Once;
    ///
    /// static INIT: Once = Once::new();
    /// assert!(!INIT.is_completed());
    /// INIT.call_once(|| assert!(!INIT.is_completed()));
    /// assert!(INIT.is_completed());
    /// ```
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.state() == DONE
    }

    /// Waits until a closure has returned, in another thread.
    ///
    /// # Panics
    /// If a closure has panicked, or does meanwhile. Also if the closure calls this itself.
    ///
    /// ```
    /// # sward::run(|| {
    /// static READY: sward::sync::Once = sward::sync::Once::new();
    /// sward::spawn(|| READY.call_once(|| {}));
    /// READY.wait();
    /// assert!(READY.is_completed());
    /// # });
    /// ```
    #[track_caller]
    pub fn wait(&self) {
        self.wait_while(|state| state == NEW || state == RUNNING);
        if !self.is_completed() {
            poisoned();
        }
    }

    /// As [`wait`](Self::wait), but if a closure panics, waits for one that does not.
    ///
    /// # Panics
    /// If the closure calls this itself.
    #[track_caller]
    pub fn wait_force(&self) {
        self.wait_while(|state| state != DONE);
    }

    #[inline]
    fn state(&self) -> u8 {
        // Acquire pairs with the release of `Running::drop`: what the closure did is seen.
        let state = self.state.load(Ordering::Acquire);
        race::hook(|race| race.acquire(self));
        state
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn call(&self, force: bool, f: &mut dyn FnMut(&OnceState)) {
        loop {
            match self.state() {
                DONE => return,
                RUNNING => self.wait_while(|state| state == RUNNING),
                POISONED if !force => poisoned(),
                // Acquire: what a closure did before it panicked is seen. Relaxed on failure: looked at again.
                state => {
                    let taken = self.state.compare_exchange(state, RUNNING, Ordering::Acquire, Ordering::Relaxed);
                    if taken.is_ok() {
                        self.runs.set();
                        let mut running = Running { once: self, end: POISONED };
                        f(&OnceState { poisoned: state == POISONED });
                        running.end = DONE;
                        return;
                    }
                }
            }
        }
    }

    /// Waits until a run has ended with a state that `waits` does not say of that it is to be waited in.
    #[track_caller]
    fn wait_while(&self, waits: impl Fn(u8) -> bool) {
        while waits(self.state()) {
            self.runs.check_not_caller("waits for an initialization that it is in the middle of");
            let section = Section::enter();
            let mut waiters = self.waiters.lock();
            if waits(self.state()) {
                let waiter = Waiter::current(&section);
                // SAFETY: the node stays here until `park` returns, which is when it has been woken.
                unsafe { waiters.push_back(&waiter) };
                section.park_unlocking_behind(Reason::Once, &self.runs, waiters);
            }
        }
    }
}

/// A run of a closure. Its end, by return or by panic, is the state's.
struct Running<'a> {
    once: &'a Once,
    end: u8,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.once.runs.clear();
        let section = Section::enter();
        race::hook_in(&section, |race| race.release(self.once));
        let mut waiters = self.once.waiters.lock();
        // Release pairs with the acquire of `state`.
        self.once.state.store(self.end, Ordering::Release);
        let waiting = waiters.pop_all();
        drop(waiters);
        waiting.grant(&section);
    }
}

#[cold]
#[track_caller]
fn poisoned() -> ! {
    panic!("Once instance has previously been poisoned")
}

impl OnceState {
    /// Whether a closure has panicked before.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}
