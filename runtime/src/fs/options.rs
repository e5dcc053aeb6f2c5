//! How to open a file.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::fs::File;
use crate::unblock;

/// How to open a file. As [`std::fs::OpenOptions`].
///
/// ```
/// # sward::run(|| {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("log");
/// use std::io::Write;
/// use sward::fs::OpenOptions;
///
/// let mut log = OpenOptions::new().create(true).append(true).open(&path)?;
/// log.write_all(b"started\n")?;
/// # std::io::Result::Ok(()) }).unwrap()
/// ```
#[derive(Debug, Clone)]
pub struct OpenOptions(fs::OpenOptions);

/// Defines methods that set one of std's options.
macro_rules! options {
    ($($(#[$doc:meta])* fn $name:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, $name: bool) -> &mut Self {
            self.0.$name($name);
            self
        }
    )*};
}

impl OpenOptions {
    /// No option set: nothing can be opened so.
    #[expect(clippy::new_without_default, reason = "as std's")]
    pub fn new() -> OpenOptions {
        OpenOptions(fs::OpenOptions::new())
    }

    options! {
        /// To read.
        fn read;
        /// To write.
        fn write;
        /// To write at the end, wherever it is at the time.
        fn append;
        /// To empty it, if it exists.
        fn truncate;
        /// To make it, if it does not exist.
        fn create;
        /// To make it, and to fail if it exists.
        fn create_new;
    }

    /// Opens a file.
    ///
    /// # Errors
    /// As [`std::fs::OpenOptions::open`].
    pub fn open<P: AsRef<Path>>(&self, path: P) -> io::Result<File> {
        let path = path.as_ref();
        unblock(|| self.0.open(path)).map(File::from)
    }
}

impl OpenOptionsExt for OpenOptions {
    fn mode(&mut self, mode: u32) -> &mut Self {
        self.0.mode(mode);
        self
    }

    fn custom_flags(&mut self, flags: i32) -> &mut Self {
        self.0.custom_flags(flags);
        self
    }
}
