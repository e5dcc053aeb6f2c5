//! The samples that call C, and are called back: `usleep`, `ffi-sqlite` and `ffi-zlib`.

use std::fs;

use sward_tests::Finished;

use crate::command::{run, sward};

/// What the runtime is told.
const SETTINGS: [&str; 4] = ["--procs 1", "--procs 2", "--procs 8", "--procs 2 --stack-size 64K"];

/// The only number between `before` and `after` in what was printed.
#[track_caller]
fn number(finished: &Finished, before: &str, after: &str) -> u64 {
    let rest = finished.stdout.split_once(before).map(|(_, rest)| rest);
    let number = rest.and_then(|rest| rest.split_once(after)?.0.parse().ok());
    number.unwrap_or_else(|| panic!("no number between {before:?} and {after:?}; {finished}"))
}

#[test]
fn usleep_lets_others_run() {
    for settings in SETTINGS {
        let finished = run(&format!("run usleep --threads 20 --times 5 {settings}")).exits_with(0);
        assert_eq!(finished.stderr, "", "{settings}");
        assert_eq!(finished.stdout.lines().count(), 3, "{finished}");
        let peak = number(&finished, "20 green threads slept 5 times each in C, on up to ", " OS threads at once\n");
        assert!((1..=20).contains(&peak), "{finished}");
        assert!(number(&finished, "took ", " ms, 5 ms being ideal\n") >= 5, "{finished}");
        assert!(number(&finished, "the one beside them counted to ", "\n") > 0, "{finished}");
    }
}

/// What `sward run ffi-sqlite` says of the numbers up to 500.
const TOTALS: &str = "500 rows, numbers that add up to 125250, digits to 5505";

#[test]
fn sqlite_has_what_was_inserted() {
    for settings in SETTINGS {
        let finished = run(&format!("run ffi-sqlite --threads 50 --rows 10 {settings}")).exits_with(0);
        let wanted = format!("inserted: {TOTALS}\nqueried:  {TOTALS}\nfound:    {TOTALS}\nok\n");
        assert_eq!(finished.stdout, wanted, "{settings}; {finished}");
    }
}

#[test]
fn sqlite_takes_any_file_for_its_database_and_any_number_of_times() {
    let root = tempfile::tempdir().expect("a directory for the test");
    // SQLite would take the second for a database in memory, and the third for the first.
    for db in ["sample.db", ":memory:", "file:sample.db"] {
        for _ in 0..2 {
            let mut command = sward("run ffi-sqlite --threads 10 --rows 50 --db");
            let finished = Finished::of(command.arg(db).current_dir(root.path())).exits_with(0);
            assert!(finished.stdout.ends_with(&format!("found:    {TOTALS}\nok\n")), "{finished}");
        }
        let file = fs::read(root.path().join(db)).expect("the database is there");
        assert!(file.starts_with(b"SQLite format 3\0"), "{db}");
    }
    assert_eq!(fs::read_dir(root.path()).expect("it is there").count(), 3, "nothing else is left");
}

#[test]
fn sqlite_names_a_database_that_it_cannot_use() {
    let root = tempfile::tempdir().expect("a directory for the test");
    fs::write(root.path().join("text"), "This is no database.".repeat(100)).expect("a file");
    for (db, error) in [
        ("missing/sample.db", "unable to open database file"),
        ("text", "file is not a database"),
        (".", "unable to open database file"),
    ] {
        let mut command = sward("run ffi-sqlite --db");
        let finished = Finished::of(command.arg(db).current_dir(root.path())).exits_with(1);
        assert_eq!(finished.stderr, format!("sward run ffi-sqlite: {db}: {error}\n"));
        assert_eq!(finished.stdout, "");
    }
}

/// Checks that as many allocations were freed as there were, and gives their number.
#[track_caller]
fn all_was_freed(finished: &Finished) -> u64 {
    assert!(finished.stdout.ends_with("\nok\n"), "{finished}");
    let [allocations, freed] = [number(finished, "allocations: ", ","), number(finished, "freed: ", "\n")];
    assert_eq!(allocations, freed, "{finished}");
    freed
}

#[test]
fn zlib_gets_its_memory_by_callbacks() {
    for settings in SETTINGS {
        let finished = run(&format!("run ffi-zlib {settings}")).exits_with(0);
        assert_eq!(finished.stderr, "", "{settings}");
        let [bytes, compressed] = [number(&finished, "text: ", " bytes,"), number(&finished, "compressed to ", ",")];
        assert!(compressed < bytes, "{finished}");
        // Some to compress each block, and some to inflate it.
        let blocks = number(&finished, "blocks: ", "\n");
        assert!(all_was_freed(&finished) >= 2 * blocks, "{finished}");
    }
}

#[test]
fn zlib_takes_any_file() {
    let root = tempfile::tempdir().expect("a directory for the test");
    for (name, size, blocks) in [("empty", 0, 0), ("small", 1, 1), ("block", 1 << 18, 1), ("more", (1 << 18) + 1, 2)] {
        let bytes: Vec<u8> = (0..size).map(|n: u32| (n ^ n >> 8) as u8).collect();
        fs::write(root.path().join(name), bytes).expect("a file");
        let finished = Finished::of(sward("run ffi-zlib").arg(name).current_dir(root.path())).exits_with(0);
        assert!(finished.stdout.starts_with(&format!("{name}: {size} bytes, ")), "{finished}");
        assert_eq!(number(&finished, "blocks: ", "\n"), blocks, "{finished}");
        all_was_freed(&finished);
    }
}

#[test]
fn zlib_names_a_file_that_it_cannot_read() {
    for (file, error) in [("/missing", "No such file or directory (os error 2)"), ("/", "Is a directory (os error 21)")]
    {
        let finished = run(&format!("run ffi-zlib {file}")).exits_with(1);
        assert_eq!(finished.stderr, format!("sward run ffi-zlib: {file}: {error}\n"));
        assert_eq!(finished.stdout, "");
    }
}
