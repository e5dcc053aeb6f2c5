//! Starting the command as a user does: directly, within a line of shell, or to be looked at while it runs.
//!
//! The command is a binary of another package, so cargo builds it for these tests only when asked to, and tells them no path.
//! Cargo is asked once a run, for the profile and the target of the tests themselves; if nothing has changed, that is
//! a fraction of a second.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use sward_tests::{Finished, program};

/// How long a program may run that a test looks at: far more than any needs on a loaded machine or under an emulator.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command with the words of `line` after it.
pub fn sward(line: &str) -> Command {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let mut command = program(BINARY.get_or_init(build));
    command.args(line.split_whitespace());
    command
}

/// Runs the command with the words of `line` after it.
#[track_caller]
pub fn run(line: &str) -> Finished {
    Finished::of(&mut sward(line))
}

/// Builds the command next to this test: in `TARGET/PROFILE`, or `TARGET/TRIPLE/PROFILE`. Returns its path.
fn build() -> PathBuf {
    let test = env::current_exe().expect("Linux says where a program is");
    let directory = test.ancestors().nth(2).expect("a test is in PROFILE/deps");
    let profile = directory.file_name().expect("a profile's directory has its name");
    let mut target = directory.parent().expect("a profile's directory is in another");

    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "sward-cli"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.arg("--profile").arg(if profile == "debug" { "dev".as_ref() } else { profile });
    let triple = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    if target.ends_with(&triple) {
        cargo.args(["--target", &triple]);
        target = target.parent().expect("a triple's directory is in another");
    }
    cargo.arg("--target-dir").arg(target);
    let status = cargo.status().expect("cargo is still where it was when it built this test");
    assert!(status.success(), "the command could not be built: {cargo:?}: {status}");
    directory.join("sward")
}

/// A line of shell in which `"$@"` stands for `command`.
pub fn in_shell(line: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", line, "sh"]).arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        shell.current_dir(directory);
    }
    shell
}

/// Whether the machine has a program. If not, says that a test is skipped.
pub fn has(program: &str) -> bool {
    let found = env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|each| each.join(program).exists()));
    if !found {
        eprintln!("skipped: there is no {program}");
    }
    found
}

/// A program that is looked at while it runs. What it writes to standard output is lost.
pub struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// What it has said so far on standard error.
    said: String,
    /// Never used: the watching thread sees that it is dropped.
    _leash: Sender<()>,
}

impl Running {
    /// Starts it. One that is still running after a minute is killed: a read of its standard error then comes to the end.
    pub fn start(command: &mut Command) -> Running {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stderr = BufReader::new(child.stderr.take().expect("it was asked for"));
        let pid = child.id();
        let (leash, dropped) = mpsc::channel();
        thread::spawn(move || {
            if dropped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                kill(pid, libc::SIGKILL);
            }
        });
        Running { child, stderr, said: String::new(), _leash: leash }
    }

    /// Reads its standard error up to a line that is wanted, which is returned.
    #[track_caller]
    pub fn wait_for_line(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let start = self.said.len();
            let read = self.stderr.read_line(&mut self.said).expect("it writes text");
            assert_ne!(read, 0, "it ended, or was killed, before it said what it should; last:\n{}", self.last_words());
            let line = self.said[start..].trim_end();
            if wanted(line) {
                return line.to_owned();
            }
        }
    }

    /// The end of what it has said.
    fn last_words(&self) -> String {
        let lines: Vec<&str> = self.said.lines().collect();
        lines[lines.len().saturating_sub(50)..].join("\n")
    }

    /// Sends it SIGQUIT and waits for its end.
    #[track_caller]
    pub fn quit(mut self) -> Finished {
        kill(self.child.id(), libc::SIGQUIT);
        self.stderr.read_to_string(&mut self.said).expect("it writes text");
        let status = self.child.wait().expect("it can be waited for");
        Finished { status, stdout: String::new(), stderr: std::mem::take(&mut self.said) }
    }
}

impl Drop for Running {
    /// A test that failed leaves nothing running.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a child that hasn't been waited for.
fn kill(child: u32, signal: libc::c_int) {
    // SAFETY: kill touches no memory of ours.
    unsafe { libc::kill(child as libc::pid_t, signal) };
}
