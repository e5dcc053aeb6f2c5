//! `WaitGroup`: what its unit tests leave out.
//!
//! Go's TestWaitGroupMisuse, an `Add` below 0 or beside a `Wait`, can't be written here: who adds to the group has a handle of it, so that it isn't
//! done, and a handle can be dropped only once.

use std::sync::atomic::{AtomicUsize, Ordering};

use sward::sync::WaitGroup;
use sward::thread;
use sward_tests::run_on;

/// Go's TestWaitGroup: two groups, again and again.
#[test]
fn two_groups() {
    for procs in [1, 2] {
        run_on(procs, || {
            for _ in 0..8 {
                let (first, second, exited) = (WaitGroup::new(), WaitGroup::new(), AtomicUsize::new(0));
                thread::scope(|s| {
                    for _ in 0..16 {
                        let (first, second, exited) = (first.clone(), second.clone(), &exited);
                        s.spawn(move || {
                            drop(first);
                            second.wait();
                            exited.fetch_add(1, Ordering::Relaxed);
                        });
                    }
                    first.wait();
                    assert_eq!(exited.load(Ordering::Relaxed), 0);
                    second.wait();
                });
                assert_eq!(exited.into_inner(), 16);
            }
        });
    }
}

/// Go's TestWaitGroupRace: the last two leave while somebody comes to wait.
#[test]
fn waiting_and_leaving_at_the_same_time() {
    run_on(2, || {
        for _ in 0..1000 {
            let (group, done) = (WaitGroup::new(), AtomicUsize::new(0));
            thread::scope(|s| {
                for _ in 0..2 {
                    let (group, done) = (group.clone(), &done);
                    s.spawn(move || {
                        done.fetch_add(1, Ordering::Relaxed);
                        drop(group);
                    });
                }
                group.wait();
                assert_eq!(done.load(Ordering::Relaxed), 2);
            });
        }
    });
}

/// A handle that is cloned while others wait: they wait for the clone too.
#[test]
fn a_group_may_grow_while_it_is_waited_for() {
    run_on(2, || {
        fn grow(group: WaitGroup, depth: usize, done: &'static AtomicUsize) {
            if depth > 0 {
                for _ in 0..2 {
                    let group = group.clone();
                    thread::spawn(move || grow(group, depth - 1, done));
                }
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
        static DONE: AtomicUsize = AtomicUsize::new(0);
        let group = WaitGroup::new();
        let root = group.clone();
        thread::spawn(move || grow(root, 6, &DONE));
        group.wait();
        assert_eq!(DONE.load(Ordering::Relaxed), (1 << 7) - 1);
    });
}
