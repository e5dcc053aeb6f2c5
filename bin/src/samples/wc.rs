//! `wc`: lines, words and bytes of real files and trees, on the pipeline of [`tree`](crate::tree).
//!
//! The figures and columns are those of GNU `wc`, for which a word begins at a printable byte and ends at white space:
//! control characters neither begin nor end one. Which bytes are printable depends on the locale. In the C locale they
//! are those of ASCII. In a UTF-8 locale every byte beyond ASCII counts as printable here, which is exact for text
//! whose white space is ASCII; GNU `wc` decodes, and so also knows Unicode's white space and ill-formed sequences.

use std::env;
use std::io::{self, Write};
use std::ops::AddAssign;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sward::fs;

use crate::progress;
use crate::report::Report;
use crate::tree::{self, Walk};

/// Count lines, words and bytes of files and directory trees, as `wc` does
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run wc README.md docs")]
pub struct Args {
    /// Files, and directories whose regular files are all counted
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

pub fn run(args: Args) -> io::Result<ExitCode> {
    let (total_size, width) = measure(args.paths.clone());
    let bar = progress::bytes(total_size);
    let mut report = Report::new("wc", bar.clone());
    let (mut files, mut total) = (0, Counts::default());

    let classes = Classes::of_environment();
    let count = move |path: &Path| {
        let mut counter = Counter::default();
        tree::each_chunk(path, |chunk| {
            counter.feed(chunk, &classes);
            bar.inc(chunk.len() as u64);
        })?;
        Ok(counter.counts)
    };
    tree::each_file(args.paths, count, |path, counted| {
        files += 1;
        match counted {
            Ok(counts) => {
                total += counts;
                report.line(&counts.row(width, path.as_os_str().as_bytes()))?;
            }
            Err(error) => report.failure(path, &error),
        }
        Ok(())
    })?;
    if files != 1 {
        report.line(&total.row(width, b"total"))?;
    }
    report.finish()
}

/// How many bytes there are to count, and the width of a column. As in GNU `wc`, the width is that of the sum of all
/// sizes, or 7 if that is less and some file's size says nothing (a pipe, a device). What cannot be read is left out: it
/// is reported when it is met again.
fn measure(paths: Vec<PathBuf>) -> (u64, usize) {
    let (mut total, mut least) = (0, 1);
    for (path, found) in Walk::new(paths) {
        match found.and_then(|()| fs::metadata(&path)) {
            Ok(file) if file.is_file() => total += file.len(),
            Ok(_) => least = 7,
            Err(_) => {}
        }
    }
    (total, total.to_string().len().max(least))
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    lines: u64,
    words: u64,
    bytes: u64,
}

impl Counts {
    fn row(&self, width: usize, name: &[u8]) -> Vec<u8> {
        let Counts { lines, words, bytes } = self;
        let mut row = Vec::new();
        write!(row, "{lines:>width$} {words:>width$} {bytes:>width$} ").expect("a vector takes all that is written");
        row.extend_from_slice(name);
        row
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Counts) {
        self.lines += more.lines;
        self.words += more.words;
        self.bytes += more.bytes;
    }
}

/// Counts a file that comes in chunks. A word may go on in the next chunk.
#[derive(Default)]
struct Counter {
    counts: Counts,
    in_word: bool,
}

impl Counter {
    fn feed(&mut self, chunk: &[u8], classes: &Classes) {
        self.counts.bytes += chunk.len() as u64;
        self.counts.lines += chunk.iter().filter(|&&byte| byte == b'\n').count() as u64;
        for &byte in chunk {
            let in_word = (self.in_word | classes.printable[usize::from(byte)]) & !is_space(byte);
            self.counts.words += u64::from(in_word & !self.in_word);
            self.in_word = in_word;
        }
    }
}

/// White space in the C locale: also vertical tab, which Rust's own test leaves out.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Which bytes begin a word.
struct Classes {
    printable: [bool; 256],
}

impl Classes {
    /// ASCII's graphic characters, and with `utf8` every byte that is no ASCII.
    fn new(utf8: bool) -> Self {
        let printable = |byte: u8| byte.is_ascii_graphic() || (utf8 && !byte.is_ascii());
        Classes { printable: std::array::from_fn(|byte| printable(byte as u8)) }
    }

    /// Those of the locale that the environment asks for.
    fn of_environment() -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(env::var_os).find(|value| !value.is_empty());
        let locale = locale.unwrap_or_default().to_string_lossy().to_lowercase();
        Classes::new(locale.contains("utf-8") || locale.contains("utf8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(chunks: &[&[u8]], classes: &Classes) -> (u64, u64, u64) {
        let mut counter = Counter::default();
        chunks.iter().for_each(|chunk| counter.feed(chunk, classes));
        (counter.counts.lines, counter.counts.words, counter.counts.bytes)
    }

    #[test]
    fn an_empty_file_has_nothing() {
        assert_eq!(count(&[], &Classes::new(false)), (0, 0, 0));
    }

    #[test]
    fn a_last_line_without_newline_has_words_but_is_no_line() {
        assert_eq!(count(&[b"one\ntwo three"], &Classes::new(false)), (1, 3, 13));
    }

    #[test]
    fn every_white_space_ends_a_word() {
        assert_eq!(count(&[b"a b\tc\nd\x0be\x0cf\rg"], &Classes::new(false)).1, 7);
    }

    #[test]
    fn a_text_counts_the_same_wherever_it_is_cut() {
        let text = b"  green threads\n\nare\x01 cheap,\t\xc3\xa9\xff \x02 many \n of them";
        for classes in [Classes::new(false), Classes::new(true)] {
            let whole = count(&[text], &classes);
            for cut in 0..=text.len() {
                let (head, tail) = text.split_at(cut);
                assert_eq!(count(&[head, tail], &classes), whole, "cut at {cut}");
            }
        }
    }

    #[test]
    fn control_characters_neither_begin_nor_end_a_word() {
        assert_eq!(count(&[b"\x01 \x7f a\x01b \x00c"], &Classes::new(true)).1, 2);
    }

    #[test]
    fn bytes_beyond_ascii_begin_words_in_utf8_only() {
        let text = "é → a".as_bytes();
        assert_eq!(count(&[text], &Classes::new(true)).1, 3);
        assert_eq!(count(&[text], &Classes::new(false)).1, 1);
    }

    #[test]
    fn rows_are_aligned_to_the_width() {
        let counts = Counts { lines: 3, words: 20, bytes: 100 };
        assert_eq!(counts.row(4, b"f"), b"   3   20  100 f");
        assert_eq!(counts.row(1, b"\xff"), b"3 20 100 \xff");
    }
}
