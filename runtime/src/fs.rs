//! Files and directories: `std::fs` for green threads.
//!
//! Linux has no way to wait for a file as one waits for a socket: reading one blocks the OS thread for as long as the disk takes. So what
//! may block runs in [`unblock`], and the P goes on with other green threads. That costs ten nanoseconds, where a read of
//! cached data costs some hundreds: nothing here tries to guess what will block. What works in memory (moving a file's position,
//! building options) is called directly. So is closing a file: the few that block then are taken for hogs, which do no harm either.
//!
//! Names, signatures and semantics are std's, the traits of `std::os::unix::fs` included; for all details see there. What is the user's
//! code, an argument's `as_ref`, runs before the `unblock`, on the green thread.

mod dir;
mod file;
mod options;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

pub use std::fs::{FileTimes, FileType, Metadata, Permissions, TryLockError};

pub use dir::{DirBuilder, DirEntry, ReadDir, read_dir};
pub use file::File;
pub use options::OpenOptions;

use crate::unblock;

/// Defines functions that are std's, in `unblock`, and take paths only.
macro_rules! unblocked {
    ($($(#[$doc:meta])* fn $name:ident<$($P:ident),+>($($path:ident: $_P:ident),+) -> $T:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        #[doc = concat!("As [`std::fs::", stringify!($name), "`].")]
        pub fn $name<$($P: AsRef<Path>),+>($($path: $P),+) -> io::Result<$T> {
            $(let $path = $path.as_ref();)+
            unblock(|| std::fs::$name($($path),+))
        }
    )*};
}

unblocked! {
    /// Reads a whole file.
    ///
    /// ```
    /// # sward::run(|| {
    /// let arguments = sward::fs::read("/proc/self/cmdline")?;
    /// assert!(!arguments.is_empty());
    /// # std::io::Result::Ok(()) }).unwrap()
    /// ```
    fn read<P>(path: P) -> Vec<u8>;
    /// Reads a whole file of UTF-8 text.
    fn read_to_string<P>(path: P) -> String;
    /// Copies a file's contents and permissions to another one, and tells how many bytes.
    fn copy<P, Q>(from: P, to: Q) -> u64;
    /// Renames a file or directory, replacing what has the new name.
    fn rename<P, Q>(from: P, to: Q) -> ();
    /// Gives a file one more name.
    fn hard_link<P, Q>(original: P, link: Q) -> ();
    /// Removes a file, or a symbolic link.
    fn remove_file<P>(path: P) -> ();
    /// Makes a directory.
    fn create_dir<P>(path: P) -> ();
    /// Makes a directory, and those above it that do not exist.
    fn create_dir_all<P>(path: P) -> ();
    /// Removes an empty directory.
    fn remove_dir<P>(path: P) -> ();
    /// Removes a directory with all that is in it.
    fn remove_dir_all<P>(path: P) -> ();
    /// What the file system says of a file; of what a symbolic link points to.
    fn metadata<P>(path: P) -> Metadata;
    /// What the file system says of a file, or of a symbolic link itself.
    fn symlink_metadata<P>(path: P) -> Metadata;
    /// Whether there is such a file. Where that cannot be told, an error, unlike [`Path::exists`].
    fn exists<P>(path: P) -> bool;
    /// The absolute path, with no symbolic link in it.
    fn canonicalize<P>(path: P) -> PathBuf;
    /// What a symbolic link points to.
    fn read_link<P>(path: P) -> PathBuf;
}

/// Writes a file that has `contents` and nothing else, whether it existed or not.
///
/// # Errors
/// As [`std::fs::write`].
///
/// ```
/// # sward::run(|| {
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("greeting");
/// sward::fs::write(&path, "hello")?;
/// assert_eq!(sward::fs::read_to_string(&path)?, "hello");
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
pub fn write<P: AsRef<Path>, C: AsRef<[u8]>>(path: P, contents: C) -> io::Result<()> {
    let (path, contents) = (path.as_ref(), contents.as_ref());
    unblock(|| std::fs::write(path, contents))
}

/// Changes the permissions of a file or directory.
///
/// # Errors
/// As [`std::fs::set_permissions`].
pub fn set_permissions<P: AsRef<Path>>(path: P, permissions: Permissions) -> io::Result<()> {
    let path = path.as_ref();
    unblock(|| std::fs::set_permissions(path, permissions))
}
