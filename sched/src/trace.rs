//! `SWARD_DEBUG=schedtrace=MS`: a line of scheduler state to stderr, every so often.
//!
//! ```text
//! SCHED 1004ms: procs=2 idleprocs=0 spinningthreads=0 threads=4 idlethreads=1 greenthreads=10003 stacks=512 timers=3 runqueue=0 [ 17 4 ] slices=[ 9120 8801 ]
//! ```
//! `runqueue` is the length of the global queue, the brackets those of each P; `greenthreads` counts green threads that have not ended.
//! With `scheddetail=1` a line for each P and M follows.

use std::io::{self, Write};
use std::sync::atomic::Ordering;

use crate::sched::Sched;
use crate::stack;

/// Prints a line, and the details if they are wanted.
pub(crate) fn print(sched: &Sched) {
    let mut stderr = io::stderr().lock();
    // A trace that cannot be written has no other place to go.
    let _ = write_line(sched, &mut stderr);
    if sched.options.scheddetail {
        let _ = write_detail(sched, &mut stderr);
    }
}

fn write_line(sched: &Sched, out: &mut dyn Write) -> io::Result<()> {
    let lists = sched.lists.lock();
    let (threads, idle_threads) = (lists.threads(), lists.idle_ms());
    drop(lists);
    let ps = || sched.ps().take(sched.procs());
    let elapsed = sched.began.elapsed().as_millis();
    write!(out, "SCHED {elapsed}ms: procs={} idleprocs={}", sched.procs(), sched.handshake.idle())?;
    write!(out, " spinningthreads={} threads={threads} idlethreads={idle_threads}", sched.handshake.spinning())?;
    write!(out, " greenthreads={} stacks={}", sched.live_threads(), stack::made())?;
    write!(out, " timers={}", sched.ps().map(|p| p.timers.len()).sum::<usize>())?;
    write!(out, " runqueue={} [", sched.global.len())?;
    ps().try_for_each(|p| write!(out, " {}", p.shared.len()))?;
    write!(out, " ] slices=[")?;
    // Relaxed: a statistic.
    ps().try_for_each(|p| write!(out, " {}", p.slices.load(Ordering::Relaxed)))?;
    writeln!(out, " ]")
}

/// Writes a line for each P and each M.
pub(crate) fn write_detail(sched: &Sched, out: &mut dyn Write) -> io::Result<()> {
    // Relaxed: statistics.
    for p in sched.ps() {
        writeln!(
            out,
            "  P{}: {:?} m={} runqueue={} timers={} slices={} syscalls={} spawned={} ended={}",
            p.id,
            p.state(),
            p.held_by.load(Ordering::Relaxed),
            p.shared.len(),
            p.timers.len(),
            p.slices.load(Ordering::Relaxed),
            p.syscalls.load(Ordering::Relaxed),
            p.spawned.load(Ordering::Relaxed),
            p.ended.load(Ordering::Relaxed),
        )?;
    }
    let ms = sched.lists.lock().all_ms.clone();
    for m in ms {
        write!(out, "  M{}: tid={} spinning={}", m.id, m.tid(), m.is_spinning())?;
        let id = |g: Option<&crate::g::G>| g.map_or(String::from("none"), |g| g.id().to_string());
        writeln!(out, " thread={} locked={}", id(m.current()), id(m.locked_g()))?;
    }
    Ok(())
}
