//! Anonymous pipes.

use std::io;
use std::os::fd::{FromRawFd, RawFd};

use super::unblocked::{impl_fd, impl_read, impl_write};

/// The reading end of a [`pipe`]. As [`std::io::PipeReader`].
#[derive(Debug)]
pub struct PipeReader(io::PipeReader);

/// The writing end of a [`pipe`]. As [`std::io::PipeWriter`].
#[derive(Debug)]
pub struct PipeWriter(io::PipeWriter);

/// Makes a pipe: what is written to one end is read from the other. The reader sees the end when all writers are closed.
///
/// # Errors
/// As [`std::io::pipe`].
///
/// ```
/// # sward::run(|| {
/// use sward::io::{self, prelude::*};
///
/// let (mut reader, mut writer) = io::pipe()?;
/// let writes = sward::spawn(move || writer.write_all(b"through the wall"));
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "through the wall");
/// # writes.join().unwrap()?;
/// # io::Result::Ok(()) }).unwrap()
/// ```
pub fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    Ok((PipeReader(reader), PipeWriter(writer)))
}

impl PipeReader {
    /// Another handle of the same end.
    ///
    /// # Errors
    /// As [`std::io::PipeReader::try_clone`].
    pub fn try_clone(&self) -> io::Result<PipeReader> {
        self.0.try_clone().map(PipeReader)
    }
}

impl PipeWriter {
    /// Another handle of the same end.
    ///
    /// # Errors
    /// As [`std::io::PipeWriter::try_clone`].
    pub fn try_clone(&self) -> io::Result<PipeWriter> {
        self.0.try_clone().map(PipeWriter)
    }
}

impl_read!(PipeReader, this => this.0);
impl_read!(&PipeReader, this => (&this.0));
impl_write!(PipeWriter, this => this.0);
impl_write!(&PipeWriter, this => (&this.0));
impl_fd!(PipeReader, io::PipeReader);
impl_fd!(PipeWriter, io::PipeWriter);

impl FromRawFd for PipeReader {
    unsafe fn from_raw_fd(fd: RawFd) -> PipeReader {
        // SAFETY: the caller's promise is the same.
        PipeReader(unsafe { io::PipeReader::from_raw_fd(fd) })
    }
}

impl FromRawFd for PipeWriter {
    unsafe fn from_raw_fd(fd: RawFd) -> PipeWriter {
        // SAFETY: the caller's promise is the same.
        PipeWriter(unsafe { io::PipeWriter::from_raw_fd(fd) })
    }
}
