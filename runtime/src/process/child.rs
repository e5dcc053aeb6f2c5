//! A program that has been started, and the pipes to it.

use std::io;
use std::process::{self, ExitStatus, Output};

use crate::io::unblocked::{impl_fd, impl_read, impl_write};
use crate::unblock;

/// A program that has been started. As [`std::process::Child`]: dropping it neither ends the program nor waits for it.
#[derive(Debug)]
pub struct Child {
    /// What is written here is its standard input, if that was to be piped.
    pub stdin: Option<ChildStdin>,
    /// What is read here is its standard output, if that was to be piped.
    pub stdout: Option<ChildStdout>,
    /// What is read here is its standard error, if that was to be piped.
    pub stderr: Option<ChildStderr>,
    /// Has no pipes.
    handle: process::Child,
}

impl Child {
    /// The number that the system knows it by.
    pub fn id(&self) -> u32 {
        self.handle.id()
    }

    /// Ends it by `SIGKILL`. Does nothing if it has been waited for already.
    ///
    /// # Errors
    /// As [`std::process::Child::kill`].
    pub fn kill(&mut self) -> io::Result<()> {
        self.handle.kill()
    }

    /// Closes its standard input, and waits for its end.
    ///
    /// # Errors
    /// As [`std::process::Child::wait`].
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        unblock(|| self.handle.wait())
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// As [`std::process::Child::try_wait`].
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.handle.try_wait()
    }

    /// Closes its standard input, collects what it writes to the other pipes, both at once, and waits for its end.
    ///
    /// # Errors
    /// As [`std::process::Child::wait_with_output`].
    pub fn wait_with_output(self) -> io::Result<Output> {
        let mut child = process::Child::from(self);
        drop(child.stdin.take());
        unblock(|| child.wait_with_output())
    }
}

impl From<process::Child> for Child {
    fn from(mut child: process::Child) -> Child {
        Child {
            stdin: child.stdin.take().map(ChildStdin),
            stdout: child.stdout.take().map(ChildStdout),
            stderr: child.stderr.take().map(ChildStderr),
            handle: child,
        }
    }
}

impl From<Child> for process::Child {
    fn from(child: Child) -> process::Child {
        let mut handle = child.handle;
        handle.stdin = child.stdin.map(|pipe| pipe.0);
        handle.stdout = child.stdout.map(|pipe| pipe.0);
        handle.stderr = child.stderr.map(|pipe| pipe.0);
        handle
    }
}

/// The pipe to a program's standard input. As [`std::process::ChildStdin`]: dropping it closes the input.
#[derive(Debug)]
pub struct ChildStdin(process::ChildStdin);

/// The pipe from a program's standard output. As [`std::process::ChildStdout`].
#[derive(Debug)]
pub struct ChildStdout(process::ChildStdout);

/// The pipe from a program's standard error. As [`std::process::ChildStderr`].
#[derive(Debug)]
pub struct ChildStderr(process::ChildStderr);

impl_write!(ChildStdin, this => this.0);
impl_write!(&ChildStdin, this => (&this.0));
impl_read!(ChildStdout, this => this.0);
impl_read!(ChildStderr, this => this.0);
impl_fd!(ChildStdin, process::ChildStdin);
impl_fd!(ChildStdout, process::ChildStdout);
impl_fd!(ChildStderr, process::ChildStderr);
