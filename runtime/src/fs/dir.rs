//! Directories: what is in them, and making them.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, DirEntryExt};
use std::path::{Path, PathBuf};

use crate::unblock;

/// How many entries are read at a time. std reads one in some hundred nanoseconds from what the kernel has given it at once, so
/// an `unblock` for each would be felt.
const BATCH: usize = 64;

/// What is in a directory.
///
/// # Errors
/// As [`std::fs::read_dir`].
///
/// ```
/// # sward::run(|| {
/// for entry in sward::fs::read_dir("/proc/self/fd")? {
///     println!("{}", entry?.path().display());
/// }
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
pub fn read_dir<P: AsRef<Path>>(path: P) -> io::Result<ReadDir> {
    let path = path.as_ref();
    let rest = unblock(|| fs::read_dir(path))?;
    Ok(ReadDir { rest, batch: VecDeque::new() })
}

/// The entries of a directory, in no order. As [`std::fs::ReadDir`]; some entries are read ahead.
#[derive(Debug)]
pub struct ReadDir {
    rest: fs::ReadDir,
    batch: VecDeque<io::Result<fs::DirEntry>>,
}

impl Iterator for ReadDir {
    type Item = io::Result<DirEntry>;

    fn next(&mut self) -> Option<io::Result<DirEntry>> {
        if self.batch.is_empty() {
            unblock(|| self.batch.extend(self.rest.by_ref().take(BATCH)));
        }
        Some(self.batch.pop_front()?.map(DirEntry))
    }
}

/// A file or directory in a directory. As [`std::fs::DirEntry`].
#[derive(Debug)]
pub struct DirEntry(fs::DirEntry);

impl DirEntry {
    /// The path: that of the directory as it was given, and the name.
    pub fn path(&self) -> PathBuf {
        self.0.path()
    }

    /// The name, without the directory.
    pub fn file_name(&self) -> OsString {
        self.0.file_name()
    }

    /// What the file system says of it, or of a symbolic link itself.
    ///
    /// # Errors
    /// As [`std::fs::DirEntry::metadata`].
    pub fn metadata(&self) -> io::Result<Metadata> {
        unblock(|| self.0.metadata())
    }

    /// Whether it is a file, a directory, a symbolic link or something else.
    ///
    /// # Errors
    /// As [`std::fs::DirEntry::file_type`].
    pub fn file_type(&self) -> io::Result<FileType> {
        // Most file systems tell it with the name; with the others it is a question of its own.
        unblock(|| self.0.file_type())
    }
}

impl DirEntryExt for DirEntry {
    fn ino(&self) -> u64 {
        self.0.ino()
    }
}

/// How to make a directory. As [`std::fs::DirBuilder`].
///
/// ```
/// # sward::run(|| {
/// # let dir = tempfile::tempdir()?;
/// use std::os::unix::fs::DirBuilderExt;
/// use sward::fs::DirBuilder;
///
/// DirBuilder::new().recursive(true).mode(0o700).create(dir.path().join("a/b"))?;
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
#[derive(Debug)]
pub struct DirBuilder(fs::DirBuilder);

impl DirBuilder {
    /// One directory, for all who may.
    #[expect(clippy::new_without_default, reason = "as std's")]
    pub fn new() -> DirBuilder {
        DirBuilder(fs::DirBuilder::new())
    }

    /// Whether to make those above it that do not exist, and to be content if it exists.
    pub fn recursive(&mut self, recursive: bool) -> &mut Self {
        self.0.recursive(recursive);
        self
    }

    /// Makes the directory.
    ///
    /// # Errors
    /// As [`std::fs::DirBuilder::create`].
    pub fn create<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        let path = path.as_ref();
        unblock(|| self.0.create(path))
    }
}

impl DirBuilderExt for DirBuilder {
    fn mode(&mut self, mode: u32) -> &mut Self {
        self.0.mode(mode);
        self
    }
}
