//! Standard error for reports of the end: without std's lock, which a parked green thread may hold.

use std::io::{self, Write};

/// Writes to descriptor 2, without a buffer or a lock.
pub struct RawStderr;

impl Write for RawStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: the slice is valid; the kernel checks the descriptor.
        let written = unsafe { libc::write(2, bytes.as_ptr().cast(), bytes.len()) };
        if written < 0 { Err(io::Error::last_os_error()) } else { Ok(written as usize) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
