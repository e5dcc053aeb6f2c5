//! Timelines: where a thread is in its own time, and what it has seen of the others'.

use std::panic::Location;
use std::sync::Arc;

use super::clock::{Clock, Epoch};
use super::slots::{self, Slot, Slots};
use crate::g::G;
use crate::m;

/// Who a thread is, for reports. It outlives the thread.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) title: Arc<str>,
    pub(super) origin: Option<Origin>,
}

/// How a thread came into being.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) at: &'static Location<'static>,
    /// Its parent's title, if that is known.
    pub(super) by: Option<Arc<str>>,
}

impl Who {
    fn green(g: &'static G, parent: Option<&Who>) -> Who {
        let title = std::fmt::from_fn(|f| g.write_title(f)).to_string().into();
        let by = parent.map(|parent| parent.title.clone());
        Who { title, origin: g.spawned_at().map(|at| Origin { at, by }) }
    }

    fn os_thread() -> Who {
        // SAFETY: gettid has no preconditions.
        let tid = unsafe { libc::gettid() };
        let title = match std::thread::current().name() {
            Some(name) => format!("OS thread {tid} \"{name}\""),
            None => format!("OS thread {tid}"),
        };
        Who { title: title.into(), origin: None }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Timeline {
    slot: &'static Slot,
    who: Arc<Who>,
    clock: Clock,
}

impl Timeline {
    /// One that has seen what `clock` has.
    pub(super) fn new(slots: &mut Slots, who: Who, clock: Clock) -> Timeline {
        let who = Arc::new(who);
        let slot = slots.take(who.clone());
        let mut timeline = Timeline { slot, who, clock };
        timeline.clock.set(slot.number, slot.now());
        timeline
    }

    /// That of `g`, which this thread is about to start.
    pub(super) fn spawn(&mut self, g: &'static G) -> Timeline {
        self.child(&mut slots::slots(), Who::green(g, Some(&self.who)))
    }

    /// That of a thread which this one is about to start.
    pub(super) fn child(&mut self, slots: &mut Slots, who: Who) -> Timeline {
        let child = Timeline::new(slots, who, self.clock.clone());
        self.tick();
        child
    }

    /// That of a green thread whose beginning was not seen.
    pub(super) fn of_stranger(g: &'static G) -> Timeline {
        Timeline::after_everything(Who::green(g, None))
    }

    /// That of the OS thread that calls this.
    pub(super) fn of_os_thread() -> Timeline {
        match m::current() {
            Some(_) => Timeline::new(&mut slots::slots(), Who::os_thread(), Clock::new()),
            None => Timeline::after_everything(Who::os_thread()),
        }
    }

    /// One that has seen all that was done so far.
    fn after_everything(who: Who) -> Timeline {
        let mut slots = slots::slots();
        let mut clock = Clock::new();
        slots.all().for_each(|slot| clock.set(slot.number, slot.now()));
        Timeline::new(&mut slots, who, clock)
    }

    /// The present moment.
    pub(super) fn epoch(&self) -> Epoch {
        Epoch { slot: self.slot, time: self.clock.get(self.slot.number) }
    }

    /// Whether all that was done in that epoch is ordered before the present moment.
    pub(super) fn is_after(&self, epoch: Epoch) -> bool {
        self.clock.has_seen(epoch) || epoch.slot.is_settled(epoch.time)
    }

    /// Sees what others have left in `clock`.
    pub(super) fn acquire(&mut self, clock: &Clock) {
        self.clock.join(clock);
    }

    /// Leaves in `clock`, beside what is there, what this thread has done and seen.
    pub(super) fn release(&mut self, clock: &mut Clock) {
        clock.join(&self.clock);
        self.tick();
    }

    /// As [`release`](Timeline::release), but in the place of what is there.
    pub(super) fn release_store(&mut self, clock: &mut Clock) {
        clock.copy(&self.clock);
        self.tick();
    }

    /// Leaves in `clock` what this thread has done and seen, and sees what was there, which is not left.
    pub(super) fn hand_over(&mut self, clock: &mut Clock) {
        let handed = std::mem::replace(clock, self.clock.clone());
        self.clock.join(&handed);
        self.tick();
    }

    /// What comes now is not part of what has been released.
    fn tick(&mut self) {
        self.clock.set(self.slot.number, self.slot.tick());
    }

    /// Ends it: its thread does nothing any more.
    pub(super) fn end(self) {
        slots::slots().give_back(self.slot);
    }

    /// Ends it, and orders all of it before whatever is done from now on.
    pub(super) fn settle(self) {
        self.slot.settle();
        self.end();
    }
}
