//! Reading what the runtime reports of its green threads.

use std::fmt;

use sward_tests::Finished;

/// What the names of functions begin with that are the scheduler's, or what it starts a thread through.
const INNARDS: [&str; 5] = ["sward_sched::", "corosensei::", "std::panicking::", "std::panic::", "__rust_try"];

/// A green thread in a dump:
///
/// ```text
/// green thread 2 "left" [chan receive]:
///    0: sward::channel::receiver::Receiver<T>::recv
///              at runtime/src/channel/receiver.rs:63:16
/// spawned at bin/src/samples/deadlock.rs:33:10
/// ```
#[derive(Debug)]
pub struct GreenThread {
    text: String,
    pub name: Option<String>,
    /// What is between the brackets.
    pub state: String,
    /// The functions of its traceback, innermost first.
    pub functions: Vec<String>,
    /// The file and line where it was spawned.
    pub spawned_at: String,
}

/// Every green thread that is reported on standard error.
pub fn green_threads(finished: &Finished) -> Vec<GreenThread> {
    finished.stderr.split("\n\n").filter_map(GreenThread::read).collect()
}

impl GreenThread {
    fn read(block: &str) -> Option<GreenThread> {
        let (header, rest) = block.trim_start().split_once('\n')?;
        let header = header.strip_prefix("green thread ")?.strip_suffix("]:")?;
        let (who, state) = header.split_once(" [")?;
        let functions = rest.lines().filter_map(|line| {
            let (number, function) = line.split_once(": ")?;
            number.trim().parse::<usize>().ok()?;
            Some(function.to_owned())
        });
        Some(GreenThread {
            text: block.to_owned(),
            name: who.split('"').nth(1).map(str::to_owned),
            state: state.to_owned(),
            functions: functions.collect(),
            spawned_at: rest.lines().find_map(|line| line.strip_prefix("spawned at ")).unwrap_or_default().to_owned(),
        })
    }

    /// Checks that it was spawned in this file, at a line of it.
    #[track_caller]
    pub fn comes_from(&self, file: &str) -> &GreenThread {
        let line = self.spawned_at.split_once(&format!("{file}:")).map(|(_, line)| line);
        let is_line = line.is_some_and(|line| line.starts_with(|first: char| first.is_ascii_digit()));
        assert!(is_line, "not spawned in {file}: {self}");
        self
    }

    /// Checks that its traceback names this function, and none of those that only the runtime's authors care for.
    #[track_caller]
    pub fn is_traced_to(&self, function: &str) -> &GreenThread {
        assert!(self.functions.iter().any(|name| name.starts_with(function)), "{function} isn't in {self}");
        assert_eq!(self.innards(), [""; 0], "{self}");
        self
    }

    /// The scheduler's functions in its traceback.
    pub fn innards(&self) -> Vec<&str> {
        let is_innards = |name: &&str| INNARDS.iter().any(|module| name.trim_start_matches('<').starts_with(module));
        self.functions.iter().map(String::as_str).filter(is_innards).collect()
    }
}

impl fmt::Display for GreenThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
