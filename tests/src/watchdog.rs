//! The watchdog: turns a hang into a failure that says where everybody is.

use std::io::{self, Write};
use std::panic::Location;
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// How long a test may take: far more than any needs on a loaded machine or under an emulator.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// How long a dump may take.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(20);

/// Ends the process with a dump if it is not dropped in time.
#[derive(Debug)]
pub struct Watchdog {
    /// Never used: the watching thread sees that it is dropped.
    _leash: Sender<()>,
}

impl Watchdog {
    /// Starts watching.
    #[must_use = "it watches until it is dropped"]
    #[track_caller]
    pub fn start() -> Watchdog {
        let site = Location::caller();
        let test = thread::current().name().unwrap_or("without a name").to_owned();
        let (leash, dropped) = mpsc::channel::<()>();
        thread::spawn(move || {
            if dropped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                say(format_args!("test {test} ({site}) has not ended within {PATIENCE:?}"));
                give_up();
            }
        });
        Watchdog { _leash: leash }
    }
}

/// Asks the runtime for a dump, which ends the process. A runtime that is too broken for that is aborted.
fn give_up() -> ! {
    // Not to the process: ThreadSanitizer keeps a signal from a thread that is in the kernel, which most are.
    // SAFETY: a signal that has a handler since the runtime started, and otherwise ends the process.
    unsafe { libc::raise(libc::SIGQUIT) };
    thread::sleep(LAST_WORDS);
    say(format_args!("nor has the dump been written within {LAST_WORDS:?}"));
    process::abort()
}

/// Not by `eprintln!`, which the test harness captures.
fn say(what: std::fmt::Arguments<'_>) {
    // Without a stderr there is the exit code.
    let _ = writeln!(io::stderr(), "\nwatchdog: {what}");
}
