//! Race detection, from outside: Go's table of race tests, in our words, and what it has no row for, under the built-in detector.
//!
//! A row is a function whose name begins with its verdict, `race_` or `no_race_`. The rest is Go's name for it, where it is Go's. All rows run one after
//! another in one process, once on one, two and four Ps; the detector must report something new in each `race_` row, and nothing in any other. Verdicts
//! don't depend on luck: what happens at all is settled by [`Turn`]s, which order things in time and by nothing that the detector knows of.
//!
//! `cargo test --test race -- --nocapture` prints the table.

mod alone;
mod channels;
mod foreign_calls;
mod mutex;
mod ours;
mod rw_lock;
mod select;
mod sync;
mod turn;
mod wait_group;

use sward::{Config, race};

use turn::Turn;

/// A scenario with its verdict.
struct Row {
    name: &'static str,
    run: fn(),
}

/// The rows that are these functions.
macro_rules! rows {
    ($($name:ident,)*) => { &[$($crate::Row { name: stringify!($name), run: $name }),*] };
}
use rows;

const TABLE: [(&str, &[Row]); 7] = [
    ("channels", channels::ROWS),
    ("select", select::ROWS),
    ("mutex", mutex::ROWS),
    ("rw_lock", rw_lock::ROWS),
    ("wait_group", wait_group::ROWS),
    ("sync", sync::ROWS),
    ("ours", ours::ROWS),
];

#[test]
fn all_rows_on_one_p() {
    alone::run("all_rows_on_one_p", || run_table(1));
}

#[test]
fn all_rows_on_two_ps() {
    alone::run("all_rows_on_two_ps", || run_table(2));
}

#[test]
fn all_rows_on_four_ps() {
    alone::run("all_rows_on_four_ps", || run_table(4));
}

fn run_table(procs: usize) {
    let wrong = Config::new().race(true).procs(procs).run(|| run_rows(procs));
    assert!(wrong.is_empty(), "wrong verdicts: {}", wrong.join(", "));
}

/// Returns the rows that got another verdict.
fn run_rows(procs: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    for (group, rows) in TABLE {
        for row in rows {
            // ThreadSanitizer, in a program that is built for it, would end the process for such.
            if cfg!(feature = "tsan") && row.name.starts_with("race_") {
                continue;
            }
            let before = race::reports();
            (row.run)();
            let reports = race::reports() - before;
            let expected = if row.name.starts_with("race_") { "race" } else { "no race" };
            let got = if reports > 0 { "race" } else { "no race" };
            println!("{procs} Ps  {group:<10}  {:<44}  expected {expected:<7}  got {got} ({reports})", row.name);
            if got != expected {
                wrong.push(format!("{group}::{}", row.name));
            }
        }
    }
    wrong
}
