//! The status word of a G: who may touch it, and the SCAN bit that keeps a stopped one stopped.
//!
//! ```text
//!   idle ──spawn──► runnable ──run──► running ──park──► waiting
//!                    ▲  ▲ ▲            ▲ │ │ │            │ │
//!                    │  │ └────yield───┼─┘ │ └─exit─► dead│ │
//!                    │  │             run  │              │ │
//!                    │  └─pushed out─ next ◄──ready (next)┘ │
//!                    ├──────────────────────ready───────────┘
//!                    └──requeue── syscall ◄┘ (and back by exit_syscall)
//! ```
//!
//! A running G is owned by its M: only that thread changes the word, so it leaves *running* by a plain release store. So is a G that
//! is *next* on a P, by whoever takes it out of that slot, for the short time that it is there. All other states may meet a scanner, a
//! dump or a profiler that walks the stopped stack and sets SCAN while it does so; they are left by compare-and-swap, which waits for
//! SCAN to go. A scanner never sets SCAN on a G that is running or next.
//!
//! That is what makes a switch cheap: parking costs a store, waking a CAS, and running the one just woken a store.

use sward_mem::atomic::{AtomicU32, Ordering, relax};
use sward_mem::fatal;

/// Where a green thread is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum State {
    /// Never used, or recycled.
    Idle,
    /// In a run queue.
    Runnable,
    /// On a P, executing.
    Running,
    /// In a foreign or blocking call, or a hog that lost its P: executing without a P.
    Syscall,
    /// Parked, for a [`Reason`](crate::Reason).
    Waiting,
    /// Finished; its result may not have been taken yet.
    Dead,
    /// In the `run_next` slot of a P: about to run.
    Next,
}

const SCAN: u32 = 0x10;

impl State {
    /// Whether a scanner may keep it so.
    pub(crate) fn is_stopped(self) -> bool {
        !matches!(self, State::Running | State::Next | State::Idle)
    }

    fn of(word: u32) -> State {
        match word & !SCAN {
            0 => State::Idle,
            1 => State::Runnable,
            2 => State::Running,
            3 => State::Syscall,
            4 => State::Waiting,
            5 => State::Dead,
            6 => State::Next,
            _ => fatal!("{word:#x} is no status of a green thread"),
        }
    }
}

/// The status word. See the [module](self).
#[derive(Debug)]
pub(crate) struct Status(AtomicU32);

impl Status {
    pub(crate) fn new() -> Self {
        Status(AtomicU32::new(State::Idle as u32))
    }

    /// The state just now, which may have changed by the time the caller looks at it.
    pub(crate) fn load(&self) -> State {
        // Acquire pairs with the release of whoever set the state: what it did to the G before is seen.
        State::of(self.0.load(Ordering::Acquire))
    }

    /// Leaves *running*: only for the thread that runs the G.
    #[inline]
    pub(crate) fn leave_running(&self, to: State) {
        debug_assert_eq!(self.load(), State::Running);
        // Release pairs with the acquire of whoever takes the G next (ready, scan): its saved context is seen.
        self.0.store(to as u32, Ordering::Release);
    }

    /// Makes a G run that the caller has taken out of a run queue.
    #[inline]
    pub(crate) fn run(&self) {
        // Relaxed, both: the caller has the G by the queue, whose release and acquire order what was done with it; *next* is its own.
        if self.0.load(Ordering::Relaxed) == State::Next as u32 {
            self.0.store(State::Running as u32, Ordering::Relaxed);
        } else {
            self.transition(State::Runnable, State::Running);
        }
    }

    /// Makes a G that the caller has taken out of a `run_next` slot an ordinary runnable one.
    pub(crate) fn pushed_out(&self) {
        debug_assert_eq!(self.load(), State::Next);
        // Release pairs with the acquire of a scanner.
        self.0.store(State::Runnable as u32, Ordering::Release);
    }

    /// Moves a stopped G from one state to another, waiting while it is being scanned.
    #[inline]
    pub(crate) fn transition(&self, from: State, to: State) {
        // AcqRel: acquire pairs with the release that made it `from` (and with the scanner's end), release with the next owner.
        if self.0.compare_exchange(from as u32, to as u32, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            self.transition_scanned(from, to);
        }
    }

    #[cold]
    #[inline(never)]
    fn transition_scanned(&self, from: State, to: State) {
        loop {
            // AcqRel as in `transition`.
            match self.0.compare_exchange(from as u32, to as u32, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) if now & !SCAN == from as u32 => relax(),
                Err(now) => fatal!("green thread is {now:#x}, cannot go from {from:?} to {to:?}"),
            }
        }
    }

    /// Sets SCAN if the G is stopped, so that it stays so until [`end_scan`](Self::end_scan). `None`: it runs, is being
    /// scanned by somebody else, or there is nothing to scan.
    pub(crate) fn begin_scan(&self) -> Option<State> {
        // Relaxed: the CAS below decides.
        let word = self.0.load(Ordering::Relaxed);
        let state = State::of(word);
        if word & SCAN != 0 || !state.is_stopped() {
            return None;
        }
        // Acquire pairs with the release that stopped the G: its saved registers are seen.
        self.0.compare_exchange(word, word | SCAN, Ordering::Acquire, Ordering::Relaxed).ok().map(|_| state)
    }

    /// Clears SCAN.
    pub(crate) fn end_scan(&self, state: State) {
        // Release pairs with the acquire of the transition that waits: the scan is over before the G runs.
        let was = self.0.swap(state as u32, Ordering::Release);
        if was != state as u32 | SCAN {
            fatal!("scan of a green thread ended at {was:#x}, began at {state:?}");
        }
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    struct Model {
        status: Status,
        /// Stands for the saved context: written by who runs the G, read by who scans or runs it.
        stack: UnsafeCell<u32>,
    }

    fn running() -> Arc<Model> {
        let model = Model { status: Status::new(), stack: UnsafeCell::new(0) };
        model.status.transition(State::Idle, State::Runnable);
        model.status.transition(State::Runnable, State::Running);
        Arc::new(model)
    }

    fn scan(model: &Model) {
        if let Some(state) = model.status.begin_scan() {
            model.stack.with(|_| {});
            model.status.end_scan(state);
        }
    }

    /// The parked context is written before a waker may run it, and never while it is scanned.
    #[test]
    fn loom_park_ready_scan() {
        loom::model(|| {
            let model = running();
            model.stack.with_mut(|_| {});
            model.status.leave_running(State::Waiting);
            let waker = {
                let model = model.clone();
                thread::spawn(move || {
                    model.status.transition(State::Waiting, State::Runnable);
                    model.status.transition(State::Runnable, State::Running);
                    model.stack.with_mut(|_| {});
                    model.status.leave_running(State::Dead);
                })
            };
            scan(&model);
            waker.join().unwrap();
            assert_eq!(model.status.load(), State::Dead);
        });
    }

    /// A scanner that comes while the G runs, parks and runs again sees it stopped or not at all.
    #[test]
    fn loom_scan_meets_a_running_thread() {
        loom::model(|| {
            let model = running();
            let scanner = {
                let model = model.clone();
                thread::spawn(move || scan(&model))
            };
            model.stack.with_mut(|_| {});
            model.status.leave_running(State::Syscall);
            model.status.transition(State::Syscall, State::Running);
            model.stack.with_mut(|_| {});
            model.status.leave_running(State::Dead);
            scanner.join().unwrap();
        });
    }
}
