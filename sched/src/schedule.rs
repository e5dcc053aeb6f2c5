//! The scheduler loop: what an M does on its own stack.
//!
//! Where the next G comes from, in this order:
//!
//! 1. timers that are due, when the queue is empty or at every 16th switch;
//! 2. at every 61st time slice the [`netpoll`]er and the global queue, so that two Gs that keep a P busy cannot starve them;
//! 3. the P's own queue ([`run_queue`](crate::run_queue));
//! 4. the global queue;
//! 5. the netpoller;
//! 6. other Ps, in random order, half a queue at a time; in the last round also their timers and their `run_next`;
//! 7. sleep ([`idle`]).
//!
//! At most half as many Ms steal as there are busy Ps: one that finds nothing costs its victims cache misses.

use std::ptr;

use crate::clock::{self, NEVER};
use crate::context::{Back, Context, Leave};
use crate::g::{self, G};
use crate::idle;
use crate::lock_thread::unlock_from_thread;
use crate::m::M;
use crate::netpoll;
use crate::overflow::AlternateStack;
use crate::p::{P, PState};
use crate::run_queue::{Pick, Task};
use crate::sched::{Sched, sched};
use crate::status::State;
use crate::timer::BATCH;
use sward_mem::fatal;

/// Every how many time slices the global queue comes first: a prime, as Go has it, so that it falls into step with nothing.
const GLOBAL_EVERY: u32 = 61;
/// Every how many switches the clock is read for timers that may be due: reading it takes as long as a switch.
const TIMERS_EVERY: u32 = 16;
/// How often an M looks at all other Ps before it gives up.
const STEAL_ROUNDS: usize = 4;
/// The most Gs taken from the global queue at a time.
const GLOBAL_BATCH: usize = 64;

/// What becomes of the M after a G has left it.
#[derive(PartialEq, Eq)]
enum After {
    Goes,
    /// The G ended while locked to this thread.
    Ends,
}

/// The life of an M's thread.
pub(crate) fn run_m(m: &'static M) {
    m.adopt_thread();
    crate::holder::share_stack();
    // What crossbeam's deques need of each thread is set up when first used, which would be on some green stack, and takes kilobytes.
    drop(crossbeam_epoch::pin());
    let alternate_stack = AlternateStack::install();
    m.set_alternate_stack(alternate_stack.range());
    idle::take_handed_p(m);
    loop {
        let pick = match m.locked_g() {
            Some(g) => next_of_locked(m, g),
            None => next(m),
        };
        if execute(m, pick) == After::Ends {
            break;
        }
    }
    let sched = sched();
    let p = m.held_p();
    m.set_p(None);
    // What the thread does from here on, in destructors, it does as a thread that is not ours.
    m.leave_thread();
    sched.lists.lock().end_m(m);
    sched.hand_off(p);
    // The other Ms may have gone to sleep while this one was still active.
    idle::check_deadlock(sched);
}

/// Runs a G until it leaves.
fn execute(m: &'static M, pick: Pick) -> After {
    let g = pick.g;
    let p = m.held_p();
    if m.is_spinning() {
        m.set_spinning(false);
        m.answer_offer(true);
        if sched().handshake.end_spinning_with_work() {
            sched().wake_if_idle();
        }
    }
    if let Some(owner) = g.locked_m()
        && !ptr::eq(owner, m)
    {
        m.set_p(None);
        owner.set_next_p(Some(p));
        owner.note.wake();
        idle::sleep(sched(), m);
        return After::Goes;
    }
    begin_turn(p, &pick);
    g.prefetch_stack();
    loop {
        g.status.run();
        // SAFETY: this M has just moved the G to *running*.
        let context = unsafe { g.context() };
        if !context.is_started() {
            begin(context, g, p);
        }
        match resume(m, g, context) {
            Back::Suspended(leave) => {
                // Asked first: once it is put aside, others may have it.
                let without_p = leave == Leave::NeedP && g.locked_m().is_none();
                if put_aside(m, g, leave) {
                    if without_p {
                        idle::sleep(sched(), m);
                    }
                    return After::Goes;
                }
            }
            Back::Finished => return finish(m, g),
        }
    }
}

/// Counts the turn of a G that has been picked, for the holder of the P.
#[inline]
fn begin_turn(p: &'static P, pick: &Pick) {
    if !pick.inherits_slice {
        P::tick(&p.slices);
    }
    // SAFETY: for the holder.
    unsafe { p.owner() }.queue.count_switch(&p.shared);
}

/// Switches to a stack of a G that is *running*, until it comes back.
#[inline(always)]
fn resume(m: &'static M, g: &'static G, context: &mut Context) -> Back {
    g.set_m(m);
    m.set_current(Some(g));
    let back = context.resume();
    // The section in which the G left ends here.
    m.set_locks(0);
    m.set_current(None);
    back
}

/// Does with a G what it has left its stack for. `false`: there was nothing to wait for, and it is *runnable* for the caller to go on with.
#[inline(always)]
fn put_aside(m: &'static M, g: &'static G, leave: Leave) -> bool {
    match leave {
        Leave::Park => {
            let (commit, closure) = m.take_commit();
            g.status.leave_running(State::Waiting);
            // SAFETY: the closure belongs to the commit, which is called once.
            if unsafe { commit(closure) } {
                return true;
            }
            g.status.transition(State::Waiting, State::Runnable);
            return false;
        }
        Leave::Yield => {
            // This M's P may be another by now. Others come first, those of the global queue included: two threads that yield
            // to each other would keep the P from who comes back from a blocking call.
            let p = m.held_p();
            fetch_global(sched(), p);
            g.status.leave_running(State::Runnable);
            // SAFETY: this M holds the P.
            unsafe { p.owner() }.queue.push_started(g);
            // It waits behind others now, while a P may be idle.
            if sched().handshake.could_wake() {
                sched().wake_if_idle();
            }
        }
        Leave::NeedP => {
            g.status.transition(State::Syscall, State::Runnable);
            sched().push_global(g);
        }
    }
    true
}

/// Runs a G, which is *running* and locked to this M, on a further stack to its end: what a callback does. What it waits for, this M waits for.
pub(crate) fn run_to_end(m: &'static M, g: &'static G, context: &mut Context) {
    while let Back::Suspended(leave) = resume(m, g, context) {
        if put_aside(m, g, leave) {
            await_turn(m, g);
        }
        g.status.run();
    }
}

/// Waits until a G that is locked to this M, and waits or is queued, has been scheduled.
pub(crate) fn await_turn(m: &'static M, g: &'static G) {
    let pick = next_of_locked(m, g);
    begin_turn(m.held_p(), &pick);
}

/// Gives a fresh G its stack.
#[inline]
fn begin(context: &mut Context, g: &'static G, p: &P) {
    match p.take_stack(g.stack_shift()) {
        Ok(stack) => context.start(stack, g, || g.run_on_green_stack()),
        Err(error) => fatal!("green thread {} cannot begin: {error}", g.id()),
    }
}

/// Takes apart what is left of a G that has ended.
fn finish(m: &'static M, g: &'static G) -> After {
    let p = m.held_p();
    // SAFETY: this M has run the G, and nobody else does before its references are gone.
    let Some(stack) = unsafe { g.context() }.take_stack() else {
        fatal!("green thread {} ended without a stack", g.id())
    };
    p.free_stack(stack, sched().stack_shift);
    g.forget_stack();
    g.status.leave_running(State::Dead);
    P::count(&p.ended);
    let after = if m.locked_g().is_some() { After::Ends } else { After::Goes };
    if after == After::Ends {
        unlock_from_thread(m, g);
    }
    if g::drop_reference(g) {
        p.free_g(g);
    }
    after
}

/// Finds the next G for an M that holds a P, sleeping if need be.
fn next(m: &'static M) -> Pick {
    let sched = sched();
    loop {
        let p = m.held_p();
        if p.id >= sched.procs() {
            m.set_p(None);
            idle::stop_spinning(sched, m);
            sched.hand_off(p);
            idle::sleep(sched, m);
            continue;
        }
        if let Some(pick) = next_here(sched, p) {
            return pick;
        }
        if poll(sched, p) {
            continue;
        }
        if !m.is_spinning() && sched.handshake.may_spin(sched.procs()) {
            m.set_spinning(true);
            sched.handshake.begin_spinning();
        }
        if m.is_spinning()
            && let Some(pick) = steal(sched, m, p)
        {
            return pick;
        }
        idle::wait_for_work(m);
    }
}

/// The next G of the P's own queue and of the global one.
#[inline]
fn next_here(sched: &Sched, p: &'static P) -> Option<Pick> {
    // SAFETY: the M that calls this holds the P.
    let queue = unsafe { &p.owner().queue };
    if p.timers.next() != NEVER
        && (p.shared.switches().is_multiple_of(TIMERS_EVERY)
            || p.shared.fair_turn_is_due()
            || queue.is_empty(&p.shared))
    {
        run_timers(p, p);
    }
    // Relaxed: written by this M.
    let global_first = p.slices.load(std::sync::atomic::Ordering::Relaxed).is_multiple_of(GLOBAL_EVERY);
    if global_first {
        poll(sched, p);
        if let Some(pick) = take_global(sched, p, 1) {
            // The slice must count on from here, or the global queue would come first again and again.
            return Some(pick);
        }
    }
    if p.shared.fair_turn_is_due() {
        fetch_global(sched, p);
    }
    queue.pop(&p.shared).or_else(|| take_global(sched, p, GLOBAL_BATCH))
}

/// Queues the Gs whose descriptors are ready on `p`, which the caller holds. Tells whether there were any.
#[inline]
fn poll(sched: &Sched, p: &'static P) -> bool {
    let Some(netpoll) = netpoll::get() else { return false };
    let mut ready = 0;
    netpoll.look(|g| {
        ready += 1;
        ready_last(p, g);
    });
    // One of them this M runs itself.
    if ready > 1 {
        sched.wake_if_idle();
    }
    ready > 0
}

/// Makes a waiting G runnable, behind the others on `p`, which the caller holds.
#[inline]
fn ready_last(p: &'static P, g: &'static G) {
    g.status.transition(State::Waiting, State::Runnable);
    // SAFETY: the caller holds the P.
    unsafe { p.owner() }.queue.push_started(g);
}

/// Takes Gs from the global queue: one to run, others into the P's own queue.
#[inline]
fn take_global(sched: &Sched, p: &'static P, batch: usize) -> Option<Pick> {
    // SAFETY: the M that calls this holds the P.
    let queue = unsafe { &p.owner().queue };
    while !sched.global.is_empty() {
        let steal = sched.global.steal_batch_with_limit_and_pop(queue.started(), batch);
        if !steal.is_retry() {
            return steal.success().map(|Task(g)| Pick { g, inherits_slice: false });
        }
    }
    None
}

/// Moves a batch of Gs from the global queue to the P's own.
#[inline]
fn fetch_global(sched: &Sched, p: &'static P) {
    // SAFETY: the M that calls this holds the P.
    let queue = unsafe { &p.owner().queue };
    while !sched.global.is_empty() && sched.global.steal_batch_with_limit(queue.started(), GLOBAL_BATCH).is_retry() {}
}

/// Wakes Gs whose time has come on `of`, to run on `p`, which the caller holds.
fn run_timers(of: &P, p: &'static P) {
    if of.timers.next() == NEVER {
        return;
    }
    // SAFETY: the caller holds the P.
    let queue = unsafe { &p.owner().queue };
    // Fewer than have run since the last look: the queue gets shorter, and who is woken runs while its memory is still in the cache.
    let limit = if queue.is_empty(&p.shared) { BATCH } else { TIMERS_EVERY as usize / 2 };
    let due = of.timers.take_due(clock::now(), limit);
    for claim in &due {
        let Some(g) = claim.g() else { fatal!("a timer of P {} was armed for an OS thread", of.id) };
        // Relaxed: see `park_green_until`.
        g.timed_out.store(true, std::sync::atomic::Ordering::Relaxed);
        ready_last(p, g);
    }
    // One of them this M runs itself.
    if due.len() > 1 {
        sched().wake_if_idle();
    }
}

/// Looks for work at the other Ps.
fn steal(sched: &Sched, m: &'static M, p: &'static P) -> Option<Pick> {
    // SAFETY: this M holds the P. Borrowed anew for each use, as the timers borrow it too.
    let queue = || unsafe { &p.owner().queue };
    let n = sched.ps_made();
    for round in 1..=STEAL_ROUNDS {
        let last = round == STEAL_ROUNDS;
        for i in random_order(m, n) {
            let victim = sched.p(i);
            if ptr::eq(victim, p) {
                continue;
            }
            if let Some(pick) = queue().steal_half(&victim.shared) {
                return Some(pick);
            }
            if last {
                run_timers(victim, p);
                let patient = victim.state() == PState::Running;
                let stolen = queue().pop(&p.shared).or_else(|| victim.shared.steal_run_next(patient));
                if stolen.is_some() {
                    return stolen;
                }
            }
        }
    }
    None
}

/// All numbers below `n`, each once, from a random start by a random stride without a common divisor with `n`.
fn random_order(m: &M, n: usize) -> impl Iterator<Item = usize> + use<> {
    let gcd = |mut a: usize, mut b: usize| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let start = m.random.below(n);
    let first = m.random.below(n);
    let stride = (0..n).map(|i| (first + i) % n + 1).find(|&stride| gcd(stride, n) == 1).unwrap_or(1);
    (0..n).map(move |i| (start + i * stride) % n)
}

/// Gives the P away and sleeps until the G that is locked to this M has been scheduled.
fn next_of_locked(m: &'static M, g: &'static G) -> Pick {
    let sched = sched();
    if let Some(p) = m.p() {
        m.set_p(None);
        sched.hand_off(p);
    }
    sched.lists.lock().locked_asleep += 1;
    idle::check_deadlock(sched);
    m.note.sleep();
    sched.lists.lock().locked_asleep -= 1;
    idle::take_handed_p(m);
    Pick { g, inherits_slice: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_order_visits_each_once() {
        let m = M::new(1);
        for n in 1..40 {
            for _ in 0..20 {
                let mut order: Vec<_> = random_order(&m, n).collect();
                order.sort_unstable();
                assert!(order.into_iter().eq(0..n));
            }
        }
    }

    #[test]
    fn random_order_starts_everywhere() {
        let m = M::new(7);
        let mut starts = [0; 5];
        (0..5000).for_each(|_| starts[random_order(&m, 5).next().unwrap()] += 1);
        assert!(starts.iter().all(|&times| times > 700), "{starts:?}");
    }
}
