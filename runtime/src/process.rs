//! Child processes: `std::process` for green threads.
//!
//! What blocks (starting a program, waiting for its end, reading and writing its pipes) runs in [`unblock`](crate::unblock), and the P
//! goes on with other green threads. Each such wait costs an OS thread as long as it takes.
//!
//! Names, signatures and semantics are std's; for all details see there. Methods that std has in the trait `CommandExt`, which others cannot
//! implement, are methods of [`Command`] itself.
//!
//! ```standalone_crate
//! # #[sward::main]
//! # fn main() -> std::io::Result<()> {
//! use sward::process::Command;
//!
//! let output = Command::new("echo").arg("hello").output()?;
//! assert!(output.status.success());
//! assert_eq!(output.stdout, b"hello\n");
//! # Ok(())
//! # }
//! ```

mod child;
mod command;
#[cfg(test)]
mod tests;

pub use std::process::{CommandArgs, CommandEnvs, ExitCode, ExitStatus, Output, Stdio, Termination, abort, exit, id};

pub use child::{Child, ChildStderr, ChildStdin, ChildStdout};
pub use command::Command;
