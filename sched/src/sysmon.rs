//! sysmon: the thread that holds no P and watches those who do.
//!
//! What it does, each time it looks:
//! - **retakes** a P whose M has been in the same syscall since the last look, if anybody could use it, or whose G has gone from one short call
//!   to the next for a slice;
//! - asks for a **fair turn**, every 10 ms, on a P that others wait for;
//! - takes the P from a **hog**, a G that has not switched in that time while others wait ([`preempt`]);
//! - sees to **timers** that are overdue since their P is busy: an idle P steals them, or the G that is in the way is treated as a hog;
//! - asks the **netpoller** for what is ready, as nobody else may have for a slice;
//! - starts the OS threads that the scheduler needs, gives the memory of cold stacks back, repeats an undecided deadlock check, prints `schedtrace` lines, and writes the dumps that
//!   signal handlers ask for.
//!
//! # How often it looks
//! Every 10 ms, a slice; at the next timer plus a little, if that comes sooner; and every 50 µs while Ps are in syscalls that others
//! wait behind. That last pace is asked for by who enters the syscall ([`Sysmon::watch_syscalls`]), so an idle or a computing program is left
//! in peace. When all Ps have been idle for a while it sleeps until somebody takes one.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::clock::{self, NEVER, Nanos};
use crate::deadlock;
use crate::dump;
use crate::futex::Note;
use crate::netpoll;
use crate::overflow;
use crate::p::{P, PState};
use crate::preempt;
use crate::sched::{Sched, sched};
use crate::stack;
use crate::trace;
use sward_mem::fatal;

/// A time slice.
const SLICE: Nanos = 10_000_000;
/// The pace while syscalls are watched, and how many looks it is kept up after the last one that mattered.
const FAST: Nanos = 50_000;
const FAST_LOOKS: u32 = 20;
/// How long a timer may be overdue on a busy P.
const TIMER_GRACE: Nanos = 500_000;
/// A P that stays in a syscall this long is taken even if nobody waits, so that who comes finds an idle one.
const SYSCALL_GRACE: Nanos = 1_000_000;
/// After how many looks at idle Ps it sleeps until somebody takes one.
const IDLE_LOOKS: u32 = 3;
/// How often cold stacks are trimmed, and an undecided deadlock check repeated.
const CHORES: Nanos = 1_000_000_000;

/// What others tell sysmon.
#[derive(Debug, Default)]
pub(crate) struct Sysmon {
    note: Note,
    /// When it looks next.
    looks_at: AtomicU64,
    /// It sleeps, and must be woken by who takes a P.
    deeply_asleep: AtomicBool,
    /// How many more fast looks are wanted.
    fast_looks: AtomicU32,
    dump_wanted: AtomicBool,
    running: AtomicBool,
    /// A deadlock check could not decide: OS threads that are not ours might wake somebody.
    undecided: AtomicBool,
}

impl Sysmon {
    /// For who takes an idle P: from now on there is something to watch.
    #[inline]
    pub(crate) fn wake_from_deep_sleep(&self) {
        // SeqCst: sysmon sets the flag, then looks whether all Ps are idle; the caller has counted its P, then looks at the flag.
        if self.deeply_asleep.load(Ordering::SeqCst) {
            self.poke();
        }
    }

    /// For who has armed a timer: sysmon guards it, and looks in time.
    #[inline]
    pub(crate) fn guard_timer(&self, when: Nanos) {
        // SeqCst: sysmon stores a late time, then looks for the first timer, then stores when it will look. Who arms a timer
        // publishes it, then reads: either it reads the late time, or one that counts the timer in.
        if when.saturating_add(TIMER_GRACE) < self.looks_at.load(Ordering::SeqCst) {
            self.poke();
        }
    }

    /// For who leaves a P in syscall state that others wait for: look soon. Async-signal-safe.
    #[inline]
    pub(crate) fn watch_syscalls(&self) {
        // Relaxed: a hint; sysmon looks within a slice anyway.
        if self.fast_looks.load(Ordering::Relaxed) == 0 {
            self.fast_looks.store(FAST_LOOKS, Ordering::Relaxed);
            self.poke();
        }
    }

    /// Asks for a dump of all green threads, then exit. Async-signal-safe.
    pub(crate) fn ask_dump(&self) {
        // Release pairs with the swap in `look`.
        self.dump_wanted.store(true, Ordering::Release);
        self.poke();
    }

    /// Asks for the deadlock check to be repeated.
    pub(crate) fn set_undecided(&self) {
        // SeqCst: with `deeply_asleep`, see there. Not a hot path.
        if !self.undecided.swap(true, Ordering::SeqCst) {
            self.poke();
        }
    }

    /// Whether its thread has been started.
    pub(crate) fn is_running(&self) -> bool {
        // SeqCst: for the deadlock detector, not a hot path.
        self.running.load(Ordering::SeqCst)
    }

    /// Wakes sysmon. Async-signal-safe.
    pub(crate) fn poke(&self) {
        self.note.wake();
    }
}

/// What sysmon saw of a P when it last looked.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// When a fair turn was last asked for.
    fair_turn: Nanos,
    /// Switches when it last changed, and since when it is so.
    switches: u32,
    switched: Nanos,
    syscalls: u32,
    syscall_began: Nanos,
}

/// Starts the thread.
pub(crate) fn start() {
    let run = || {
        let mut watch =
            Watch { seen: Vec::new(), next_chores: clock::now() + CHORES, next_trace: NEVER, idle_looks: 0 };
        watch.run(sched());
    };
    if let Err(error) = std::thread::Builder::new().name("sward-sysmon".into()).spawn(run) {
        fatal!("cannot start the OS thread that watches the scheduler: {error}");
    }
}

struct Watch {
    seen: Vec<Seen>,
    next_chores: Nanos,
    next_trace: Nanos,
    idle_looks: u32,
}

impl Watch {
    fn run(&mut self, sched: &'static Sched) {
        sched.sysmon.running.store(true, Ordering::SeqCst);
        let trace_period = sched.options.schedtrace.map(|period| (period.as_nanos() as Nanos).max(1));
        if let Some(period) = trace_period {
            self.next_trace = clock::now() + period;
        }
        loop {
            self.sleep(sched);
            sched.start_unborn_ms();
            let now = clock::now();
            // Acquire pairs with the release in `ask_dump`.
            if sched.sysmon.dump_wanted.swap(false, Ordering::Acquire) {
                dump::on_request(sched);
            }
            overflow::report_if_asked(sched);
            self.look(sched, now);
            poll(sched);
            if now >= self.next_chores {
                self.next_chores = now + CHORES;
                stack::trim();
                if sched.sysmon.undecided.swap(false, Ordering::SeqCst) {
                    deadlock::check(sched);
                }
            }
            if let Some(period) = trace_period
                && now >= self.next_trace
            {
                self.next_trace = now + period;
                trace::print(sched);
            }
        }
    }

    /// Sleeps as long as nobody needs sysmon.
    fn sleep(&mut self, sched: &Sched) {
        let sysmon = &sched.sysmon;
        let now = clock::now();
        // SeqCst: see `guard_timer`.
        sysmon.looks_at.store(now + SLICE, Ordering::SeqCst);
        // Relaxed: a hint.
        let fast = sysmon.fast_looks.load(Ordering::Relaxed);
        let until = if self.sleeps_deeply(sched) {
            let chores = sysmon.undecided.load(Ordering::SeqCst) || stack::trim_is_due();
            if chores { self.next_chores } else { NEVER }
        } else if fast > 0 {
            sysmon.fast_looks.store(fast - 1, Ordering::Relaxed);
            now + FAST
        } else {
            let timer = sched.next_timer().saturating_add(TIMER_GRACE).max(now + TIMER_GRACE);
            timer.min(now + SLICE)
        };
        let until = until.min(self.next_trace);
        sysmon.looks_at.store(until, Ordering::SeqCst);
        sysmon.note.sleep_until((until != NEVER).then_some(until));
        sysmon.deeply_asleep.store(false, Ordering::SeqCst);
    }

    /// Whether there is nothing to watch, and has not been for some looks. If so, who takes a P wakes sysmon.
    fn sleeps_deeply(&mut self, sched: &Sched) -> bool {
        // Not even a P runs that is to be retired.
        let runs = |p: &P| matches!(p.state(), PState::Running | PState::Syscall);
        let idle = || sched.handshake.idle() == sched.procs() && !sched.ps().any(runs);
        self.idle_looks = if idle() { self.idle_looks + 1 } else { 0 };
        if self.idle_looks < IDLE_LOOKS {
            return false;
        }
        // SeqCst: see `wake_from_deep_sleep`.
        sched.sysmon.deeply_asleep.store(true, Ordering::SeqCst);
        let deep = idle();
        sched.sysmon.deeply_asleep.store(deep, Ordering::SeqCst);
        deep
    }

    fn look(&mut self, sched: &'static Sched, now: Nanos) {
        self.seen.resize(sched.ps_made(), Seen::default());
        for (p, seen) in sched.ps().zip(&mut self.seen) {
            seen.note(p, now);
            match p.state() {
                PState::Running => look_at_running(sched, p, seen, now),
                PState::Syscall => look_at_syscall(sched, p, seen, now),
                PState::Idle | PState::Retired => {}
            }
        }
    }
}

/// Queues Gs whose descriptors are ready, in case nobody has looked for long.
fn poll(sched: &Sched) {
    let Some(netpoll) = netpoll::get() else { return };
    let mut any = false;
    netpoll.look(|g| {
        any = true;
        sched.queue_ready(g);
    });
    if any {
        sched.wake_if_idle();
    }
}

impl Seen {
    fn note(&mut self, p: &P, now: Nanos) {
        // Relaxed: a counter compared with itself.
        let syscalls = p.syscalls.load(Ordering::Relaxed);
        let switches = p.shared.switches();
        if switches != self.switches {
            (self.switches, self.switched) = (switches, now);
        }
        if syscalls != self.syscalls {
            (self.syscalls, self.syscall_began) = (syscalls, now);
        }
    }
}

fn look_at_running(sched: &Sched, p: &'static P, seen: &mut Seen, now: Nanos) {
    let overdue = p.timers.next().saturating_add(TIMER_GRACE) <= now;
    let has_idle = sched.handshake.idle() != 0;
    let is_surplus = p.id >= sched.procs();
    let waiting = !p.shared.is_empty() || !sched.global.is_empty() || is_surplus;
    if has_idle && (overdue || waiting) {
        // An idle P steals the timers and the work. (Its wake-up may have been lost to a `run_next` that looked short-lived.)
        sched.wake_if_idle();
    }
    // Timers are looked at in a fair turn, too. However often slices end: those that do may all be of the newest threads.
    if overdue || waiting && now - seen.fair_turn >= SLICE / 2 {
        seen.fair_turn = now;
        p.shared.ask_fair_turn();
    }
    let stuck = now - seen.switched;
    if (!has_idle || is_surplus) && (waiting && stuck >= SLICE || overdue && stuck >= TIMER_GRACE) {
        preempt::ask(sched, p);
    }
}

fn look_at_syscall(sched: &Sched, p: &'static P, seen: &Seen, now: Nanos) {
    let in_call = now - seen.syscall_began;
    let stuck = now - seen.switched;
    let overdue = p.timers.next().saturating_add(TIMER_GRACE) <= now;
    let waiting = !p.shared.is_empty() || !sched.global.is_empty();
    // A G that goes from one short call to the next has its slice like any other, and the signal for hogs would hardly ever find it
    // outside a call.
    let hog = waiting && stuck >= SLICE || overdue && stuck >= TIMER_GRACE;
    let grace = if waiting || p.timers.next() <= now { 1 } else { SYSCALL_GRACE };
    if in_call < grace && !hog {
        return;
    }
    if p.transition(PState::Syscall, PState::Running) {
        // Relaxed: a hint, see `watch_syscalls`.
        sched.sysmon.fast_looks.store(FAST_LOOKS, Ordering::Relaxed);
        sched.hand_off(p);
    }
}
