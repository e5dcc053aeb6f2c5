//! Timer channels: `after`, `at` and `tick`.
//!
//! Nobody sends on them. Their messages are the times that have passed, and those are there as soon as anybody looks: no thread and no timer is
//! at work for a channel that nobody waits for, and none is left behind by one that nobody wants any more. Who waits for a message sleeps
//! until it is due; a select, until the first of its timer channels is.
//!
//! A message that is due but not received is not joined by the next one: a ticker that nobody looks at has one message, and goes on counting from
//! the time when that is received. So no burst of old ticks comes out, and nobody gets one that was due before the last.

use std::time::{Duration, Instant};

use sward_sched::race;
use sward_sched::{Section, SpinLock};

use super::patience::{Patience, idle_until};
use super::shared::Refusal;

/// What a timer channel has in place of senders. `T` is `Instant`: what makes it one is told when the clock is made.
pub(super) struct Clock<T> {
    /// When the next message is due; `None`: there is none any more.
    next: SpinLock<Option<Instant>>,
    period: Option<Duration>,
    message: fn(Instant) -> T,
}

impl Clock<Instant> {
    /// A message at `first`, and then again after each `period`, if there is one.
    pub(super) fn new(first: Instant, period: Option<Duration>) -> Clock<Instant> {
        Clock { next: SpinLock::new(Some(first)), period, message: |due| due }
    }
}

impl<T> Clock<T> {
    /// When the next message is due; `None`: never.
    pub(super) fn next(&self, _section: &Section) -> Option<Instant> {
        *self.next.lock()
    }

    /// How many messages are due.
    pub(super) fn len(&self) -> usize {
        let next = self.next(&Section::enter());
        usize::from(next.is_some_and(|next| next <= Instant::now()))
    }

    /// The message that is due.
    pub(super) fn take(&self, section: &Section) -> Option<T> {
        let mut next = self.next.lock();
        let due = (*next)?;
        let now = Instant::now();
        if now < due {
            return None;
        }
        *next = self.period.and_then(|period| now.checked_add(period));
        race::hook_in(section, |race| race.acquire(self));
        Some((self.message)(due))
    }

    /// Waits for a message.
    #[cold]
    pub(super) fn receive(&self, mut section: Section, mut patience: Patience) -> Result<T, Refusal> {
        loop {
            if let Some(message) = self.take(&section) {
                return Ok(message);
            }
            if patience.is_over() {
                return Err(Refusal::NotReady);
            }
            let next = self.next(&section);
            idle_until(section, patience.deadline().into_iter().chain(next).min());
            section = Section::enter();
        }
    }
}
