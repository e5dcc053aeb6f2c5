//! How to start a program.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, CommandArgs, CommandEnvs, ExitStatus, Output, Stdio};

use super::Child;
use crate::unblock;

/// How to start a program. As [`std::process::Command`].
///
/// ```
/// # sward::run(|| {
/// use sward::io::prelude::*;
/// use sward::process::{Command, Stdio};
///
/// let mut sort = Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
/// sort.stdin.take().expect("piped").write_all(b"b\na\n")?;
/// assert_eq!(sort.wait_with_output()?.stdout, b"a\nb\n");
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
pub struct Command(process::Command);

/// Defines methods that pass on to std's and return the command.
macro_rules! settings {
    ($($(#[$doc:meta])* fn $name:ident $(<$($G:ident: $Bound:ty),+>)? ($($arg:ident: $T:ty),*);)*) => {$(
        $(#[$doc])*
        pub fn $name $(<$($G: AsRef<$Bound>),+>)? (&mut self $(, $arg: $T)*) -> &mut Command {
            self.0.$name($($arg),*);
            self
        }
    )*};
}

impl Command {
    /// The program of this name, found by `PATH` if it is no path: no arguments, this process's environment and directory.
    pub fn new<S: AsRef<OsStr>>(program: S) -> Command {
        Command(process::Command::new(program))
    }

    settings! {
        /// Adds an argument.
        fn arg<S: OsStr>(arg: S);
        /// Sets an environment variable.
        fn env<K: OsStr, V: OsStr>(key: K, value: V);
        /// Keeps an environment variable from the program.
        fn env_remove<K: OsStr>(key: K);
        /// Keeps this process's whole environment from the program.
        fn env_clear();
        /// Sets the directory that the program starts in.
        fn current_dir<P: Path>(dir: P);
        /// Sets the name by which the program is told that it was called. As [`CommandExt::arg0`].
        fn arg0<S: OsStr>(arg: S);
        /// Sets the user by which the program runs. As [`CommandExt::uid`].
        fn uid(id: u32);
        /// Sets the group by which the program runs. As [`CommandExt::gid`].
        fn gid(id: u32);
        /// Sets the process group that the program is put in; 0: one of its own. As [`CommandExt::process_group`].
        fn process_group(group: i32);
    }

    /// Adds arguments.
    pub fn args<I, S>(&mut self, args: I) -> &mut Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.0.args(args);
        self
    }

    /// Sets environment variables.
    pub fn envs<I, K, V>(&mut self, vars: I) -> &mut Command
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.0.envs(vars);
        self
    }

    /// Sets the program's standard input.
    pub fn stdin<T: Into<Stdio>>(&mut self, stdin: T) -> &mut Command {
        self.0.stdin(stdin);
        self
    }

    /// Sets the program's standard output.
    pub fn stdout<T: Into<Stdio>>(&mut self, stdout: T) -> &mut Command {
        self.0.stdout(stdout);
        self
    }

    /// Sets the program's standard error.
    pub fn stderr<T: Into<Stdio>>(&mut self, stderr: T) -> &mut Command {
        self.0.stderr(stderr);
        self
    }

    /// Has `f` called in the new process, before the program replaces it. As [`CommandExt::pre_exec`].
    ///
    /// # Safety
    /// As [`CommandExt::pre_exec`]: `f` runs in a copy of this process that has one thread, the calling one, so it may call what is
    /// async-signal-safe, and no more. This runtime is not there.
    pub unsafe fn pre_exec<F>(&mut self, f: F) -> &mut Command
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static,
    {
        // SAFETY: the caller's promise is the same.
        unsafe { self.0.pre_exec(f) };
        self
    }

    /// Starts the program, which runs beside this one. Its standard streams are this process's, unless set otherwise.
    ///
    /// # Errors
    /// As [`std::process::Command::spawn`].
    pub fn spawn(&mut self) -> io::Result<Child> {
        unblock(|| self.0.spawn()).map(Child::from)
    }

    /// Starts the program, waits for its end, and collects what it writes. It has no input unless set otherwise.
    ///
    /// # Errors
    /// As [`std::process::Command::output`]. A program that fails is no error: see [`Output::status`].
    pub fn output(&mut self) -> io::Result<Output> {
        unblock(|| self.0.output())
    }

    /// Starts the program and waits for its end. Its standard streams are this process's, unless set otherwise.
    ///
    /// # Errors
    /// As [`std::process::Command::status`]. A program that fails is no error.
    pub fn status(&mut self) -> io::Result<ExitStatus> {
        unblock(|| self.0.status())
    }

    /// Lets the program take the place of this process. Returns if that fails. As [`CommandExt::exec`].
    pub fn exec(&mut self) -> io::Error {
        unblock(|| self.0.exec())
    }

    /// The program.
    pub fn get_program(&self) -> &OsStr {
        self.0.get_program()
    }

    /// The arguments.
    pub fn get_args(&self) -> CommandArgs<'_> {
        self.0.get_args()
    }

    /// The environment variables that have been set, and those that have been removed, without a value.
    pub fn get_envs(&self) -> CommandEnvs<'_> {
        self.0.get_envs()
    }

    /// The directory that has been set.
    pub fn get_current_dir(&self) -> Option<&Path> {
        self.0.get_current_dir()
    }
}

impl From<process::Command> for Command {
    fn from(command: process::Command) -> Command {
        Command(command)
    }
}

impl From<Command> for process::Command {
    fn from(command: Command) -> process::Command {
        command.0
    }
}

/// As a shell would be given it.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
