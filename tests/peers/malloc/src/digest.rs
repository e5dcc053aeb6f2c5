//! The SHA-256 of every file in a tree.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use peer_common::Job;
use sha2::{Digest, Sha256};

use crate::blocks::{Xorshift, on_threads};

/// Files in the usual tree, which has about 80 MB.
const FILES: u64 = 10_000;

/// Directories in a directory.
const FANOUT: u64 = 16;

/// A SHA-256.
type Hash = [u8; 32];

/// The threads share the files of a tree among them, and read each in one piece.
pub fn digest(job: &Job) {
    let n = job.n(FILES);
    let tree = tempfile::tempdir().expect("there is a place for temporary files");
    let expected = plant(tree.path(), n).expect("files can be written");

    let start = Instant::now();
    let mut files = Vec::new();
    collect_files(tree.path(), &mut files).expect("the tree can be read");
    let next = AtomicUsize::new(0);
    let lines = on_threads(job.procs, |_| {
        let mut lines = Vec::new();
        // Relaxed: the threads only share out the numbers.
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let hash: Hash = Sha256::digest(fs::read(path).expect("the file can be read")).into();
            let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            lines.push((hash, format!("{hex}  {}", path.display())));
        }
        lines
    });
    let elapsed = start.elapsed();

    let hashes: Vec<Hash> = lines.iter().flatten().map(|(hash, _)| *hash).collect();
    assert_eq!(hashes.len() as u64, n, "number of files");
    assert_eq!(combined(hashes.into_iter()), expected, "the digests, combined");
    job.ms_and_peak("digest", elapsed, n, FILES);
}

/// Appends the files below `directory`.
fn collect_files(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect_files(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Writes `n` files of up to 64 KiB below `root`, many short ones among them, and returns their digests, combined.
fn plant(root: &Path, n: u64) -> io::Result<Hash> {
    let mut random = Xorshift(1);
    let mut hashes = Vec::new();
    let mut content = Vec::new();
    for id in 0..n {
        let directory = root.join(format!("{:x}/{:x}", id % FANOUT, id / FANOUT % FANOUT));
        fs::create_dir_all(&directory)?;
        let longest = 1 << (random.draw() % 17);
        let length = random.draw() % longest;
        content.clear();
        for _ in 0..length.div_ceil(8) {
            content.write_all(&random.draw().to_le_bytes())?;
        }
        fs::write(directory.join(format!("file-{id}")), &content)?;
        hashes.push(Sha256::digest(&content).into());
    }
    Ok(combined(hashes.into_iter()))
}

/// One number for `hashes` in whatever order.
fn combined(hashes: impl Iterator<Item = Hash>) -> Hash {
    hashes.fold(Hash::default(), |sum, hash| std::array::from_fn(|byte| sum[byte] ^ hash[byte]))
}
