//! The scheduler's shared state: the Ps, the Ms, the global queue.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_deque::Injector;

use crate::clock::{NEVER, Nanos};
use crate::context;
use crate::g::G;
use crate::handshake::Handshake;
use crate::idle::Lists;
use crate::p::{P, PState};
use crate::records;
use crate::run_queue::Task;
use crate::section::Section;
use crate::spin::SpinLock;
use crate::status::State;
use crate::sysmon::Sysmon;
use sward_mem::persistent::Purpose;

/// The most Ps there can be.
pub const MAX_PROCS: usize = 1024;

/// Whose tracebacks a fatal error prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backtrace {
    /// The green thread that failed; all of them in a deadlock, and on SIGQUIT.
    #[default]
    Single,
    /// Every green thread.
    All,
    /// Every green thread with the frames of the runtime, and the state of the scheduler.
    System,
}

/// How to start the runtime.
#[derive(Debug, Clone)]
pub struct Options {
    /// Ps: how many green threads run at once. From 1 to [`MAX_PROCS`].
    pub procs: usize,
    /// Bytes of a green stack where its spawner asks for nothing else; rounded up to a power of two.
    pub stack_size: usize,
    /// Print a line of scheduler state to stderr this often.
    pub schedtrace: Option<Duration>,
    /// With `schedtrace`: print a line for each P and each M too.
    pub scheddetail: bool,
    /// Whose tracebacks a fatal error prints.
    pub backtrace: Backtrace,
    /// Switch the built-in race detector on, in a build that has one.
    pub race: bool,
}

/// See the [module](self).
pub(crate) struct Sched {
    /// Gs that belong to no P: woken or spawned by OS threads, come back without a P, left by retired Ps.
    pub(crate) global: Injector<Task>,
    pub(crate) handshake: Handshake,
    pub(crate) lists: SpinLock<Lists>,
    pub(crate) sysmon: Sysmon,
    pub(crate) options: Options,
    pub(crate) stack_shift: u32,
    pub(crate) began: Instant,
    ps: Box<[AtomicPtr<P>]>,
    ps_made: AtomicUsize,
    procs: AtomicUsize,
    /// Threads spawned from outside any P.
    pub(crate) spawned_outside: AtomicU64,
}

static SCHED: OnceLock<Sched> = OnceLock::new();
/// Set once all is in place: the Ps, the signal handlers, sysmon.
static STARTED: OnceLock<()> = OnceLock::new();

/// The scheduler, which has been started.
#[inline]
pub(crate) fn sched() -> &'static Sched {
    SCHED.get().expect("the runtime is started before anything runs on it")
}

/// Whether the runtime has been started.
pub fn is_started() -> bool {
    STARTED.get().is_some()
}

/// Starts the runtime, once in a process. `false`: it was started before, and goes on with the options of then.
///
/// # Panics
/// When `options` are out of range: check them first.
pub fn start(options: &Options) -> bool {
    let mut first = false;
    STARTED.get_or_init(|| {
        first = true;
        SCHED.get_or_init(|| Sched::new(options.clone()));
        #[cfg(feature = "race")]
        if options.race {
            crate::race::switch_on();
        }
        set_procs(options.procs);
        crate::preempt::install();
        crate::overflow::install();
        crate::sysmon::start();
        crate::dump::on_sigquit();
    });
    first
}

/// How many green threads may run at once.
///
/// # Panics
/// If the runtime has not been started.
pub fn procs() -> usize {
    sched().procs()
}

/// Changes how many green threads may run at once; returns the old number.
///
/// More Ps come into play with the next thread that becomes runnable. Of fewer, the surplus ones run on until they next
/// schedule, or until sysmon takes them from their hogs.
///
/// # Panics
/// If `n` is not from 1 to [`MAX_PROCS`], or the runtime has not been started.
pub fn set_procs(n: usize) -> usize {
    assert!((1..=MAX_PROCS).contains(&n), "{n} Ps: from 1 to {MAX_PROCS} are possible");
    let section = Section::enter();
    let old = match section.g() {
        // Making Ps takes kilobytes in a debug build, more than a small green stack has left.
        // SAFETY: the caller runs on that stack, and changing the number suspends nobody.
        Some(caller) => unsafe { context::on_m_stack(caller, || change_procs(n)) },
        None => change_procs(n),
    };
    drop(section);
    old
}

fn change_procs(n: usize) -> usize {
    let sched = sched();
    let mut lists = sched.lists.lock();
    // Relaxed: changed under the lock; see `procs`.
    let old = sched.procs.swap(n, Ordering::Relaxed);
    lists.retire_idle_ps(sched, n);
    while sched.ps_made() < n {
        sched.add_p();
    }
    for p in sched.ps().take(n) {
        if p.transition(PState::Retired, PState::Idle) {
            lists.put_p(sched, p);
        }
    }
    drop(lists);
    // For what was queued behind fewer Ps, and for timers of retired ones.
    if sched.has_work() || sched.next_timer() != NEVER {
        sched.wake_if_idle();
    }
    old
}

impl Sched {
    fn new(options: Options) -> Sched {
        assert!((1..=MAX_PROCS).contains(&options.procs), "{} Ps: from 1 to {MAX_PROCS} are possible", options.procs);
        let stack_shift = crate::stack::shift_for(options.stack_size).expect("a stack size within the limits");
        Sched {
            global: Injector::new(),
            handshake: Handshake::new(),
            lists: SpinLock::new(Lists::default()),
            sysmon: Sysmon::default(),
            options,
            stack_shift,
            began: Instant::now(),
            ps: (0..MAX_PROCS).map(|_| AtomicPtr::default()).collect(),
            ps_made: AtomicUsize::new(0),
            procs: AtomicUsize::new(0),
            spawned_outside: AtomicU64::new(0),
        }
    }

    /// How many Ps may run.
    #[inline]
    pub(crate) fn procs(&self) -> usize {
        // Relaxed: Ps look again each time they schedule.
        self.procs.load(Ordering::Relaxed)
    }

    /// Every P ever made, retired ones included.
    #[inline]
    pub(crate) fn ps(&self) -> impl Iterator<Item = &'static P> {
        (0..self.ps_made()).map(|i| self.p(i))
    }

    /// How many Ps have been made.
    pub(crate) fn ps_made(&self) -> usize {
        // Acquire pairs with the release in `add_p`.
        self.ps_made.load(Ordering::Acquire)
    }

    /// The `i`th P, which has been made.
    #[inline]
    pub(crate) fn p(&self, i: usize) -> &'static P {
        // Relaxed: ordered by `ps_made`.
        // SAFETY: filled before `ps_made` rose, with a P that lives for ever.
        unsafe { &*self.ps[i].load(Ordering::Relaxed) }
    }

    /// Makes one more P. Under the lock of `lists`.
    pub(crate) fn add_p(&self) -> &'static P {
        let id = self.ps_made();
        let p = records::leak(P::new(id), Purpose::Processors);
        // Relaxed: published by the store below.
        self.ps[id].store(std::ptr::from_ref(p).cast_mut(), Ordering::Relaxed);
        // Release pairs with the acquire in `ps_made`.
        self.ps_made.store(id + 1, Ordering::Release);
        p
    }

    /// Queues a G for any P, and wakes one if one is idle.
    pub(crate) fn push_global(&self, g: &'static G) {
        self.global.push(Task(g));
        self.wake_if_idle();
    }

    /// Makes a waiting G runnable, for any P, and wakes nobody.
    pub(crate) fn queue_ready(&self, g: &'static G) {
        g.status.transition(State::Waiting, State::Runnable);
        self.global.push(Task(g));
    }

    /// Whether anything waits that an M without work should take.
    pub(crate) fn has_surplus(&self) -> bool {
        !self.global.is_empty() || self.ps().any(|p| p.shared.has_surplus())
    }

    /// Whether anything is queued anywhere.
    pub(crate) fn has_work(&self) -> bool {
        !self.global.is_empty() || self.ps().any(|p| !p.shared.is_empty())
    }

    /// When the first timer of all is due.
    pub(crate) fn next_timer(&self) -> Nanos {
        self.ps().map(|p| p.timers.next()).min().unwrap_or(NEVER)
    }

    /// Green threads that have been spawned and have not ended.
    pub(crate) fn live_threads(&self) -> u64 {
        // Relaxed: exact when nothing runs, which is when it decides something.
        let outside = self.spawned_outside.load(Ordering::Relaxed);
        self.ps().fold(outside, |live, p| {
            live.wrapping_add(p.spawned.load(Ordering::Relaxed)).wrapping_sub(p.ended.load(Ordering::Relaxed))
        })
    }
}
