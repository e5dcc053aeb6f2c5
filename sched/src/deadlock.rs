//! The deadlock detector: all green threads wait, and nothing can wake one.
//!
//! That is so when no M runs (one in a foreign or blocking call counts as running), no timer is armed, no G is queued, and no thread outside
//! the runtime could do it. Such threads are counted instead of guessed: the process has as many as the kernel says; ours are the Ms
//! and sysmon, and those that wait in `run`, or in a channel or a lock of ours, will wake nobody. If one is left, the verdict is
//! open, and sysmon looks again every second.
//!
//! So the detector works in a program of green threads alone, as in Go; it also does when the program has OS threads that come and go; and
//! it never kills a program whose OS thread was about to send. (Go turns its detector off for good once foreign code is linked: golang/go#25538.)

use std::io::{self, Write};

use crate::clock::NEVER;
use crate::dump;
use crate::sched::Sched;
use crate::sleeper::os_threads_blocked;

/// Ends the process, with a report, if all green threads wait for ever.
pub(crate) fn check(sched: &Sched) {
    // First: a thread that is not ours may wake one of ours and end before the rest is counted, but not the reverse.
    let threads = threads_of_process();
    let lists = sched.lists.lock();
    // A P that is on its way from one M to another is not idle, though both may look asleep.
    let asleep = lists.active_ms() == 0
        && sched.handshake.idle() >= sched.procs()
        && sched.next_timer() == NEVER
        && !sched.has_work()
        && sched.live_threads() != 0;
    let ours = lists.threads() + usize::from(sched.sysmon.is_running()) + os_threads_blocked();
    drop(lists);
    if !asleep {
        return;
    }
    if threads.is_none_or(|threads| threads > ours) {
        sched.sysmon.set_undecided();
        return;
    }
    die(sched)
}

/// Prints the report and exits with 2.
fn die(sched: &Sched) -> ! {
    let mut stderr = io::stderr().lock();
    // Nothing is left to do about a stderr that takes no more.
    let _ = writeln!(stderr, "fatal: all green threads are asleep - deadlock!\n");
    let _ = dump::write_all(sched, &mut stderr);
    std::process::exit(2)
}

/// How many threads the kernel counts in this process.
fn threads_of_process() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Threads:"))?.trim().parse().ok()
}
