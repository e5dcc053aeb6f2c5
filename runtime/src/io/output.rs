//! The standard output and the standard error.
//!
//! Both pass each call on to std's stream, lock and all, within one `unblock`. A lock of ours comes before: it belongs to a green thread, so it
//! can be held across calls and waits, and who finds it taken parks instead of blocking an OS thread on std's.
//!
//! A `write!` is put together first, and written by one call. Written piece by piece, as std does it under its lock, it would be torn by
//! any `println!`; and the user's formatting code would run on the wrong stack.

use std::fmt;
use std::io::{self, IoSlice, IsTerminal, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use super::reentrant::{ReentrantGuard, ReentrantLock};
use crate::unblock;

/// Defines a stream, its lock, and the function that returns it.
macro_rules! output {
    (
        $(#[$function_doc:meta])* fn $function:ident;
        $(#[$stream_doc:meta])* struct $Stream:ident;
        $(#[$lock_doc:meta])* struct $Lock:ident;
    ) => {
        $(#[$function_doc])*
        pub fn $function() -> $Stream {
            static LOCK: ReentrantLock = ReentrantLock::new();
            $Stream(&LOCK)
        }

        $(#[$stream_doc])*
        #[derive(Clone, Copy)]
        pub struct $Stream(&'static ReentrantLock);

        $(#[$lock_doc])*
        #[must_use = "the lock is given up at once if it is not used"]
        pub struct $Lock<'a> {
            _guard: ReentrantGuard,
            _stream: std::marker::PhantomData<(&'a $Stream, *mut ())>,
        }

        impl $Stream {
            /// Locks it, for writing more than one piece. Waits while another thread has the lock; who has it may lock again.
            pub fn lock(&self) -> $Lock<'static> {
                $Lock { _guard: self.0.lock(), _stream: std::marker::PhantomData }
            }

            /// Whether it is a terminal.
            pub fn is_terminal(&self) -> bool {
                io::$function().is_terminal()
            }
        }

        impl $Lock<'_> {
            /// Whether it is a terminal.
            pub fn is_terminal(&self) -> bool {
                io::$function().is_terminal()
            }
        }

        impl Write for $Lock<'_> {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                unblock(|| io::$function().write(buf))
            }

            fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                unblock(|| io::$function().write_vectored(bufs))
            }

            fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
                unblock(|| io::$function().write_all(buf))
            }

            fn write_fmt(&mut self, args: fmt::Arguments<'_>) -> io::Result<()> {
                match args.as_str() {
                    Some(text) => self.write_all(text.as_bytes()),
                    None => self.write_all(fmt::format(args).as_bytes()),
                }
            }

            fn flush(&mut self) -> io::Result<()> {
                unblock(|| io::$function().flush())
            }
        }

        output!(@locking $Stream);
        output!(@locking &$Stream);
        output!(@descriptor $Stream, $function);
        output!(@descriptor $Lock<'_>, $function);

        impl fmt::Debug for $Stream {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Stream)).finish_non_exhaustive()
            }
        }

        impl fmt::Debug for $Lock<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Lock)).finish_non_exhaustive()
            }
        }
    };
    (@locking $T:ty) => {
        impl Write for $T {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                self.lock().write(buf)
            }

            fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                self.lock().write_vectored(bufs)
            }

            fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
                self.lock().write_all(buf)
            }

            fn write_fmt(&mut self, args: fmt::Arguments<'_>) -> io::Result<()> {
                self.lock().write_fmt(args)
            }

            fn flush(&mut self) -> io::Result<()> {
                self.lock().flush()
            }
        }
    };
    (@descriptor $T:ty, $function:ident) => {
        impl AsFd for $T {
            fn as_fd(&self) -> BorrowedFd<'_> {
                // SAFETY: std, too, takes the descriptor for open as long as the process lives.
                unsafe { BorrowedFd::borrow_raw(self.as_raw_fd()) }
            }
        }

        impl AsRawFd for $T {
            fn as_raw_fd(&self) -> RawFd {
                io::$function().as_raw_fd()
            }
        }
    };
}

output! {
    /// The standard output.
    ///
    /// ```
    /// # sward::run(|| {
    /// use sward::io::{self, Write};
    ///
    /// let mut out = io::stdout().lock();
    /// writeln!(out, "two lines")?;
    /// writeln!(out, "that stay together")?;
    /// # io::Result::Ok(()) }).unwrap()
    /// ```
    fn stdout;
    /// The standard output, buffered by lines, one for all threads. As [`std::io::Stdout`]; see the [module](super) for how the two
    /// get along.
    struct Stdout;
    /// The standard output, for one thread until this is dropped. As [`std::io::StdoutLock`], but it may be held across any wait.
    struct StdoutLock;
}

output! {
    /// The standard error.
    ///
    /// ```
    /// # sward::run(|| {
    /// use sward::io::{self, Write};
    ///
    /// writeln!(io::stderr(), "nothing is wrong")?;
    /// # io::Result::Ok(()) }).unwrap()
    /// ```
    fn stderr;
    /// The standard error, not buffered. As [`std::io::Stderr`]. A `writeln!` is one write.
    struct Stderr;
    /// The standard error, for one thread until this is dropped. As [`std::io::StderrLock`], but it may be held across any wait.
    struct StderrLock;
}
