//! `Barrier`.

use std::sync::atomic::{AtomicUsize, Ordering};

use sward::channel::{self, TryRecvError};
use sward::sync::Barrier;
use sward::thread;
use sward_tests::{Watchdog, run, run_on};

/// std's test_barrier: nobody passes before the last one comes, and one is the leader.
#[test]
fn all_wait_for_the_last() {
    for procs in [1, 2] {
        run_on(procs, || {
            const N: usize = 10;
            let barrier = Barrier::new(N);
            let (passed, passes) = channel::unbounded();
            thread::scope(|s| {
                for _ in 0..N - 1 {
                    s.spawn(|| passed.send(barrier.wait().is_leader()).unwrap());
                }
                (0..100).for_each(|_| thread::yield_now());
                assert_eq!(passes.try_recv(), Err(TryRecvError::Empty));
                let mut leaders = usize::from(barrier.wait().is_leader());
                leaders += (0..N - 1).filter(|_| passes.recv().unwrap()).count();
                assert_eq!(leaders, 1);
            });
        });
    }
}

/// Rounds that follow each other at once: nobody is in two of them.
#[test]
fn rounds_do_not_mix() {
    const ROUNDS: usize = 200;
    fn take_part(barrier: &Barrier, arrived: &AtomicUsize, threads: usize) -> usize {
        (0..ROUNDS)
            .filter(|round| {
                arrived.fetch_add(1, Ordering::Relaxed);
                let leads = barrier.wait().is_leader();
                let seen = arrived.load(Ordering::Relaxed);
                assert!((threads * (round + 1)..threads * (round + 2)).contains(&seen), "{seen} in round {round}");
                barrier.wait();
                leads
            })
            .count()
    }
    for procs in [1, 2] {
        run_on(procs, || {
            let (barrier, arrived, leaders) = (Barrier::new(5), AtomicUsize::new(0), AtomicUsize::new(0));
            thread::scope(|s| {
                for _ in 0..5 {
                    s.spawn(|| leaders.fetch_add(take_part(&barrier, &arrived, 5), Ordering::Relaxed));
                }
            });
            assert_eq!(leaders.into_inner(), ROUNDS);
        });
    }
    let _watchdog = Watchdog::start();
    let (barrier, arrived) = (Barrier::new(4), AtomicUsize::new(0));
    std::thread::scope(|s| {
        (0..2).for_each(|_| drop(s.spawn(|| take_part(&barrier, &arrived, 4))));
        sward::run(|| {
            thread::scope(|s| {
                (0..2).for_each(|_| drop(s.spawn(|| take_part(&barrier, &arrived, 4))));
            });
        });
    });
}

#[test]
fn alone_nobody_waits() {
    run(|| {
        for n in [0, 1] {
            let barrier = Barrier::new(n);
            assert!(barrier.wait().is_leader());
            assert!(barrier.wait().is_leader());
        }
        assert_eq!(
            format!("{:?} {:?}", Barrier::new(1), Barrier::new(1).wait()),
            "Barrier { .. } BarrierWaitResult { is_leader: true }"
        );
    });
}
