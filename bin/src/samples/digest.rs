//! `digest`: the SHA-256 of every file in a tree, on the pipeline of [`tree`](crate::tree).
//!
//! The lines are those of `sha256sum`, which also checks them: `sward run digest DIR | sha256sum -c`.

use std::fmt::Write;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sha2::{Digest, Sha256};
use sward::fs;

use crate::progress;
use crate::report::Report;
use crate::tree::{self, Walk};

/// Print the SHA-256 of every file in a directory tree, as `sha256sum` does
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run digest docs | sha256sum -c")]
pub struct Args {
    /// The directory whose regular files are read
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub fn run(args: Args) -> io::Result<ExitCode> {
    let bar = progress::bytes(0);
    if !bar.is_hidden() {
        bar.set_length(total_size(args.directory.clone()));
    }
    let mut report = Report::new("digest", bar.clone());
    let digest = move |path: &Path| {
        let mut hash = Sha256::new();
        tree::each_chunk(path, |chunk| {
            hash.update(chunk);
            bar.inc(chunk.len() as u64);
        })?;
        Ok(hash.finalize())
    };
    tree::each_file(vec![args.directory], digest, |path, digested| {
        match digested {
            Ok(hash) => report.line(&row(&hash, path))?,
            Err(error) => report.failure(path, &error),
        }
        Ok(())
    })?;
    report.finish()
}

/// The sizes of all files that can be read, for the progress bar.
fn total_size(directory: PathBuf) -> u64 {
    let sizes = Walk::new(vec![directory])
        .filter_map(|(path, found)| Some(found.and_then(|()| fs::metadata(path)).ok()?.len()));
    sizes.sum()
}

/// A line of `sha256sum`. A name that would break the line is escaped, and then the line begins with a backslash.
fn row(hash: &[u8], path: &Path) -> Vec<u8> {
    let mut hex = String::new();
    for byte in hash {
        write!(hex, "{byte:02x}").expect("a string takes all that is written");
    }
    let name = path.as_os_str().as_bytes();
    let mut row = Vec::new();
    if name.iter().any(|byte| matches!(byte, b'\\' | b'\n' | b'\r')) {
        row.push(b'\\');
    }
    row.extend_from_slice(hex.as_bytes());
    row.extend_from_slice(b"  ");
    for &byte in name {
        match byte {
            b'\\' => row.extend_from_slice(b"\\\\"),
            b'\n' => row.extend_from_slice(b"\\n"),
            b'\r' => row.extend_from_slice(b"\\r"),
            _ => row.push(byte),
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_hash_two_spaces_and_name() {
        assert_eq!(row(&[0x0a, 0xff], Path::new("docs/a b.md")), b"0aff  docs/a b.md");
    }

    #[test]
    fn names_that_break_lines_are_escaped() {
        assert_eq!(row(&[1], Path::new("a\nb\\c\rd")), b"\\01  a\\nb\\\\c\\rd");
    }
}
