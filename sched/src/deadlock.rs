//! The deadlock detector: all green threads wait, and nothing can wake one.
//!
//! That is so when no M runs (one in a foreign or blocking call counts as running), no timer is armed, no G is queued or waits for a file
//! descriptor, and no thread outside the runtime could do it. Such threads are counted instead of guessed: the process has as many as the kernel says; ours are the Ms,
//! sysmon and the heap's, and those that wait in `run`, or in a channel or a lock of ours, will wake nobody. If one is left, the verdict is
//! open, and sysmon looks again every second.
//!
//! So the detector works in a program of green threads alone, as in Go; it also does when the program has OS threads that come and go; and
//! it never kills a program whose OS thread was about to send. (Go turns its detector off for good once foreign code is linked: golang/go#25538.)

use std::io::Write;

use crate::clock::NEVER;
use crate::dump;
use crate::netpoll;
use crate::sched::Sched;
use crate::sleeper::os_threads_blocked;
use sward_mem::RawStderr;
#[cfg(not(loom))]
use sward_mem::threads as heap_threads;

/// Ends the process, with a report, if all green threads wait for ever.
pub(crate) fn check(sched: &Sched) {
    // The kernel's count and ours are taken one after the other. They are worth something only if nothing changed in between.
    let before = Ours::count(sched);
    let threads = threads_of_process();
    let ours = Ours::count(sched);
    if !ours.asleep {
        return;
    }
    if before != ours || threads.is_none_or(|threads| threads as isize > ours.threads) {
        sched.sysmon.set_undecided();
        return;
    }
    die(sched)
}

/// What is known of the threads that wake nobody.
#[derive(PartialEq, Eq)]
struct Ours {
    /// All green threads wait, for one another, and no timer is armed.
    asleep: bool,
    /// The OS threads that are the scheduler's or the heap's, or wait in the runtime.
    threads: isize,
    /// Numbers that change when one begins, ends, blocks or is woken.
    changes: (usize, usize),
}

impl Ours {
    fn count(sched: &Sched) -> Ours {
        let lists = sched.lists.lock();
        let (blocked, blocked_changes) = os_threads_blocked();
        let sysmon = isize::from(sched.sysmon.is_running());
        // ThreadSanitizer has a thread.
        let sanitizers = isize::from(cfg!(feature = "tsan"));
        Ours {
            // A P that is on its way from one M to another is not idle, though both may look asleep.
            asleep: lists.active_ms() == 0
                && sched.handshake.idle() >= sched.procs()
                && sched.next_timer() == NEVER
                && !netpoll::has_waiters()
                && !sched.has_work()
                && sched.live_threads() != 0,
            threads: lists.threads() as isize + sysmon + heap_threads() as isize + sanitizers + blocked,
            changes: (lists.changes(), blocked_changes),
        }
    }
}

/// Prints the report and exits with 2.
fn die(sched: &Sched) -> ! {
    let mut stderr = RawStderr;
    // Nothing is left to do about a stderr that takes no more.
    let _ = writeln!(stderr, "fatal: all green threads are asleep - deadlock!\n");
    let _ = dump::write_all(sched, &mut stderr);
    // Without exit handlers, as in Go: they may call back, or want a lock that nobody will unlock any more.
    // SAFETY: ends the process.
    unsafe { libc::_exit(2) }
}

/// Under loom there is no heap.
#[cfg(loom)]
fn heap_threads() -> usize {
    0
}

/// How many threads the kernel counts in this process.
fn threads_of_process() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Threads:"))?.trim().parse().ok()
}
