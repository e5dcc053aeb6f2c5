//! Programs that tests start, since what is tested ends the process: deadlocks, aborts, exit codes, messages.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;

use crate::watchdog::{LAST_WORDS, PATIENCE};

/// The words with which cargo starts a program for this architecture where that needs an emulator.
const RUNNER: Option<&str> =
    if cfg!(target_arch = "aarch64") { Some("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER") } else { None };

/// Whether programs run under an emulator, whose own threads the kernel counts as the program's. The deadlock detector counts threads, so
/// there it never comes to a verdict.
pub fn is_emulated() -> bool {
    RUNNER.is_some_and(|variable| std::env::var_os(variable).is_some())
}

/// For a program that tests start: the one of its `programs` that the first argument names. Without such a name, ends with exit code 2.
pub fn chosen<T: Copy>(programs: &[(&str, T)]) -> T {
    let name = std::env::args().nth(1).unwrap_or_default();
    let found = programs.iter().find(|(known, _)| *known == name);
    found.map(|&(_, program)| program).unwrap_or_else(|| {
        let known: Vec<_> = programs.iter().map(|(name, _)| *name).collect();
        eprintln!("no program {name:?}: there are {}", known.join(", "));
        std::process::exit(2)
    })
}

/// The words by which a shell starts the program at `path`, whose name has no blanks.
pub fn shell_words(path: &str) -> String {
    let runner = RUNNER.and_then(|variable| std::env::var(variable).ok()).unwrap_or_default();
    format!("{runner} {path}")
}

/// A command that starts the program at `path`, on two Ps if the caller does not set something else.
pub fn program(path: impl AsRef<OsStr>) -> Command {
    let runner = RUNNER.and_then(|variable| std::env::var(variable).ok()).unwrap_or_default();
    let mut words = runner.split_whitespace();
    let mut command = match words.next() {
        Some(emulator) => {
            let mut command = Command::new(emulator);
            command.args(words).arg(path);
            command
        }
        None => Command::new(path),
    };
    for variable in ["SWARD_DEBUG", "SWARD_STACK", "SWARD_BACKTRACE", "SWARD_FFICHECK", "RUST_BACKTRACE"] {
        command.env_remove(variable);
    }
    command.env("SWARD_PROCS", "2").stdin(Stdio::null());
    command
}

/// How a program ended, and what it said. Displayed when a check of it fails.
#[derive(Debug)]
pub struct Finished {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Finished {
    /// Starts the program and waits for its end. One that hangs gets SIGQUIT, to which it should answer with a dump, then SIGKILL.
    #[track_caller]
    pub fn of(command: &mut Command) -> Finished {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let pid = child.id() as libc::pid_t;
        let (leash, dropped) = mpsc::channel::<()>();
        let watch = thread::spawn(move || {
            for (patience, signal) in [(PATIENCE, libc::SIGQUIT), (LAST_WORDS, libc::SIGKILL)] {
                if dropped.recv_timeout(patience) != Err(mpsc::RecvTimeoutError::Timeout) {
                    return;
                }
                // SAFETY: the child is waited for only below, so its number is still its own.
                unsafe { libc::kill(pid, signal) };
            }
        });
        let output = child.wait_with_output().expect("the program can be waited for");
        drop(leash);
        watch.join().expect("the watching thread does not panic");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Finished { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Checks the exit code.
    #[track_caller]
    pub fn exits_with(self, code: i32) -> Finished {
        assert_eq!(self.status.code(), Some(code), "exit code; {self}");
        self
    }

    /// Checks that it was ended by this signal.
    #[track_caller]
    pub fn dies_of(self, signal: i32) -> Finished {
        assert_eq!(self.status.signal(), Some(signal), "signal; {self}");
        self
    }

    /// Checks that it says this on stderr.
    #[track_caller]
    pub fn says(self, what: &str) -> Finished {
        assert!(self.stderr.contains(what), "{what:?} is not said; {self}");
        self
    }

    /// Checks that it does not say this on stderr.
    #[track_caller]
    pub fn does_not_say(self, what: &str) -> Finished {
        assert!(!self.stderr.contains(what), "{what:?} is said; {self}");
        self
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}
