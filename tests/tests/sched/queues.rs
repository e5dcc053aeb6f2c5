//! The run queues from outside. (Their parts are tested beside the code: `run_next` by loom models, the random order by unit tests.)

use std::sync::atomic::{AtomicUsize, Ordering};

use sward::thread;
use sward_tests::{hog_until, run_on};

/// Go's TestSchedLocalQueue: what goes into a queue comes out once, however many there are.
#[test]
fn each_thread_runs_once() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            for threads in [0, 1, 2, 3, 63, 64, 65, 255, 256, 257, 1000] {
                let runs: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
                thread::scope(|s| {
                    for own in &runs {
                        s.spawn(|| {
                            own.fetch_add(1, Ordering::Relaxed);
                            // From the queue of fresh threads to that of started ones.
                            thread::yield_now();
                            own.fetch_add(1, Ordering::Relaxed);
                        });
                    }
                });
                assert!(runs.into_iter().all(|runs| runs.into_inner() == 2), "{threads} threads on {procs} Ps");
            }
        });
    }
}

/// Go's TestSchedLocalQueueSteal: what is queued behind a thread that does not stop is taken by the other P, all of it.
#[test]
fn what_waits_behind_a_hog_is_stolen() {
    run_on(2, || {
        for threads in [1, 2, 3, 10, 500] {
            let ran = AtomicUsize::new(0);
            thread::scope(|s| {
                for _ in 0..threads {
                    s.spawn(|| ran.fetch_add(1, Ordering::AcqRel));
                }
                hog_until(|| ran.load(Ordering::Acquire) == threads);
            });
        }
    });
}

/// The same for the one thread in `run_next`, which is stolen last.
#[test]
fn who_has_been_woken_by_a_hog_is_stolen() {
    run_on(2, || {
        let turns = AtomicUsize::new(0);
        thread::scope(|s| {
            let sleeper = s.spawn(|| {
                for turn in 0..100 {
                    while turns.load(Ordering::Acquire) < 2 * turn + 1 {
                        thread::park();
                    }
                    turns.fetch_add(1, Ordering::AcqRel);
                }
            });
            for turn in 0..100 {
                turns.fetch_add(1, Ordering::AcqRel);
                sleeper.thread().unpark();
                hog_until(|| turns.load(Ordering::Acquire) == 2 * turn + 2);
            }
        });
    });
}

/// Go's TestStealOrder: a thief gets round to every P, so a thread that waits behind a hog is found whichever P that is.
#[test]
fn thieves_look_everywhere() {
    for procs in [2, 3, 5, 8] {
        run_on(procs, || {
            thread::scope(|s| {
                for _ in 1..procs {
                    s.spawn(|| {
                        for _ in 0..3 {
                            let ran = AtomicUsize::new(0);
                            thread::scope(|s| {
                                s.spawn(|| ran.fetch_add(1, Ordering::AcqRel));
                                hog_until(|| ran.load(Ordering::Acquire) == 1);
                            });
                        }
                    });
                }
            });
        });
    }
}

/// A tree of threads: many spawn at once, thieves take whole branches.
#[test]
fn a_tree_of_threads_counts_its_leaves() {
    fn leaves(depth: u32) -> usize {
        match depth {
            0 => 1,
            _ => {
                let children: Vec<_> = (0..6).map(|_| thread::spawn(move || leaves(depth - 1))).collect();
                children.into_iter().map(|child| child.join().unwrap()).sum()
            }
        }
    }
    for procs in [1, 2, 4] {
        assert_eq!(run_on(procs, || leaves(5)), 6usize.pow(5));
    }
}
