//! What a broken rule aborts with, each in a process of its own.

// It does more for the tests of the whole heap.
#[allow(dead_code)]
#[path = "../../../tests/common/program.rs"]
mod program;

use crate::pages::{CHUNK, Pages, Run};
use program::Program;

fn aborts_with(message: &str, test: &str, body: impl FnOnce()) {
    let name = format!("pages::tests::aborts::{test}");
    Program::inside(&name, body);
    Program::of(&name).run().aborts().says(message);
}

fn full() -> Pages {
    let mut pages = Pages::new(4 * CHUNK).unwrap();
    assert!(pages.grow(2 * CHUNK) && pages.alloc(2 * CHUNK, 1).is_some());
    pages
}

#[test]
fn pages_free_already() {
    aborts_with(
        "fatal: 300 pages from page 500 on are freed, of which page 700 is free already\n",
        "pages_free_already",
        || {
            let mut pages = full();
            pages.free(Run { start: 700, count: 2 });
            pages.free(Run { start: 500, count: 300 });
        },
    );
}

#[test]
fn pages_not_there() {
    aborts_with("fatal: 5 pages from page 1020 on are freed, of a heap of 1024 pages\n", "pages_not_there", || {
        full().free(Run { start: 1020, count: 5 })
    });
}

#[test]
fn a_wrong_count() {
    aborts_with(
        "fatal: of 1024 pages 0 are free, 0 of them released, the counts say 1 and 0\n",
        "a_wrong_count",
        || {
            let mut pages = full();
            pages.verify();
            pages.free += 1;
            pages.verify();
        },
    );
}

#[test]
fn a_released_page_in_use() {
    aborts_with("fatal: page 582 is released, and in use\n", "a_released_page_in_use", || {
        let mut pages = full();
        pages.chunks.as_mut_slice()[1].released.insert(70..72);
        pages.verify();
    });
}

#[test]
fn a_count_of_a_unit() {
    aborts_with(
        "fatal: unit 3 has 0 free pages, 0 of them released, its counts say 20 and 0\n",
        "a_count_of_a_unit",
        || {
            let mut pages = full();
            pages.idle.put(3, 20, false);
            pages.verify();
        },
    );
}

#[test]
fn a_free_page_below_the_lowest() {
    aborts_with(
        "fatal: page 800 is free, the lowest one should be 801 or above\n",
        "a_free_page_below_the_lowest",
        || {
            let mut pages = full();
            pages.free(Run { start: 800, count: 1 });
            pages.verify();
            pages.lowest += 1;
            pages.verify();
        },
    );
}

#[test]
fn a_wrong_summary() {
    aborts_with(
        "fatal: pages 512..1024 have free runs of 9 (first), 9 (longest) and 0 (last) pages, \
                   their summary says 0 (first), 0 (longest) and 0 (last)\n",
        "a_wrong_summary",
        || {
            let mut pages = full();
            pages.chunks.as_mut_slice()[1].free.insert(0..9);
            pages.free += 9;
            pages.verify();
        },
    );
}
