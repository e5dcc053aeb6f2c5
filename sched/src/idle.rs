//! Idle Ps and idle Ms: how a P finds an M, and where an M without work sleeps.
//!
//! An M that has run dry releases its P, looks once more (see [`handshake`](crate::handshake)), and sleeps on its note. Who needs an M takes
//! one from the list, hands it a P, and wakes it; without one on the list, it has sysmon start a thread.
//!
//! While all Ps are idle, somebody must wake for the next timer: the **keeper**, an idle M that sleeps with a time-out. There is
//! one as long as timers are armed: each M that goes to sleep looks at the earliest timer of all, and if the keeper's time-out is later,
//! it becomes the keeper itself. While any P is busy, its M runs the timers, and sysmon guards them.
//!
//! Likewise, while green threads wait for sockets, one idle M is the **poller**, and sleeps in the [netpoller](crate::netpoll).

use std::panic::{self, AssertUnwindSafe};

use crate::clock::{self, NEVER, Nanos};
use crate::deadlock;
use crate::m::M;
use crate::netpoll;
use crate::p::{P, PState};
use crate::records;
use crate::sched::{Sched, sched};
use sward_mem::fatal;
use sward_mem::persistent::Purpose;

/// Bytes of an M's own stack, for foreign code: as much as most systems give a program's main thread. Memory is what is touched of it.
const M_STACK: usize = 8 << 20;

/// The idle ones. Under the scheduler's lock.
#[derive(Default)]
pub(crate) struct Lists {
    /// Idle Ps, the last released last.
    ps: Vec<&'static P>,
    /// Sleeping Ms, the last to sleep last.
    ms: Vec<&'static M>,
    /// Every M ever made.
    pub(crate) all_ms: Vec<&'static M>,
    /// Ms whose threads are to be started.
    unborn_ms: Vec<&'static M>,
    /// Ms whose threads have ended.
    ended_ms: Vec<&'static M>,
    /// Ms that sleep until the G that is locked to them is scheduled.
    pub(crate) locked_asleep: usize,
    /// Borrowed Ms whose threads are not in a callback: the threads are not ours then.
    resting: usize,
    /// Counts the threads that have begun and ended.
    changes: usize,
    /// The M that sleeps until the next timer, and until when.
    keeper: Option<(&'static M, Nanos)>,
}

impl Lists {
    /// Takes an idle P for the caller, or for an M that it hands it to.
    pub(crate) fn take_p(&mut self, sched: &Sched) -> Option<&'static P> {
        let p = self.ps.pop()?;
        sched.handshake.p_runs();
        sched.sysmon.wake_from_deep_sleep();
        if !p.transition(PState::Idle, PState::Running) {
            fatal!("P {} is on the idle list and {:?}", p.id, p.state());
        }
        Some(p)
    }

    /// Puts a P that nobody holds on the idle list, or retires it if there are more than asked for.
    pub(crate) fn put_p(&mut self, sched: &Sched, p: &'static P) {
        if p.id >= sched.procs() {
            p.hand_down(sched.p(0));
            p.set_state(PState::Retired);
            return;
        }
        p.set_state(PState::Idle);
        self.ps.push(p);
        sched.handshake.p_idles();
    }

    /// Removes the Ps above `procs` from the idle list.
    pub(crate) fn retire_idle_ps(&mut self, sched: &Sched, procs: usize) {
        for p in self.ps.extract_if(.., |p| p.id >= procs) {
            sched.handshake.p_runs();
            p.hand_down(sched.p(0));
            p.set_state(PState::Retired);
        }
    }

    /// How many Ms run, or are in a foreign call: all but the sleeping ones.
    pub(crate) fn active_ms(&self) -> usize {
        self.all_ms.len() - self.ended_ms.len() - self.ms.len() - self.locked_asleep - self.resting
    }

    /// How many OS threads the scheduler has.
    pub(crate) fn threads(&self) -> usize {
        self.all_ms.len() - self.ended_ms.len() - self.unborn_ms.len() - self.resting
    }

    /// A number that changes whenever an OS thread of the scheduler begins or ends.
    pub(crate) fn changes(&self) -> usize {
        self.changes
    }

    /// How many Ms sleep for want of work.
    pub(crate) fn idle_ms(&self) -> usize {
        self.ms.len()
    }

    /// Takes a sleeping M to be woken: the poller last, as somebody must poll.
    fn take_m(&mut self) -> Option<&'static M> {
        let last = self.ms.iter().rposition(|m| !m.polls()).or(self.ms.len().checked_sub(1))?;
        let m = self.ms.remove(last);
        self.no_longer_keeper(m);
        Some(m)
    }

    /// Takes `m` off the list of sleepers. `false`: somebody else has, and hands it a P.
    fn withdraw(&mut self, m: &'static M) -> bool {
        self.no_longer_keeper(m);
        match self.ms.iter().position(|&other| std::ptr::eq(other, m)) {
            Some(i) => {
                self.ms.remove(i);
                true
            }
            None => false,
        }
    }

    fn no_longer_keeper(&mut self, m: &'static M) {
        if self.keeper.is_some_and(|(keeper, _)| std::ptr::eq(keeper, m)) {
            self.keeper = None;
        }
    }

    /// Puts `m` to sleep: as the poller if one is wanted; as the keeper if the earliest timer needs one, as there is an idle P, and no keeper
    /// who wakes in time. Returns its time-out.
    fn put_m(&mut self, m: &'static M, next_timer: Nanos, idle_ps: usize) -> Option<Nanos> {
        self.ms.push(m);
        m.set_polls(netpoll::become_poller());
        let keeps = idle_ps > 0 && next_timer < self.keeper.map_or(NEVER, |(_, until)| until);
        keeps.then(|| {
            self.keeper = Some((m, next_timer));
            next_timer
        })
    }

    /// Takes an M that has no thread, or makes one.
    fn take_ended_m(&mut self) -> &'static M {
        self.ended_ms.pop().unwrap_or_else(|| {
            let m = records::leak(M::new(self.all_ms.len() + 1), Purpose::Machines);
            self.all_ms.push(m);
            m
        })
    }

    /// Notes that the thread of `m` ends.
    pub(crate) fn end_m(&mut self, m: &'static M) {
        self.changes += 1;
        self.ended_ms.push(m);
    }

    /// Takes an M for a thread that is not ours. It rests.
    pub(crate) fn lend_m(&mut self) -> &'static M {
        self.resting += 1;
        self.take_ended_m()
    }

    /// Takes back a borrowed M, which rests.
    pub(crate) fn take_back_m(&mut self, m: &'static M) {
        self.resting -= 1;
        self.ended_ms.push(m);
    }

    /// Notes that a borrowed M begins a callback.
    pub(crate) fn begin_callback(&mut self) {
        self.changes += 1;
        self.resting -= 1;
    }

    /// Notes that a borrowed M rests again.
    pub(crate) fn end_callback(&mut self) {
        self.changes += 1;
        self.resting += 1;
    }
}

impl Sched {
    /// For a submitter: wakes an M if a P is idle and nobody spins.
    #[inline]
    pub(crate) fn wake_if_idle(&self) {
        if self.handshake.must_wake() {
            self.wake_spinning_m(None);
        }
    }

    /// Gives an idle P to an M, which has been counted as spinning, maybe to look at the `run_next` of `offered_by`.
    #[cold]
    #[inline(never)]
    pub(crate) fn wake_spinning_m(&self, offered_by: Option<&P>) {
        let mut lists = self.lists.lock();
        let Some(p) = lists.take_p(self) else {
            // Under the lock: an M that looks for the note before it releases its P finds it, or releases the P before this.
            self.handshake.give_up_wake();
            return;
        };
        let m = lists.take_m();
        drop(lists);
        if let (Some(m), Some(by)) = (m, offered_by) {
            m.set_offered_by(Some(self.p(by.id)));
        }
        self.run_m(m, p, true);
    }

    /// Finds an M for a P that the caller holds and cannot use: because its M is in a call, or for a locked G.
    pub(crate) fn hand_off(&self, p: &'static P) {
        // Its former M has nothing to do with it any more, and is not to be asked for it.
        // Relaxed: for sysmon and dumps.
        p.held_by.store(0, std::sync::atomic::Ordering::Relaxed);
        let mut lists = self.lists.lock();
        let needed =
            !p.shared.is_empty() || !self.global.is_empty() || p.timers.next() != NEVER || netpoll::wants_poller();
        // Nobody spins and nobody idles: what is submitted next would find no M awake.
        let watch = self.handshake.spinning() == 0 && self.handshake.idle() == 0;
        if p.id >= self.procs() || !(needed || watch) {
            if p.id >= self.procs() {
                // SAFETY: the caller holds the P.
                unsafe { p.owner() }.queue.drain(&p.shared, &self.global);
            }
            lists.put_p(self, p);
            drop(lists);
            // Work that came between the look and the release; timers that went to another P, and sockets, for which nobody may be awake.
            if self.has_surplus() || self.next_timer() != NEVER || netpoll::wants_poller() {
                self.wake_if_idle();
            }
            return;
        }
        let m = lists.take_m();
        drop(lists);
        self.handshake.begin_spinning();
        self.run_m(m, p, true);
    }

    /// Hands `p` to a sleeping M, or to a new one.
    fn run_m(&self, m: Option<&'static M>, p: &'static P, spinning: bool) {
        match m {
            Some(m) => {
                m.set_next_p(Some(p));
                m.set_spinning(spinning);
                m.wake();
            }
            None => self.new_m(p, spinning),
        }
    }

    /// Has an OS thread started that runs green threads, beginning with `p`.
    ///
    /// sysmon starts it. A thread inherits much from the one that starts it (signal mask, CPU affinity, namespaces), and this one may be
    /// locked to a G that has changed them for itself.
    #[inline(never)]
    fn new_m(&self, p: &'static P, spinning: bool) {
        let mut lists = self.lists.lock();
        let m = lists.take_ended_m();
        m.set_next_p(Some(p));
        m.set_spinning(spinning);
        lists.unborn_ms.push(m);
        drop(lists);
        self.sysmon.poke();
    }

    /// Starts the threads that were asked for. For sysmon.
    pub(crate) fn start_unborn_ms(&self) {
        let mut lists = self.lists.lock();
        let unborn = std::mem::take(&mut lists.unborn_ms);
        lists.changes += unborn.len();
        drop(lists);
        for m in unborn {
            let run = move || {
                // A panic of the scheduler's own is a broken invariant. It must not end a thread that holds a P and somebody's stack.
                if panic::catch_unwind(AssertUnwindSafe(|| crate::schedule::run_m(m))).is_err() {
                    fatal!("M {} panicked", m.id);
                }
            };
            let thread = std::thread::Builder::new().name(format!("sward-m{}", m.id)).stack_size(M_STACK);
            if let Err(error) = thread.spawn(run) {
                let threads = self.lists.lock().threads();
                fatal!(
                    "cannot start OS thread number {threads} for green threads: {error}; see ulimit -u and the cgroup's pids.max"
                );
            }
        }
    }
}

/// Releases the P of an M without work and sleeps until there is some. Returns when the M has a P again.
pub(crate) fn wait_for_work(m: &'static M) {
    let sched = sched();
    let p = m.held_p();
    let mut lists = sched.lists.lock();
    if !sched.global.is_empty() {
        return;
    }
    if !m.is_spinning() && sched.handshake.take_wanted() {
        drop(lists);
        m.set_spinning(true);
        sched.handshake.begin_spinning();
        return;
    }
    m.set_p(None);
    p.held_by.store(0, std::sync::atomic::Ordering::Relaxed);
    lists.put_p(sched, p);
    drop(lists);

    // Work may have come while this M still had its P. One that has spun must look: submitters relied on it. One that has not looks
    // where nobody else will.
    let looks = stop_spinning(sched, m) || sched.handshake.nobody_spins();
    if looks && (sched.has_surplus() || sched.next_timer() <= clock::now()) && take_back_p(sched, m) {
        return;
    }
    sleep(sched, m);
}

/// Counts an M down that has spun and found nothing. `false`: it was not spinning. One that sleeps while it is counted keeps all others
/// asleep.
pub(crate) fn stop_spinning(sched: &Sched, m: &M) -> bool {
    let spun = m.is_spinning();
    if spun {
        m.set_spinning(false);
        m.answer_offer(false);
        sched.handshake.stop_spinning();
    }
    spun
}

/// Gives `m` an idle P, to spin with. `false`: there is none, so others are at work.
fn take_back_p(sched: &Sched, m: &'static M) -> bool {
    let Some(p) = sched.lists.lock().take_p(sched) else { return false };
    hold(m, p);
    m.set_spinning(true);
    sched.handshake.begin_spinning();
    true
}

/// For an M that sleeps or ends: if it was the last one, looks for a deadlock.
pub(crate) fn check_deadlock(sched: &Sched) {
    if sched.lists.lock().active_ms() == 0 && sched.next_timer() == NEVER {
        deadlock::check(sched);
    }
}

/// Sleeps until somebody hands `m` a P; or a timer is due, or a G is ready, and there is an idle P.
pub(crate) fn sleep(sched: &Sched, m: &'static M) {
    loop {
        sched.ps().for_each(|p| p.timers.drop_stale());
        let until = sched.lists.lock().put_m(m, sched.next_timer(), sched.handshake.idle());
        check_deadlock(sched);
        let woken = if m.polls() {
            netpoll::started().sleep(&m.note, until, |g| sched.queue_ready(g))
        } else {
            m.note.sleep_until(until)
        };
        if woken {
            break;
        }
        // The keeper's time is up, or the poller has Gs ready. If somebody has picked this M meanwhile, the note is about to be set.
        if !sched.lists.lock().withdraw(m) {
            m.note.sleep();
            break;
        }
        if take_back_p(sched, m) {
            return;
        }
    }
    take_handed_p(m);
}

/// Takes the P that this M's waker has handed it.
pub(crate) fn take_handed_p(m: &'static M) {
    let Some(p) = m.next_p() else { fatal!("M {} was woken without a P", m.id) };
    m.set_next_p(None);
    hold(m, p);
    // It may have slept for long.
    clock::now();
}

/// Notes that `m` holds `p`, which the caller has for it.
pub(crate) fn hold(m: &'static M, p: &'static P) {
    // Relaxed: for dumps.
    p.held_by.store(m.id, std::sync::atomic::Ordering::Relaxed);
    m.set_p(Some(p));
}
