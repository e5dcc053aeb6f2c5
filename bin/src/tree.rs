//! Work on every regular file below some paths: a green thread each, results in path order.
//!
//! A pipeline of three stages. A walker lists directories and starts a green thread for each file it meets. It sends
//! the handles through a bounded channel, and the caller joins them in that order. So results come out in order while
//! files are read side by side, and however large the tree, only as many files are open or waiting as the channel holds.
//! A fixed set of workers would need a buffer to put results back in order, and behind one huge file it would grow
//! without bound.
//!
//! Order is that of the whole paths' bytes, as `find DIR -type f | LC_ALL=C sort` prints them. A directory is sorted
//! among its neighbours as if its name ended in `/`: then walking depth first gives this order, and no more paths are
//! held than the open directories have entries.
//!
//! Symbolic links are followed where they are given, never where they are found: a loop of them cannot be entered.

use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sward::channel::bounded;
use sward::fs::{self, DirEntry, File};

/// How many files may be read ahead of the one whose result is awaited.
const AHEAD: usize = 64;

/// How much of a file is held at a time.
const CHUNK: usize = 64 * 1024;

/// Runs `work` on a green thread for each regular file at or below `roots`, and gives `done` the results in path order,
/// root by root. What cannot be read comes to `done` as an error, in its place.
///
/// # Errors
/// The first error that `done` returns ends it all: what is still running is not waited for.
pub fn each_file<T: Send + 'static>(
    roots: Vec<PathBuf>,
    work: impl Fn(&Path) -> io::Result<T> + Send + Sync + 'static,
    mut done: impl FnMut(&Path, io::Result<T>) -> io::Result<()>,
) -> io::Result<()> {
    let work = Arc::new(work);
    let (started, in_order) = bounded(AHEAD);
    let walker = sward::spawn(move || {
        for (path, found) in Walk::new(roots) {
            let running = found.map(|()| {
                let (work, path) = (work.clone(), path.clone());
                sward::spawn(move || work(&path))
            });
            if started.send((path, running)).is_err() {
                return; // The caller has stopped listening.
            }
        }
    });
    for (path, running) in in_order {
        let result = running.and_then(|file| file.join().unwrap_or_else(|panic| resume_unwind(panic)));
        done(&path, result)?;
    }
    walker.join().unwrap_or_else(|panic| resume_unwind(panic));
    Ok(())
}

/// Reads the file at `path` to its end, a chunk at a time.
///
/// # Errors
/// The file could not be opened, or read to its end.
pub fn each_chunk(path: &Path, mut work: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => work(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The regular files at or below some paths, in path order, and the errors met on the way, in their place.
pub struct Walk {
    /// What is still to be visited; the next is last.
    pending: Vec<(PathBuf, Kind)>,
}

enum Kind {
    /// A path that was asked for, of whatever kind.
    Root,
    Directory,
    File,
    Unreadable(io::Error),
}

impl Walk {
    /// A walk over `roots`, one after the other. Each may be a directory or anything that can be read.
    pub fn new(roots: Vec<PathBuf>) -> Self {
        Walk { pending: roots.into_iter().rev().map(|root| (root, Kind::Root)).collect() }
    }

    /// Puts the entries of `directory` next, in order.
    fn enter(&mut self, directory: &Path) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(directory)? {
            entries.extend(visit(&entry?));
        }
        entries.sort_unstable_by(|(a, ..), (b, ..)| b.cmp(a));
        self.pending.extend(entries.into_iter().map(|(_, path, kind)| (path, kind)));
        Ok(())
    }
}

/// The place of a directory's entry among its neighbours, its path and its kind; none if it is neither file nor
/// directory.
fn visit(entry: &DirEntry) -> Option<(Vec<u8>, PathBuf, Kind)> {
    let mut place = entry.file_name().as_bytes().to_vec();
    let kind = match entry.file_type() {
        Ok(kind) if kind.is_dir() => {
            place.push(b'/');
            Kind::Directory
        }
        Ok(kind) if kind.is_file() => Kind::File,
        Ok(_) => return None,
        Err(error) => Kind::Unreadable(error),
    };
    Some((place, entry.path(), kind))
}

impl Iterator for Walk {
    type Item = (PathBuf, io::Result<()>);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((path, kind)) = self.pending.pop() {
            let is_directory = match kind {
                Kind::Root => fs::metadata(&path).map(|root| root.is_dir()),
                Kind::Directory => Ok(true),
                Kind::File => Ok(false),
                Kind::Unreadable(error) => Err(error),
            };
            match is_directory {
                Ok(false) => return Some((path, Ok(()))),
                Ok(true) => {
                    if let Err(error) = self.enter(&path) {
                        return Some((path, Err(error)));
                    }
                }
                Err(error) => return Some((path, Err(error))),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_has_the_order_of_whole_paths_and_leaves_links_alone() {
        let root = tempfile::tempdir().unwrap();
        let mut files = ["a/z", "a-b/x", "a.c", "a0", "b/deep/er/f", "b/deep.f"].map(|name| root.path().join(name));
        for file in &files {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        std::os::unix::fs::symlink("..", root.path().join("b/loop")).unwrap();

        let start = root.path().to_owned();
        let walked = sward::run(|| {
            Walk::new(vec![start]).map(|(path, found)| found.map(|()| path)).collect::<Result<Vec<_>, _>>()
        });
        files.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
        assert_eq!(walked.unwrap(), files);
    }

    #[test]
    fn what_is_missing_comes_as_an_error_in_its_place() {
        let root = tempfile::tempdir().unwrap();
        let [first, missing, last] = ["1", "2", "3"].map(|name| root.path().join(name));
        std::fs::write(&first, "").unwrap();
        std::fs::write(&last, "").unwrap();

        let roots = vec![last, missing, first];
        let found: Vec<_> =
            sward::run(|| Walk::new(roots).map(|(_, found)| found.map_err(|error| error.kind())).collect());
        assert_eq!(found, [Ok(()), Err(ErrorKind::NotFound), Ok(())]);
    }
}
