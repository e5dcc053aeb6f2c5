//! Open files.

use std::fs::{self, FileTimes, Metadata, Permissions, TryLockError};
use std::io::{self, IsTerminal, Seek, SeekFrom};
use std::os::fd::{FromRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::SystemTime;

use crate::fs::OpenOptions;
use crate::io::unblocked::{impl_fd, impl_read, impl_write};
use crate::unblock;

/// An open file. As [`std::fs::File`], but what blocks holds no other green thread up.
///
/// It is not buffered: std's [`BufReader`](io::BufReader) and [`BufWriter`](io::BufWriter) go with it.
///
/// ```
/// # sward::run(|| {
/// # let dir = tempfile::tempdir()?;
/// use std::io::{BufRead, BufReader, Write};
/// use sward::fs::File;
///
/// let path = dir.path().join("list");
/// File::create(&path)?.write_all(b"one\ntwo\n")?;
/// assert_eq!(BufReader::new(File::open(&path)?).lines().count(), 2);
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
#[derive(Debug)]
pub struct File(fs::File);

impl File {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// As [`std::fs::File::open`].
    pub fn open<P: AsRef<Path>>(path: P) -> io::Result<File> {
        OpenOptions::new().read(true).open(path)
    }

    /// Opens a file for writing: makes it, or empties it if it exists.
    ///
    /// # Errors
    /// As [`std::fs::File::create`].
    pub fn create<P: AsRef<Path>>(path: P) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path)
    }

    /// Makes a file, for reading and writing.
    ///
    /// # Errors
    /// As [`std::fs::File::create_new`]: if the file exists, among others.
    pub fn create_new<P: AsRef<Path>>(path: P) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    /// Options for opening a file in any other way.
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Waits until what was written, and what the file system says of the file, is on the disk.
    ///
    /// # Errors
    /// As [`std::fs::File::sync_all`].
    pub fn sync_all(&self) -> io::Result<()> {
        unblock(|| self.0.sync_all())
    }

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    /// As [`std::fs::File::sync_data`].
    pub fn sync_data(&self) -> io::Result<()> {
        unblock(|| self.0.sync_data())
    }

    /// Cuts the file, or fills it up with zeros, to `size` bytes.
    ///
    /// # Errors
    /// As [`std::fs::File::set_len`].
    pub fn set_len(&self, size: u64) -> io::Result<()> {
        unblock(|| self.0.set_len(size))
    }

    /// What the file system says of the file.
    ///
    /// # Errors
    /// As [`std::fs::File::metadata`].
    pub fn metadata(&self) -> io::Result<Metadata> {
        unblock(|| self.0.metadata())
    }

    /// A second handle of the same open file: they share the position.
    ///
    /// # Errors
    /// As [`std::fs::File::try_clone`].
    pub fn try_clone(&self) -> io::Result<File> {
        self.0.try_clone().map(File)
    }

    /// Changes the permissions of the file.
    ///
    /// # Errors
    /// As [`std::fs::File::set_permissions`].
    pub fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        unblock(|| self.0.set_permissions(permissions))
    }

    /// Changes the times of the file.
    ///
    /// # Errors
    /// As [`std::fs::File::set_times`].
    pub fn set_times(&self, times: FileTimes) -> io::Result<()> {
        unblock(|| self.0.set_times(times))
    }

    /// Changes the time of the file's last modification.
    ///
    /// # Errors
    /// As [`std::fs::File::set_modified`].
    pub fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        self.set_times(FileTimes::new().set_modified(time))
    }

    /// Locks the file against other handles of it, waiting if need be.
    ///
    /// # Errors
    /// As [`std::fs::File::lock`].
    pub fn lock(&self) -> io::Result<()> {
        unblock(|| self.0.lock())
    }

    /// Locks the file against exclusive locks through other handles of it, waiting if need be.
    ///
    /// # Errors
    /// As [`std::fs::File::lock_shared`].
    pub fn lock_shared(&self) -> io::Result<()> {
        unblock(|| self.0.lock_shared())
    }

    /// As [`lock`](Self::lock), if that needs no waiting.
    ///
    /// # Errors
    /// As [`std::fs::File::try_lock`].
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        unblock(|| self.0.try_lock())
    }

    /// As [`lock_shared`](Self::lock_shared), if that needs no waiting.
    ///
    /// # Errors
    /// As [`std::fs::File::try_lock_shared`].
    pub fn try_lock_shared(&self) -> Result<(), TryLockError> {
        unblock(|| self.0.try_lock_shared())
    }

    /// Unlocks the file.
    ///
    /// # Errors
    /// As [`std::fs::File::unlock`].
    pub fn unlock(&self) -> io::Result<()> {
        unblock(|| self.0.unlock())
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

impl_read!(File, this => this.0);
impl_read!(&File, this => (&this.0));
impl_write!(File, this => this.0);
impl_write!(&File, this => (&this.0));
impl_fd!(File, fs::File);

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl Seek for &File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&self.0).seek(to)
    }
}

impl FileExt for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        unblock(|| self.0.read_at(buf, offset))
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        unblock(|| self.0.write_at(buf, offset))
    }
}

impl FromRawFd for File {
    unsafe fn from_raw_fd(fd: RawFd) -> File {
        // SAFETY: the caller's promise is the same.
        File(unsafe { fs::File::from_raw_fd(fd) })
    }
}
