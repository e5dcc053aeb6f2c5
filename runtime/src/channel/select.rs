//! Choosing one of several operations: what `select!` and [`Select`] have in common.
//!
//! ```text
//!   1. look at one case after the other, keeping the locks ────────────────────► found
//!                                  │ nothing; now it has all of the locks
//!   2. enqueue a waiter for each case, park; unlock all of the channels
//!                                  │ somebody finds one of the waiters, and takes the claim
//!   3. take the other waiters out of their queues ─────────────────────────────► found
//!                                  │ or it was a timer channel, which is due now: 1.
//!                                  ▼
//!                                  out of time
//! ```
//!
//! # Uniform choice
//! The cases are looked at in random order. Of those that are ready, each is as likely as any other to come first, however they
//! lie between the others; a random point to start from would favour one that follows on several that are not ready.
//!
//! # One winner
//! All waiters of a select carry the same [`Claim`](sward_sched::Claim): one who finds several of them, or several who find one each, get the
//! select once. All locks are held from the look at everything until the select is in all queues, so nothing becomes ready unseen in between; and no
//! select finds itself, since it looks before it is in any queue. Nor is a `default` chosen unless nothing was ready at one and the same moment.
//!
//! # The locks
//! Whoever waits for a lock while holding others must take them in an order, that of the addresses. But the first look goes in random order. So
//! it waits for its first lock only, and tries the others; if one is taken, it gives all back and takes them in order. That is also how it comes to
//! notice that two cases have the same channel.
//!
//! The waiters lie on the caller's stack. When `choose` returns, they are in no queue.
//!
//! # The message of a send
//! `send(s, v)` evaluates `v` only when that case has been chosen, and `v` may wait, panic or leave the `select!` by a `break`. So what is chosen is
//! the [`Right`](operation::Right) to send, and the message comes later. Until then, a receiver that waited goes on waiting, with nobody else able to end its wait, or
//! a place in the buffer is kept. A right that is not used is given up: the receiver starts again, the place goes to who waits for one.
//!
//! # Without allocating
//! Up to [`FEW`](few::FEW) cases, everything is on the stack.

mod few;
pub mod internal;
mod macros;
mod operation;
mod room;
mod set;

pub use set::{Select, SelectedOperation};

use std::mem;
use std::time::Instant;

use sward_sched::{Ended, Held, Interrupted, Reason, Section, Sleeper};

use super::patience::{Patience, idle_until};
use super::waiters::{Outcome, Part, Waiter};
use few::Few;
use internal::{Case, Chosen};
use operation::{Found, Look};

/// How cases are preferred to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Not at all.
    Random,
    /// Those that come first.
    Given,
}

/// Waits until one of the cases is ready, and takes it. `None`: out of patience.
#[inline(never)]
fn choose<'a>(cases: &[Case<'a, '_>], order: Order, mut patience: Patience) -> Option<Chosen<'a>> {
    let mut section = Section::enter();
    let (mut indices, mut held) = (Few::new(cases.len()), Few::new(cases.len()));
    let mut draws = Draws::new(indices.as_mut_slice(), order);
    let mut locks = Locks::new(cases, held.as_mut_slice());
    loop {
        if let Some((i, found)) = locks.take_until_found(&section, &mut draws) {
            locks.give_back();
            match cases[i].settle(section, found) {
                Some(chosen) => return Some(chosen),
                None => section = Section::enter(),
            }
            continue;
        }
        if patience.is_over() {
            return None;
        }
        let (now, woken) = wait(section, &mut locks, draws.indices, patience.deadline(), |case| case.part());
        section = now;
        match woken {
            Some((i, outcome)) => {
                if let Some(chosen) = cases[i].accept(&section, outcome) {
                    return Some(chosen);
                }
            }
            None if patience.is_over() => return None,
            None => {}
        }
    }
}

/// Waits until one of the cases may be ready, and returns its index. `None`: out of patience.
fn await_ready(cases: &[Case<'_, '_>], order: Order, mut patience: Patience) -> Option<usize> {
    let mut section = Section::enter();
    let (mut indices, mut held) = (Few::new(cases.len()), Few::new(cases.len()));
    let mut draws = Draws::new(indices.as_mut_slice(), order);
    let mut locks = Locks::new(cases, held.as_mut_slice());
    loop {
        locks.take_in_order();
        draws.begin();
        while let Some(i) = draws.next(&section) {
            if cases[i].is_ready(&section, locks.of_case(i)) {
                return Some(cases[i].index());
            }
        }
        if patience.is_over() {
            return None;
        }
        let (now, woken) = wait(section, &mut locks, draws.indices, patience.deadline(), |_| Part::Watch);
        section = now;
        match woken {
            Some((i, _)) => return Some(cases[i].index()),
            None if patience.is_over() => return None,
            None => {}
        }
    }
}

/// Waits for others to do something for one of the cases, all of whose locks are held; for a timer channel to be due; and for the deadline.
/// Returns which case it was, and what has become of it; nothing, if it was the time. An interrupted thread unwinds.
fn wait<'a, 's>(
    section: Section,
    locks: &mut Locks<'_, 'a, 's>,
    drawn: &[usize],
    deadline: Option<Instant>,
    part: impl Fn(&Case<'a, 's>) -> Part,
) -> (Section, Option<(usize, Outcome)>) {
    let cases = locks.cases;
    let sleeper = Sleeper::current(&section);
    let claim = sleeper.claim();
    let mut until = deadline;
    let mut waiters = Few::<Option<Waiter>>::new(cases.len());
    let waiters = waiters.as_mut_slice();
    // Also among those that wait in the same queue, none is to come before the other.
    for &i in drawn {
        let case = &cases[i];
        match locks.of_case(i) {
            Some(held) => {
                let waiter = waiters[i].insert(Waiter::new(sleeper, Some(claim), part(case)));
                waiter.release(&section);
                // SAFETY: it stays where it is; below, it has been woken by what it got in this queue, or is dequeued.
                unsafe { case.enqueue(held, waiter) };
            }
            None => until = case.due(&section).into_iter().chain(until).min(),
        }
    }
    if locks.count == 0 {
        idle_until(section, until);
        return (Section::enter(), None);
    }
    // SAFETY: below, each waiter is dequeued under its lock, but for the one that got what it waited for; and there is one for each lock.
    let ended = unsafe { section.park_unlocking_all(Reason::Select, until, claim, locks.give_away()) };
    let section = Section::enter();
    let mut woken = None;
    for (i, (case, waiter)) in cases.iter().zip(waiters).enumerate() {
        let Some(waiter) = waiter else { continue };
        match waiter.outcome() {
            Some(outcome) => woken = Some((i, outcome)),
            // SAFETY: enqueued above.
            None => unsafe { case.dequeue(&section, waiter) },
        }
    }
    if ended == Ended::Interrupted {
        drop(section);
        Interrupted::unwind();
    }
    (section, woken)
}

/// In which order to look at the cases.
struct Draws<'i> {
    /// Those before `next` have been drawn.
    indices: &'i mut [usize],
    next: usize,
    order: Order,
    /// What is left of a random number.
    luck: u64,
}

/// How many draws a random number is good for.
const DRAWS_A_NUMBER: usize = 8;

impl Draws<'_> {
    fn new(indices: &mut [usize], order: Order) -> Draws<'_> {
        Draws { indices, next: 0, order, luck: 0 }
    }

    /// Puts all back.
    fn begin(&mut self) {
        self.next = 0;
        self.indices.iter_mut().enumerate().for_each(|(i, index)| *index = i);
    }

    /// Draws a case that has not been drawn yet.
    #[inline]
    fn next(&mut self, section: &Section) -> Option<usize> {
        let left = self.indices.get_mut(self.next..)?;
        if self.order == Order::Random && left.len() > 1 {
            if self.next.is_multiple_of(DRAWS_A_NUMBER) {
                self.luck = section.random();
            }
            // The number is a fraction of 1: times n, its whole part is below n, and the rest a fraction again.
            let drawn = u128::from(self.luck) * left.len() as u128;
            self.luck = drawn as u64;
            left.swap(0, (drawn >> 64) as usize);
        }
        self.next += 1;
        left.first().copied()
    }
}

/// Locks of the channels of a select, held.
struct Locks<'c, 'a, 's> {
    cases: &'c [Case<'a, 's>],
    /// At the place of the case, or of another one of the same channel.
    held: &'c mut [Option<Held<'a>>],
    count: usize,
}

impl<'c, 'a, 's> Locks<'c, 'a, 's> {
    fn new(cases: &'c [Case<'a, 's>], held: &'c mut [Option<Held<'a>>]) -> Locks<'c, 'a, 's> {
        Locks { cases, held, count: 0 }
    }

    /// Looks at one case after the other, and keeps the locks, until it finds one that is ready, or else has all locks.
    fn take_until_found(&mut self, section: &Section, draws: &mut Draws) -> Option<(usize, Found)> {
        draws.begin();
        while let Some(i) = draws.next(section) {
            match self.cases[i].lock_and_look(section, self.count == 0) {
                Look::Found(found) => return Some((i, found)),
                Look::Nothing(None) => {}
                Look::Nothing(held) => self.keep(i, held),
                Look::Contended => return self.take_in_order_and_look(section, draws),
            }
        }
        None
    }

    #[cold]
    fn take_in_order_and_look(&mut self, section: &Section, draws: &mut Draws) -> Option<(usize, Found)> {
        self.take_in_order();
        draws.begin();
        while let Some(i) = draws.next(section) {
            if let Some(found) = self.cases[i].look(section, self.of_case(i)) {
                return Some((i, found));
            }
        }
        None
    }

    /// Takes all locks in the order of their addresses, having given back those that it has.
    fn take_in_order(&mut self) {
        self.give_back();
        let mut sorted = Few::<(usize, usize)>::new(self.cases.len());
        let sorted = sorted.as_mut_slice();
        for (i, (entry, case)) in sorted.iter_mut().zip(self.cases).enumerate() {
            // No lock is at 0.
            *entry = (case.lock_address().unwrap_or(0), i);
        }
        sorted.sort_unstable();
        let mut last = 0;
        for &(address, i) in &*sorted {
            if address != last {
                last = address;
                self.keep(i, Some(self.cases[i].lock()));
            }
        }
    }

    fn keep(&mut self, i: usize, held: Option<Held<'a>>) {
        self.held[i] = held;
        self.count += 1;
    }

    /// The lock of this case's channel, if it has one.
    fn of_case(&mut self, i: usize) -> Option<&mut Held<'a>> {
        if self.held[i].is_some() {
            return self.held[i].as_mut();
        }
        let address = self.cases[i].lock_address()?;
        self.held.iter_mut().flatten().find(|held| held.address() == address)
    }

    /// Gives all of them away. Having given the last one, it looks at nothing more.
    fn give_away(&mut self) -> impl Iterator<Item = Held<'a>> {
        let count = mem::take(&mut self.count);
        self.held.iter_mut().filter_map(Option::take).take(count)
    }

    fn give_back(&mut self) {
        self.give_away().for_each(drop);
    }
}
