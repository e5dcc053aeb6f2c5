//! What a broken rule aborts with, each in a process of its own.

use crate::pages::{CHUNK, Pages, Run};

fn stderr_of(test: &str, body: impl FnOnce()) -> String {
    const INSIDE: &str = "SWARD_MEM_PAGES_ABORT";
    if std::env::var(INSIDE).is_ok_and(|inside| inside == test) {
        body();
        std::process::exit(0);
    }
    let name = format!("pages::tests::aborts::{test}");
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([&name, "--exact", "--nocapture"])
        .env(INSIDE, test)
        .output()
        .unwrap();
    assert!(!output.status.success(), "it went on: {output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn full() -> Pages {
    let mut pages = Pages::new(4 * CHUNK).unwrap();
    assert!(pages.grow(2 * CHUNK) && pages.alloc(2 * CHUNK, 1).is_some());
    pages
}

#[test]
fn pages_free_already() {
    let stderr = stderr_of("pages_free_already", || {
        let mut pages = full();
        pages.free(Run { start: 700, count: 2 });
        pages.free(Run { start: 500, count: 300 });
    });
    let message = "fatal: 300 pages from page 500 on are freed, of which page 700 is free already\n";
    assert!(stderr.contains(message), "{stderr}");
}

#[test]
fn pages_not_there() {
    let stderr = stderr_of("pages_not_there", || full().free(Run { start: 1020, count: 5 }));
    assert!(stderr.contains("fatal: 5 pages from page 1020 on are freed, of a heap of 1024 pages\n"), "{stderr}");
}

#[test]
fn a_wrong_count() {
    let stderr = stderr_of("a_wrong_count", || {
        let mut pages = full();
        pages.verify();
        pages.free += 1;
        pages.verify();
    });
    let message = "fatal: of 1024 pages 0 are free, 0 of them released, the counts say 1 and 0\n";
    assert!(stderr.contains(message), "{stderr}");
}

#[test]
fn a_released_page_in_use() {
    let stderr = stderr_of("a_released_page_in_use", || {
        let mut pages = full();
        pages.chunks.as_mut_slice()[1].released.insert(70..72);
        pages.verify();
    });
    assert!(stderr.contains("fatal: page 582 is released, and in use\n"), "{stderr}");
}

#[test]
fn a_count_of_a_unit() {
    let stderr = stderr_of("a_count_of_a_unit", || {
        let mut pages = full();
        pages.idle.put(3, 20, false);
        pages.verify();
    });
    let message = "fatal: unit 3 has 0 free pages, 0 of them released, its counts say 20 and 0\n";
    assert!(stderr.contains(message), "{stderr}");
}

#[test]
fn a_free_page_below_the_lowest() {
    let stderr = stderr_of("a_free_page_below_the_lowest", || {
        let mut pages = full();
        pages.free(Run { start: 800, count: 1 });
        pages.verify();
        pages.lowest += 1;
        pages.verify();
    });
    assert!(stderr.contains("fatal: page 800 is free, the lowest one should be 801 or above\n"), "{stderr}");
}

#[test]
fn a_wrong_summary() {
    let stderr = stderr_of("a_wrong_summary", || {
        let mut pages = full();
        pages.chunks.as_mut_slice()[1].free.insert(0..9);
        pages.free += 9;
        pages.verify();
    });
    let message = "fatal: pages 512..1024 have free runs of 9 (first), 9 (longest) and 0 (last) pages, \
                   their summary says 0 (first), 0 (longest) and 0 (last)\n";
    assert!(stderr.contains(message), "{stderr}");
}
