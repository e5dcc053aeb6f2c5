//! A row of a table: what it does, and what comes of it.

use std::env;
use std::io::Write;

use sward_tests::{Finished, program};

/// In the process of a row, its name, and where it runs.
const ROW: &str = "SWARD_TEST_ROW";
const PLACE: &str = "SWARD_TEST_PLACE";

/// See the [module](self).
pub struct Row {
    /// The name of Go's row, or of its test.
    go: &'static str,
    /// What the message says, if it fails.
    fails: Option<&'static str>,
    /// Whether it is about a block of the heap, which is libc's under a sanitizer.
    on_heap: bool,
    body: fn(),
}

/// A row that C may see all of.
pub const fn passes(go: &'static str, body: fn()) -> Row {
    Row { go, fails: None, on_heap: false, body }
}

/// A row that ends with a message which says this.
pub const fn fails(go: &'static str, says: &'static str, body: fn()) -> Row {
    Row { go, fails: Some(says), on_heap: false, body }
}

/// The same, since a block of the heap holds the pointer.
pub const fn fails_on_heap(go: &'static str, says: &'static str, body: fn()) -> Row {
    Row { on_heap: true, ..fails(go, says, body) }
}

/// Runs the rows of a table, at this level of checks and at none, on a green thread and on an OS thread. `test` is the name of the test that calls this.
pub fn run(test: &str, level: &str, rows: &[Row]) {
    if let Ok(name) = env::var(ROW) {
        return run_here(rows.iter().find(|row| row.go == name).expect("a row of the table"));
    }
    // There is no such heap under a sanitizer.
    let has_heap = sward::heap::stats().reserved != 0;
    for row in rows.iter().filter(|row| has_heap || !row.on_heap) {
        for place in ["green thread", "OS thread"] {
            let finished = row.process(test, level, place);
            match row.fails {
                None => row.ends(finished),
                Some(says) => {
                    let finished = finished.dies_of(libc::SIGABRT).says("fatal: ").says(says).says("not pinned\n");
                    finished.does_not_say(&row.last_words());
                }
            }
        }
        row.ends(row.process(test, "0", "green thread"));
    }
}

/// Runs the body of a row in its process.
fn run_here(row: &Row) {
    match env::var(PLACE).as_deref() {
        Ok("green thread") => sward::run(row.body),
        _ => {
            // Callbacks need a runtime.
            sward::run(|| ());
            (row.body)();
        }
    }
    // Nothing is left to do about a stderr that takes no more.
    let _ = writeln!(std::io::stderr(), "{}", row.last_words());
    std::process::exit(0);
}

impl Row {
    #[track_caller]
    fn process(&self, test: &str, level: &str, place: &str) -> Finished {
        let mut command = program(env::current_exe().expect("this program"));
        command.args([test, "--exact", "--nocapture"]);
        command.env(ROW, self.go).env(PLACE, place).env("SWARD_FFICHECK", level);
        Finished::of(&mut command)
    }

    #[track_caller]
    fn ends(&self, finished: Finished) {
        finished.exits_with(0).says(&self.last_words());
    }

    /// What the process says at its end.
    fn last_words(&self) -> String {
        format!("row {} has come to its end", self.go)
    }
}
