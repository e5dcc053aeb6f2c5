//! How long to wait, and waiting for nothing else than the end of that.

use std::iter;
use std::time::{Duration, Instant};

use sward_sched::{Ended, Interrupted, Reason, Section, Sleeper};

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    None,
    For(Duration),
    Until(Instant),
    Endless,
}

impl Patience {
    /// Until when to wait; `None`: for as long as it takes, which is also what a time beyond the clock's end means. That is settled the first time.
    pub(super) fn deadline(&mut self) -> Option<Instant> {
        if let Patience::For(time) = *self {
            *self = Instant::now().checked_add(time).map_or(Patience::Endless, Patience::Until);
        }
        match *self {
            Patience::Until(deadline) => Some(deadline),
            _ => None,
        }
    }

    /// Whether there is to be no more waiting.
    pub(super) fn is_over(&mut self) -> bool {
        matches!(self, Patience::None) || self.deadline().is_some_and(|deadline| deadline <= Instant::now())
    }
}

/// Waits until the time has come; without one, for ever. An interrupted thread unwinds.
pub(super) fn idle_until(section: Section, time: Option<Instant>) {
    let reason = if time.is_some() { Reason::ChanReceive } else { Reason::ChanForever };
    let claim = Sleeper::current(&section).claim();
    // SAFETY: there are no locks.
    if unsafe { section.park_unlocking_all(reason, time, claim, iter::empty()) } == Ended::Interrupted {
        Interrupted::unwind();
    }
}
