//! The tree of tokens, and which threads run where in it.
//!
//! A node is known to those above it, weakly, and keeps them alive. Both a node and a thread are entered under the lock of the node above, and find
//! there that it has been cancelled, or are found by who cancels it:
//!
//! ```text
//!   thread                               who cancels
//!   1. locks; not cancelled: enters      1. locks; cancelled; sets the interrupts that are there; unlocks
//!   2. unlocks
//! ```
//! A thread leaves under the lock too, so an interrupt is set only while its thread runs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Instant;

use sward_sched::{Interrupt, Interrupted, race};

use crate::sync::{Mutex, MutexGuard};

/// See the [module](self).
pub(crate) struct Node {
    /// Those that it is below of.
    above: Vec<Arc<Node>>,
    /// Its own deadline, or an earlier one from above.
    deadline: Option<Instant>,
    /// Changed under the lock of `state`.
    cancelled: AtomicBool,
    state: Mutex<State>,
}

/// What is to be told of a cancellation, by address.
#[derive(Default)]
struct State {
    below: BTreeMap<usize, Weak<Node>>,
    threads: BTreeMap<usize, Arc<Interrupt>>,
}

impl Node {
    /// A node that is cancelled with each of those `above`, and at `deadline`.
    pub(super) fn below(above: Vec<Arc<Node>>, deadline: Option<Instant>) -> Arc<Node> {
        let deadline = above.iter().filter_map(|node| node.deadline).chain(deadline).min();
        let node = Arc::new(Node { above, deadline, cancelled: AtomicBool::new(false), state: Mutex::default() });
        for above in &node.above {
            let mut state = above.lock();
            if above.is_marked() {
                drop(state);
                node.cancel();
                break;
            }
            state.below.insert(address(&*node), Arc::downgrade(&node));
        }
        node
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.is_marked() || self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Cancels it and all below, one after the other: a chain may be longer than the stack is deep.
    pub(super) fn cancel(&self) {
        let mut rest = self.cancel_alone();
        while let Some(node) = rest.pop() {
            rest.append(&mut node.cancel_alone());
        }
    }

    /// Returns those below, which are to be cancelled too.
    fn cancel_alone(&self) -> Vec<Arc<Node>> {
        let mut state = self.lock();
        race::hook(|race| race.release(&raw const self.cancelled));
        // Release pairs with the acquire in `is_marked`: what was done before a cancellation is seen by who finds it.
        self.cancelled.store(true, Ordering::Release);
        for interrupt in state.threads.values() {
            // SAFETY: its thread has yet to leave, for which it needs the lock.
            unsafe { interrupt.set() };
        }
        let below = mem::take(&mut state.below);
        drop(state);
        below.values().filter_map(Weak::upgrade).collect()
    }

    /// Whether it has been cancelled, its deadline aside.
    pub(super) fn is_marked(&self) -> bool {
        // Acquire: see `cancel`.
        let is_marked = self.cancelled.load(Ordering::Acquire);
        if is_marked {
            race::hook(|race| race.acquire(&raw const self.cancelled));
        }
        is_marked
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock but for want of memory, and then nothing is half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is no longer known to those above.
    fn leave(&self) {
        for above in &self.above {
            above.lock().below.remove(&address(self));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.leave();
        // One after the other, as in `cancel`.
        let mut rest = mem::take(&mut self.above);
        while let Some(node) = rest.pop() {
            if let Some(mut last) = Arc::into_inner(node) {
                last.leave();
                rest.append(&mut last.above);
            }
        }
    }
}

fn address<T>(of: &T) -> usize {
    std::ptr::from_ref(of).addr()
}

crate::thread_local! {
    /// Where the thread runs.
    static AMBIENT: RefCell<Option<Arc<Node>>> = const { RefCell::new(None) };
}

/// Where the caller runs, for threads that are to run there too.
pub(crate) fn ambient() -> Option<Arc<Node>> {
    // A thread whose variables are gone waits no more.
    AMBIENT.try_with(|ambient| ambient.borrow().clone()).ok().flatten()
}

/// Sets where the caller runs; returns where it ran. A thread whose variables are gone runs nowhere, and starts no threads in a scope.
fn set_ambient(node: Option<Arc<Node>>) -> Option<Arc<Node>> {
    AMBIENT.try_with(|ambient| ambient.replace(node)).ok().flatten()
}

/// For a thread that finds another one interrupted: unwinds too, if what cancelled that one covers the caller.
pub(crate) fn pass_on() {
    if !std::thread::panicking() && ambient().is_some_and(|node| node.is_cancelled()) {
        Interrupted::unwind();
    }
}

/// Runs `f` at `node`, whose cancellation interrupts it.
pub(crate) fn run_at<T>(node: Arc<Node>, f: impl FnOnce() -> T) -> T {
    let interrupt = Arc::new(Interrupt::new(node.deadline));
    let _stay = Stay::enter(node, &interrupt);
    interrupt.cover(f)
}

/// A thread's stay at a node.
struct Stay {
    node: Arc<Node>,
    thread: usize,
    outer: Option<Arc<Node>>,
}

impl Stay {
    fn enter(node: Arc<Node>, interrupt: &Arc<Interrupt>) -> Stay {
        let thread = address(&**interrupt);
        let mut state = node.lock();
        state.threads.insert(thread, interrupt.clone());
        if node.is_marked() {
            // SAFETY: the calling thread's own.
            unsafe { interrupt.set() };
        }
        drop(state);
        let outer = set_ambient(Some(node.clone()));
        Stay { node, thread, outer }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        set_ambient(self.outer.take());
        let left = self.node.lock().threads.remove(&self.thread);
        drop(left);
    }
}
