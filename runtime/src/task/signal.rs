//! What stands behind the wakers of `block_on`: a word that the polling thread waits for, and that anybody may set.
//!
//! It is not `thread::park`'s token, which belongs to the program: a future may park, and would take a wake for its own, or leave a
//! token behind that ends a wait of ours for nothing.
//!
//! ```text
//!   Idle ──wake──► Woken ──wait──► Idle          a wake during the poll: no wait, but others first
//!     └──wait──► Waiting ──wake──► Idle          the waker takes the sleeper out, and wakes it
//! ```
//! All steps are under a spin lock, which the waiting thread gives up when it has parked. So no wake is lost, and one that comes when nobody
//! waits, as late as it may be, changes the word and touches no thread. Each `block_on` has a signal of its own, in an `Arc` that
//! the wakers share: it outlives the wait, the future and the thread.

use std::sync::Arc;
use std::task::Wake;

use sward_sched::race;
use sward_sched::{Claim, Ended, Interrupted, Reason, Section, Sleeper, SpinLock};

use crate::thread::yield_now;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Signal(SpinLock<State>);

#[derive(Debug)]
enum State {
    Idle,
    Woken,
    /// With a claim if others may end the wait.
    Waiting(Sleeper, Option<Claim>),
}

impl Signal {
    pub(super) fn new() -> Signal {
        Signal(SpinLock::new(State::Idle))
    }

    /// Waits until there has been a wake since this last returned. For one thread.
    pub(super) fn wait(&self, reason: Reason) {
        self.wait_for_wake(reason);
        race::hook(|race| race.acquire(self));
    }

    fn wait_for_wake(&self, reason: Reason) {
        let section = Section::enter();
        let mut state = self.0.lock();
        if matches!(*state, State::Woken) {
            *state = State::Idle;
            drop(state);
            let is_green = section.g().is_some();
            drop(section);
            if is_green {
                // Mostly the future's own doing, which asks for this. Among OS threads the kernel sees to it.
                yield_now();
            }
            return;
        }
        let claim = section.claim_if(false);
        *state = State::Waiting(Sleeper::current(&section), claim);
        let Some(claim) = claim else { return section.park_unlocking(reason, state) };
        if section.park_unlocking_until(reason, None, claim, state) == Ended::Interrupted {
            let section = Section::enter();
            *self.0.lock() = State::Idle;
            drop(section);
            Interrupted::unwind();
        }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        race::hook(|race| race.forget(self, size_of::<Signal>()));
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let section = Section::enter();
        race::hook_in(&section, |race| race.release(&raw const **self));
        let mut state = self.0.lock();
        match *state {
            State::Woken => {}
            State::Idle => *state = State::Woken,
            State::Waiting(sleeper, claim) => {
                *state = State::Idle;
                // SAFETY: who waits looks here, under the lock, before it leaves, so it is there.
                let is_ours = claim.is_none_or(|claim| unsafe { claim.take() });
                drop(state);
                if is_ours {
                    // SAFETY: it was left there under the lock that its park gave up, and taken out once, with its claim.
                    unsafe { sleeper.wake(&section) };
                }
            }
        }
    }
}
