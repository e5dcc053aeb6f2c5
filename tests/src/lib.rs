//! What the tests under `tests/` share: our heap as their allocator, running on green threads under a watchdog, and running programs of their own.
//!
//! A scheduler's bug shows as a hang: work that nobody runs, a wake-up that nobody gets. So no test here measures time. Each
//! waits for what must happen, and a watchdog, an OS thread that the scheduler knows nothing of, ends the process with a dump of all green
//! threads if it doesn't.

mod allocations;
mod c_thread;
mod child;
mod watchdog;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

pub use allocations::blocks;
pub use c_thread::CThread;
pub use child::{Finished, chosen, is_emulated, program, shell_words};
pub use watchdog::Watchdog;

/// Runs `f` on a green thread, on as many Ps as there happen to be. Hangs are reported.
#[track_caller]
pub fn run<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    let _watchdog = Watchdog::start();
    report_panic(|| sward::run(f))
}

/// Runs `f` on a green thread while there are `procs` Ps. Tests of one process that use this take turns. Hangs are reported.
#[track_caller]
pub fn run_on<T: Send>(procs: usize, f: impl FnOnce() -> T + Send) -> T {
    static TURN: Mutex<()> = Mutex::new(());
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            sward::set_procs(self.0);
        }
    }

    // A test that failed in its turn has restored what it changed.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let _watchdog = Watchdog::start();
    let _restore = Restore(sward::set_procs(procs));
    report_panic(|| sward::run(f))
}

/// Repeats a panic's message on this OS thread. The harness collects output by OS thread, and what a green thread says is collected for
/// whichever test started the OS thread that it runs on.
fn report_panic<T>(f: impl FnOnce() -> T) -> T {
    panic::catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        eprintln!("the green thread panicked: {}", text.or(payload.downcast_ref().copied()).unwrap_or("no text"));
        panic::resume_unwind(payload)
    })
}

/// Waits for `condition` as a hog does: without a call into the runtime. Only the kernel can run others meanwhile.
pub fn hog_until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::thread::yield_now();
    }
}

/// Waits for `condition`, letting other green threads run.
pub fn yield_until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        sward::yield_now();
    }
}

/// The kernel's number of the OS thread that runs this. A system call, so nothing of it can be kept across a wait.
#[inline(never)]
pub fn os_thread() -> i32 {
    // SAFETY: gettid has no preconditions.
    unsafe { libc::gettid() }
}

/// How many OS threads this process has, without the heap's own, which is there once there was something for it to do.
pub fn os_threads() -> usize {
    let threads = fs::read_dir("/proc/self/task").expect("Linux lists threads").flatten();
    // One that has ended since is none.
    let names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
    // ThreadSanitizer has one, too.
    names.filter(|name| name.trim_end() != "sward-scavenge").count() - usize::from(cfg!(feature = "tsan"))
}
