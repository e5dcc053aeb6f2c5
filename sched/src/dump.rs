//! Dumps: what every green thread is doing, for people.
//!
//! A parked thread's frames are read without stopping anything: SCAN and `stack_lock` keep it where it is for the microsecond that the
//! walk takes. Names are looked up afterwards.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use crate::clock;
use crate::g::{self, G, GRef};
use crate::holder::Who;
use crate::reason::Reason;
use crate::sched::{Backtrace, Sched, sched};
use crate::status::State;
use crate::traceback::{Cache, Traceback, Unwinder};
use sward_mem::RawStderr;

/// The most frames shown of a thread.
const MAX_FRAMES: usize = 100;

/// Prints a dump and exits with 2 when SIGQUIT comes, as Go does.
pub(crate) fn on_sigquit() {
    // SAFETY: `ask_dump` is async-signal-safe.
    let registered = unsafe { signal_hook::low_level::register(libc::SIGQUIT, || sched().sysmon.ask_dump()) };
    match registered {
        Ok(_) => crate::preempt::use_alternate_stack(libc::SIGQUIT),
        Err(error) => eprintln!("sward: no dump on SIGQUIT: {error}"),
    }
}

/// Answers SIGQUIT.
pub(crate) fn on_request(sched: &Sched) -> ! {
    let mut stderr = RawStderr;
    // Nothing is left to do about a stderr that takes no more.
    let _ = writeln!(stderr, "SIGQUIT: quit\n");
    let _ = write_all(sched, &mut stderr);
    // Without exit handlers, as in Go: they may call back, or want a lock that nobody will unlock any more.
    // SAFETY: ends the process.
    unsafe { libc::_exit(2) }
}

/// Writes every green thread, the longest waiting of each kind as they come.
pub(crate) fn write_all(sched: &Sched, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut walker = Walker::new();
    let mut threads = Vec::new();
    g::for_each(|g| threads.extend(GRef::try_new(g)));
    threads.sort_unstable_by_key(|g| g.id());
    for g in &threads {
        if let Some(seen) = walker.look(g) {
            write_thread(&mut out, sched, g, &seen, walker.frames())?;
        }
    }
    if sched.options.backtrace == Backtrace::System {
        crate::trace::write_detail(sched, &mut out)?;
    }
    out.flush()
}

/// The header line of a thread: who it is and what it does.
pub(crate) struct Header<'a> {
    pub(crate) g: &'a G,
    pub(crate) doing: fmt::Arguments<'a>,
}

impl fmt::Display for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.g.write_title(f)?;
        write!(f, " [{}]:", self.doing)
    }
}

fn write_thread(out: &mut dyn Write, sched: &Sched, g: &G, seen: &Seen, frames: &[usize]) -> io::Result<()> {
    let locked = if g.locked_m().is_some() { ", locked to its OS thread" } else { "" };
    writeln!(out, "{}", Header { g, doing: format_args!("{seen}{locked}") })?;
    if !frames.is_empty() {
        let traceback = Traceback::new(frames);
        let traceback = if sched.options.backtrace == Backtrace::System { traceback.with_runtime() } else { traceback };
        write!(out, "{traceback}")?;
    }
    write_spawn_site(out, g)?;
    writeln!(out)
}

/// Writes where `g` was spawned.
pub(crate) fn write_spawn_site(out: &mut dyn Write, g: &G) -> io::Result<()> {
    match g.spawned_at() {
        Some(site) => writeln!(out, "spawned at {site}"),
        None => Ok(()),
    }
}

/// What a thread was doing when it was looked at.
struct Seen {
    state: State,
    has_stack: bool,
    reason: Reason,
    waited: Duration,
    /// Who holds the lock that it waits for.
    awaited: Option<Who>,
    walked: bool,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            State::Runnable if !self.has_stack => f.write_str("runnable, not begun"),
            State::Runnable | State::Next => f.write_str("runnable"),
            State::Syscall if self.walked => f.write_str("blocking call"),
            State::Syscall => f.write_str("running without a P"),
            State::Waiting => {
                write!(f, "{}", self.reason)?;
                match self.waited.as_secs() / 60 {
                    0 => {}
                    1 => f.write_str(", 1 minute")?,
                    minutes => write!(f, ", {minutes} minutes")?,
                }
                let Some(holder) = &self.awaited else { return Ok(()) };
                let relation = match self.reason {
                    // A writer that is ahead may itself wait for readers to leave.
                    Reason::RwLockRead | Reason::RwLockWrite => "after",
                    Reason::Once => "run by",
                    _ => "held by",
                };
                write!(f, ", {relation} {holder}")
            }
            State::Running | State::Idle | State::Dead => f.write_str("running"),
        }
    }
}

/// Reads the frames of stopped threads, one at a time.
struct Walker {
    unwinder: &'static Unwinder,
    cache: Box<Cache>,
    frames: [usize; MAX_FRAMES],
    len: usize,
}

impl Walker {
    fn new() -> Walker {
        Walker { unwinder: Unwinder::load(), cache: Box::default(), frames: [0; MAX_FRAMES], len: 0 }
    }

    /// Looks at a thread and, if it is stopped, walks its stack. `None`: it has ended.
    fn look(&mut self, g: &GRef) -> Option<Seen> {
        self.len = 0;
        let g = g.g();
        // Between the two looks a thread may stop or go on.
        let (state, scanned) = loop {
            let scanned = g.status.begin_scan();
            let state = scanned.unwrap_or_else(|| g.status.load());
            if scanned.is_some() || !state.is_stopped() {
                break (state, scanned);
            }
        };
        if scanned.is_some() {
            let _walking = g.stack_lock.lock();
            for (registers, stack) in g.stopped_stacks() {
                let room = &mut self.frames[self.len..];
                // SAFETY: the part of the stack above its guard, which SCAN and the lock keep as it is.
                self.len += unsafe { self.unwinder.walk(&mut self.cache, registers, stack, room) };
            }
        }
        let seen = Seen {
            state,
            has_stack: scanned.is_some() && g.frames().is_some(),
            reason: g.reason(),
            waited: match scanned {
                Some(State::Waiting) => Duration::from_nanos(clock::now().saturating_sub(g.waiting_since())),
                _ => Duration::ZERO,
            },
            awaited: scanned.filter(|&state| state == State::Waiting).and_then(|_| g.awaited()),
            walked: self.len > 0,
        };
        if let Some(state) = scanned {
            g.status.end_scan(state);
        }
        (!matches!(state, State::Dead | State::Idle)).then_some(seen)
    }

    fn frames(&self) -> &[usize] {
        &self.frames[..self.len]
    }
}
