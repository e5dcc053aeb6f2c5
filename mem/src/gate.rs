//! The gate that all but the shortest paths of the heap go through: closing it leaves the heap at rest, for `fork` and for checks.
//!
//! A thread raises the flag of its own cache when it passes, and lowers it behind itself; that costs a fence, once in dozens of allocations. Who
//! closes the gate waits until all flags are down. What goes on behind a closed gate is what owners do with their own bins.
//!
//! ```text
//!   thread that passes            thread that closes
//!   1 flag := up                  1 closed := true
//!   2 fence                       2 fence
//!   3 closed? then flag := down,  3 waits for every flag
//!     waits, and from 1 again
//! ```
//! With a full fence between 1 and 2 on both sides, at least one of them sees what the other did.
//!
//! Rejected: a reader-writer lock, whose count of readers would be the one cache line that all threads of the heap fight for; stopping the threads by
//! signal, which the programs that use only the allocator would have to bear.

use std::sync::PoisonError;
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard};

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};

use crate::atomic::{AtomicBool, Ordering, fence};
use crate::os;
use crate::unless_loom::const_unless_loom;

/// See the [module](self). `FENCED` is false only in the model that shows what the fences are for.
pub(crate) struct Gate<const FENCED: bool = true> {
    closed: AtomicBool,
    /// Held while the gate is closed: who must wait waits for it.
    closing: Mutex<()>,
}

/// A thread's flag.
pub(crate) struct Flag(AtomicBool);

/// Evidence that the gate has been passed, until it is dropped.
pub(crate) struct Passage<'a>(&'a Flag);

/// Evidence that the gate is closed, until it is dropped.
pub(crate) struct Closed<'a> {
    closed: &'a AtomicBool,
    _closing: MutexGuard<'a, ()>,
}

impl Flag {
    const_unless_loom! {
        pub(crate) fn new() -> Flag {
            Flag(AtomicBool::new(false))
        }
    }

    /// In the child of a fork: the thread that has it has stayed with the parent, perhaps just when it had raised it before a closed gate.
    pub(crate) fn forget(&self) {
        // Relaxed: there is no other thread.
        self.0.store(false, Ordering::Relaxed);
    }
}

impl<const FENCED: bool> Gate<FENCED> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Gate { closed: AtomicBool::new(false), closing: Mutex::new(()) }
        }
    }

    /// Passes the gate, when it is open.
    #[inline]
    pub(crate) fn pass<'a>(&self, flag: &'a Flag) -> Passage<'a> {
        loop {
            // Relaxed, both: the fence orders them, see the module.
            flag.0.store(true, Ordering::Relaxed);
            if FENCED {
                fence(Ordering::SeqCst);
            }
            // Acquire pairs with the release that opened the gate.
            if !self.closed.load(Ordering::Acquire) {
                return Passage(flag);
            }
            self.wait(flag);
        }
    }

    #[cold]
    fn wait(&self, flag: &Flag) {
        // Release, as when a passage ends.
        flag.0.store(false, Ordering::Release);
        drop(self.closing.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Closes the gate and waits until nobody is behind it who has one of the flags. `flags` is asked for them when the gate is closed: whose flag
    /// is not yet among them finds it so.
    ///
    /// The caller must not have passed it.
    pub(crate) fn close<'a, I: Iterator<Item = &'a Flag>>(&self, flags: impl FnOnce() -> I) -> Closed<'_> {
        let closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        // Relaxed: the fence orders it, see the module.
        self.closed.store(true, Ordering::Relaxed);
        if FENCED {
            fence(Ordering::SeqCst);
        }
        for flag in flags() {
            // Acquire pairs with the release that lowers it: what was done behind the gate is seen.
            while flag.0.load(Ordering::Acquire) {
                os::yield_now();
            }
        }
        Closed { closed: &self.closed, _closing: closing }
    }
}

impl Drop for Passage<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release pairs with the acquire in `close`.
        self.0.0.store(false, Ordering::Release);
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        // Release pairs with the acquire in `pass`.
        self.closed.store(false, Ordering::Release);
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    /// A gate, and what is behind it: for each passer a place of its own, all of which belong to who closes it.
    struct Model<const FENCED: bool, const PASSERS: usize> {
        gate: Gate<FENCED>,
        behind: [(Flag, UnsafeCell<()>); PASSERS],
    }

    impl<const FENCED: bool, const PASSERS: usize> Model<FENCED, PASSERS> {
        /// So many threads pass, each once, while the gate is closed once.
        fn check() {
            loom::model(|| {
                let behind = std::array::from_fn(|_| (Flag::new(), UnsafeCell::new(())));
                let model = Arc::new(Model::<FENCED, PASSERS> { gate: Gate::new(), behind });
                let passers: [_; PASSERS] = std::array::from_fn(|passer| {
                    let model = model.clone();
                    thread::spawn(move || {
                        let (flag, place) = &model.behind[passer];
                        let _passage = model.gate.pass(flag);
                        place.with_mut(|_| {});
                    })
                });
                {
                    let _closed = model.gate.close(|| model.behind.iter().map(|(flag, _)| flag));
                    model.behind.iter().for_each(|(_, place)| place.with_mut(|_| {}));
                }
                passers.into_iter().for_each(|passer| passer.join().unwrap());
            });
        }
    }

    #[test]
    fn loom_who_closes_the_gate_is_alone() {
        Model::<true, 1>::check();
    }

    #[test]
    fn loom_who_closes_the_gate_is_alone_whoever_passes() {
        Model::<true, 2>::check();
    }

    /// Without the fences both may see what was before: the flag down, the gate open.
    #[test]
    #[should_panic(expected = "Causality violation")]
    fn loom_without_fences_the_gate_lets_pass() {
        Model::<false, 1>::check();
    }

    /// A thread that is new: who closes the gate finds its flag, or the thread finds the gate closed. Were the flags looked up before the gate is
    /// closed, neither need be so.
    #[test]
    fn loom_a_new_flag_is_found_or_finds_the_gate_closed() {
        loom::model(|| {
            let model = Arc::new((Gate::<true>::new(), Flag::new(), AtomicBool::new(false), UnsafeCell::new(())));
            let other = {
                let model = model.clone();
                thread::spawn(move || {
                    let (gate, flag, is_known, place) = &*model;
                    // Release, as a cache comes into the list of all.
                    is_known.store(true, Ordering::Release);
                    let _passage = gate.pass(flag);
                    place.with_mut(|_| {});
                })
            };
            {
                let (gate, flag, is_known, place) = &*model;
                let _closed = gate.close(|| is_known.load(Ordering::Acquire).then_some(flag).into_iter());
                place.with_mut(|_| {});
            }
            other.join().unwrap();
        });
    }

    /// Two close it in turns: one of them opens it while the other one waits for its turn.
    #[test]
    fn loom_the_gate_is_closed_by_one_at_a_time() {
        loom::model(|| {
            let model = Arc::new((Gate::<true>::new(), Flag::new(), UnsafeCell::new(())));
            let other = {
                let model = model.clone();
                thread::spawn(move || {
                    let _closed = model.0.close(|| [&model.1].into_iter());
                    model.2.with_mut(|_| {});
                })
            };
            {
                let _closed = model.0.close(|| [&model.1].into_iter());
                model.2.with_mut(|_| {});
            }
            {
                let _passage = model.0.pass(&model.1);
                model.2.with_mut(|_| {});
            }
            other.join().unwrap();
        });
    }
}
