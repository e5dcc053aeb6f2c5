//! A test's own process: this binary once more, told to run that test alone.

use std::env;
use std::fmt;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// In the process of a test, its name.
const INSIDE: &str = "SWARD_MEM_TEST_INSIDE";

/// The modes of the heap, as `heapcheck` has them: fast, checked, with canaries.
pub const MODES: [&str; 3] = ["0", "1", "2"];

/// Far more than any test takes on a loaded machine or under an emulator.
const PATIENCE: Duration = Duration::from_secs(240);

/// Under an emulator, the words with which cargo starts a program.
const RUNNER: Option<&str> =
    if cfg!(target_arch = "aarch64") { Some("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER") } else { None };

/// A test's process that is to be started.
pub struct Program {
    pub command: Command,
}

/// How it ended.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    /// What it wrote, to either.
    pub output: String,
}

/// Runs `body` in a process of its own in each mode. `test` is the name of the test that calls this.
#[track_caller]
pub fn in_each_mode(test: &str, body: impl FnOnce()) {
    match is_inside(test) {
        true => body(),
        false => MODES.into_iter().for_each(|mode| {
            Program::of(test).mode(mode).run().exits_with(0);
        }),
    }
}

/// Runs `body` in a process of its own in this mode.
#[track_caller]
pub fn in_mode(mode: &str, test: &str, body: impl FnOnce()) {
    match is_inside(test) {
        true => body(),
        false => {
            Program::of(test).mode(mode).run().exits_with(0);
        }
    }
}

/// Whether an emulator runs this.
pub fn is_emulated() -> bool {
    RUNNER.is_some_and(|variable| env::var_os(variable).is_some())
}

fn is_inside(test: &str) -> bool {
    env::var(INSIDE).is_ok_and(|inside| inside == test)
}

impl Program {
    /// The process of the test of that name.
    pub fn of(test: &str) -> Program {
        let binary = env::current_exe().unwrap();
        let runner = RUNNER.and_then(|variable| env::var(variable).ok()).unwrap_or_default();
        let mut words = runner.split_whitespace();
        let mut command = match words.next() {
            Some(emulator) => {
                let mut command = Command::new(emulator);
                command.args(words).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        command.args([test, "--exact", "--nocapture", "--include-ignored"]);
        command.env(INSIDE, test).env_remove("SWARD_DEBUG").env_remove("RUST_BACKTRACE").stdin(Stdio::null());
        Program { command }
    }

    /// Runs `body`, and ends, in the process of the test; in any other goes on.
    pub fn inside(test: &str, body: impl FnOnce()) {
        if is_inside(test) {
            body();
            // Not by a panic or the harness's code: a test that waits for an abort sees that there was none.
            let _ = writeln!(std::io::stderr(), "{test} has come to its end");
            process::exit(0);
        }
    }

    pub fn mode(mut self, mode: &str) -> Program {
        self.command.env("SWARD_DEBUG", format!("heapcheck={mode}"));
        self
    }

    /// Waits for its end. One that hangs is killed.
    #[track_caller]
    pub fn run(mut self) -> Finished {
        let child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = child.id() as libc::pid_t;
        let (leash, dropped) = mpsc::channel::<()>();
        let watch = thread::spawn(move || {
            if dropped.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                // SAFETY: the child is waited for only below, so its number is still its own.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
        });
        let output = child.wait_with_output().unwrap();
        drop(leash);
        watch.join().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Finished { status: output.status, output: text.concat() }
    }
}

impl Finished {
    #[track_caller]
    pub fn exits_with(self, code: i32) -> Finished {
        assert_eq!(self.status.code(), Some(code), "exit code; {self}");
        self
    }

    /// It aborted, and said why.
    #[track_caller]
    pub fn aborts(self) -> Finished {
        assert_eq!(self.status.signal(), Some(libc::SIGABRT), "signal; {self}");
        self.says("fatal: ")
    }

    #[track_caller]
    pub fn says(self, what: &str) -> Finished {
        assert!(self.output.contains(what), "{what:?} is not said; {self}");
        self
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n--- output\n{}", self.status, self.output)
    }
}
