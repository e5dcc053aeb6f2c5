//! How samples say things: results on standard output, everything else on standard error.
//!
//! Nothing here keeps standard output locked between two writes. Its lock belongs to an OS thread, and a green thread
//! that parks may wake up on another one.

use std::fmt::{Debug, Display};
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::path::Path;
use std::process::ExitCode;

use indicatif::ProgressBar;

/// Prints a line on standard error. That nobody reads it is no reason to stop, as `eprintln!` would.
pub fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Compares a sample's result with what it must be: exit code 0, or 1 and a line that says what was expected.
pub fn check<T: PartialEq + Debug>(sample: &str, what: &str, found: T, expected: T) -> ExitCode {
    if found == expected {
        return ExitCode::SUCCESS;
    }
    note(format_args!("sward run {sample}: {what}: expected {expected:?}, found {found:?}"));
    ExitCode::FAILURE
}

/// The output of a sample that works through files: a line for each, beside a progress bar.
///
/// A file that cannot be read is named on standard error and remembered for the exit code; the rest goes on.
pub struct Report {
    sample: &'static str,
    bar: ProgressBar,
    out: BufWriter<Stdout>,
    /// On a terminal each line is shown at once, above the bar.
    live: bool,
    failed: bool,
}

impl Report {
    /// A report for `sample` whose lines are kept apart from `bar`.
    pub fn new(sample: &'static str, bar: ProgressBar) -> Self {
        let stdout = io::stdout();
        let live = stdout.is_terminal();
        Report { sample, bar, out: BufWriter::new(stdout), live, failed: false }
    }

    /// Prints a result: `line` with a newline after it. Paths need not be UTF-8, so a line is bytes.
    ///
    /// # Errors
    /// Standard output could not be written.
    pub fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if !self.live {
            return write_line(&mut self.out, line);
        }
        self.bar.suspend(|| {
            write_line(&mut self.out, line)?;
            self.out.flush()
        })
    }

    /// Names a file that could not be read, and why.
    pub fn failure(&mut self, path: &Path, error: &io::Error) {
        self.failed = true;
        self.bar.suspend(|| note(format_args!("sward run {}: {}: {error}", self.sample, path.display())));
    }

    /// Ends the report: exit code 0 when every file was read, otherwise 1.
    ///
    /// # Errors
    /// Standard output could not be written.
    pub fn finish(mut self) -> io::Result<ExitCode> {
        self.bar.finish_and_clear();
        self.out.flush()?;
        Ok(if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn write_line(out: &mut impl Write, line: &[u8]) -> io::Result<()> {
    out.write_all(line)?;
    out.write_all(b"\n")
}
