//! Input and output: `std::io` for green threads.
//!
//! The traits, adapters and errors are std's own, so what is written for `std::io` works with the streams of this crate. What may block is
//! ours: [`stdin`](stdin()), [`stdout`], [`stderr`] and [`pipe`](pipe()) run their system calls in [`unblock`](crate::unblock), and the P goes on with other
//! green threads. A wait for a line holds nobody up, and costs an OS thread as long as it takes.
//!
//! ```no_run,standalone_crate
//! # #[sward::main]
//! # fn main() -> sward::io::Result<()> {
//! use sward::io::{self, prelude::*};
//!
//! for line in io::stdin().lines() {
//!     writeln!(io::stdout(), "{}", line?.to_uppercase())?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # std's streams, `println!`, and these
//! std guards its streams by locks that belong to OS threads. A green thread must not wait while it holds one
//! (`std::io::stdout().lock()`): it may go on on another OS thread. Here, a lock belongs to the green thread, and may be held across any
//! wait. std's is taken inside a single call, on the OS thread that makes the call, and left before it returns.
//!
//! - *Output* has one buffer, std's: what is printed by `println!` and what is written here come out in the order in which they were
//!   written, and a `writeln!` or `println!` is never torn. But `println!` knows nothing of a [`StdoutLock`] that another green
//!   thread holds, and prints between its lines.
//! - `println!` is safe on green threads: it holds std's lock for the one call only, and there is no wait of ours in it. Where nobody reads
//!   what is printed, it blocks its OS thread; the scheduler takes the P away after a time slice, as from any thread that runs for long.
//! - *Input* has a buffer here, on top of std's: what std's `stdin` has read ahead is read first, but what is read ahead here is not seen by
//!   std's. Use one of the two.

mod output;
mod pipe;
mod reentrant;
mod stdin;
pub(crate) mod unblocked;

pub use std::io::{
    BufRead, BufReader, BufWriter, Bytes, Chain, Cursor, Empty, Error, ErrorKind, IntoInnerError, IoSlice, IoSliceMut,
    IsTerminal, LineWriter, Lines, Read, Repeat, Result, Seek, SeekFrom, Sink, Split, Take, Write, WriterPanicked,
    copy, empty, prelude, read_to_string, repeat, sink,
};

pub use output::{Stderr, StderrLock, Stdout, StdoutLock, stderr, stdout};
pub use pipe::{PipeReader, PipeWriter, pipe};
pub use stdin::{Stdin, StdinLock, stdin};
