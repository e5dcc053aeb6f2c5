//! The standard input.
//!
//! One buffer for the process, behind a mutex of ours, which a green thread may hold while it waits for input: the system call under it
//! is all that runs in `unblock`, std's own lock included.

use std::fmt;
use std::io::{self, BufRead, BufReader, IoSliceMut, IsTerminal, Lines, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{OnceLock, PoisonError};

use crate::sync::{Mutex, MutexGuard};
use crate::unblock;

/// As much as std's buffer holds, so that reading fills ours directly, past that one.
const CAPACITY: usize = 8 * 1024;

/// Reads through std's, which has what was read ahead before, and takes a closed input for an empty one.
#[derive(Debug)]
struct Source;

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        unblock(|| io::stdin().lock().read(buf))
    }
}

/// The standard input, buffered, one for all threads. As [`std::io::Stdin`]; see the [module](super) for how the two get along.
#[derive(Clone, Copy)]
pub struct Stdin(&'static Mutex<BufReader<Source>>);

/// The standard input, for one thread until this is dropped. As [`std::io::StdinLock`], but it may be held across any wait.
#[must_use = "the lock is given up at once if it is not used"]
pub struct StdinLock<'a>(MutexGuard<'a, BufReader<Source>>);

/// The standard input.
///
/// ```no_run
/// # sward::run(|| {
/// let mut name = String::new();
/// sward::io::stdin().read_line(&mut name)?;
/// println!("hello, {}", name.trim_end());
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
pub fn stdin() -> Stdin {
    // std's: what could be waited for is an allocation.
    static INPUT: OnceLock<Mutex<BufReader<Source>>> = OnceLock::new();
    Stdin(INPUT.get_or_init(|| Mutex::new(BufReader::with_capacity(CAPACITY, Source))))
}

impl Stdin {
    /// Locks it for reading more than one piece. Waits while another thread has the lock.
    ///
    /// A thread that has the lock already must not ask for it again, as with std's.
    pub fn lock(&self) -> StdinLock<'static> {
        // As std's, it does not mind a panic: every read leaves the buffer whole.
        StdinLock(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads a line, with its end, and appends it to `line`. 0: no line is left.
    ///
    /// # Errors
    /// As [`BufRead::read_line`].
    pub fn read_line(&self, line: &mut String) -> io::Result<usize> {
        self.lock().read_line(line)
    }

    /// All lines, without their ends. The input is locked as long as the iterator lives.
    pub fn lines(self) -> Lines<StdinLock<'static>> {
        self.lock().lines()
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }
}

/// Implements `Read` by locking for each call.
macro_rules! impl_read_locking {
    ($($T:ty),+) => {$(
        impl Read for $T {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.lock().read(buf)
            }

            fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                self.lock().read_vectored(bufs)
            }

            fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
                self.lock().read_to_end(buf)
            }

            fn read_to_string(&mut self, buf: &mut String) -> io::Result<usize> {
                self.lock().read_to_string(buf)
            }

            fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
                self.lock().read_exact(buf)
            }
        }
    )+};
}

impl_read_locking!(Stdin, &Stdin);

impl Read for StdinLock<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.read_vectored(bufs)
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        self.0.read_to_end(buf)
    }

    fn read_to_string(&mut self, buf: &mut String) -> io::Result<usize> {
        self.0.read_to_string(buf)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(buf)
    }
}

impl BufRead for StdinLock<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.0.consume(n);
    }
}

impl StdinLock<'_> {
    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }
}

impl AsFd for Stdin {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: std, too, takes the descriptor for open as long as the process lives.
        unsafe { BorrowedFd::borrow_raw(self.as_raw_fd()) }
    }
}

impl AsRawFd for Stdin {
    fn as_raw_fd(&self) -> RawFd {
        io::stdin().as_raw_fd()
    }
}

impl AsFd for StdinLock<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: as for `Stdin`.
        unsafe { BorrowedFd::borrow_raw(self.as_raw_fd()) }
    }
}

impl AsRawFd for StdinLock<'_> {
    fn as_raw_fd(&self) -> RawFd {
        io::stdin().as_raw_fd()
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin").finish_non_exhaustive()
    }
}

impl fmt::Debug for StdinLock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdinLock").finish_non_exhaustive()
    }
}
