//! `Semaphore`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sward::sync::Semaphore;
use sward::thread;
use sward_tests::{Watchdog, run, run_on};

/// Never more inside than there are permits.
#[test]
fn limits_how_many_are_inside() {
    fn visit(semaphore: &Semaphore, inside: &AtomicUsize, permits: usize) {
        for _ in 0..100 {
            let _permit = semaphore.acquire();
            let now = inside.fetch_add(1, Ordering::Relaxed) + 1;
            assert!(now <= permits, "{now}");
            thread::yield_now();
            inside.fetch_sub(1, Ordering::Relaxed);
        }
    }
    for permits in [1, 3] {
        for procs in [1, 2] {
            run_on(procs, || {
                let (semaphore, inside) = (Semaphore::new(permits), AtomicUsize::new(0));
                thread::scope(|s| (0..10).for_each(|_| drop(s.spawn(|| visit(&semaphore, &inside, permits)))));
                assert_eq!(semaphore.available_permits(), permits);
            });
        }
        let _watchdog = Watchdog::start();
        let (semaphore, inside) = (Semaphore::new(permits), AtomicUsize::new(0));
        std::thread::scope(|s| {
            (0..2).for_each(|_| drop(s.spawn(|| visit(&semaphore, &inside, permits))));
            sward::run(|| {
                thread::scope(|s| (0..4).for_each(|_| drop(s.spawn(|| visit(&semaphore, &inside, permits)))))
            });
        });
        assert_eq!(semaphore.available_permits(), permits);
    }
}

/// tokio's stress_test of many at once: sums fit, nobody is overtaken for ever.
#[test]
fn all_get_as_many_as_they_want() {
    for procs in [1, 2] {
        run_on(procs, || {
            let (semaphore, taken) = (Semaphore::new(7), AtomicUsize::new(0));
            thread::scope(|s| {
                for own in 0..12 {
                    let (semaphore, taken) = (&semaphore, &taken);
                    s.spawn(move || {
                        for round in 0..100 {
                            let n = (own + round) % 8;
                            let permits = semaphore.acquire_many(n);
                            assert_eq!(permits.num_permits(), n);
                            let now = taken.fetch_add(n, Ordering::Relaxed) + n;
                            assert!(now <= 7, "{now}");
                            thread::yield_now();
                            taken.fetch_sub(n, Ordering::Relaxed);
                        }
                    });
                }
            });
            assert_eq!(semaphore.available_permits(), 7);
        });
    }
}

/// A permit that is given back when the time is just up is had by somebody: none is lost, none is made.
#[test]
fn permits_outlive_time_outs() {
    for procs in [1, 2] {
        run_on(procs, || {
            let semaphore = Semaphore::new(2);
            thread::scope(|s| {
                for own in 0..6u64 {
                    let semaphore = &semaphore;
                    s.spawn(move || {
                        for round in 0..300 {
                            let limit = Duration::from_micros((own + round) % 5 * 20);
                            let permit = semaphore.acquire_timeout(limit);
                            thread::yield_now();
                            drop(permit);
                        }
                    });
                }
            });
            assert_eq!(semaphore.available_permits(), 2);
        });
    }
}

#[test]
fn time_limits_end_waits() {
    let waits = || {
        let semaphore = Semaphore::new(1);
        let permit = semaphore.acquire_timeout(Duration::ZERO);
        assert!(permit.is_some());
        for limit in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(2)] {
            let begin = Instant::now();
            assert!(semaphore.acquire_timeout(limit).is_none());
            assert!(begin.elapsed() >= limit);
        }
        drop(permit);
        // Nobody is left in the queue.
        assert!(semaphore.try_acquire().is_some());
        assert!(semaphore.acquire_timeout(Duration::MAX).is_some());
        assert!(semaphore.acquire_many_timeout(2, Duration::from_nanos(1)).is_none());
        assert_eq!(semaphore.available_permits(), 1);
    };
    run(waits);
    waits();
}

/// A limit later than any clock is none.
#[test]
fn an_endless_limit_waits() {
    run_on(1, || {
        let semaphore = Semaphore::new(0);
        thread::scope(|s| {
            let waits = s.spawn(|| semaphore.acquire_timeout(Duration::MAX).is_some());
            (0..10).for_each(|_| thread::yield_now());
            assert!(!waits.is_finished());
            semaphore.add_permits(1);
            assert!(waits.join().unwrap());
        });
    });
}

#[test]
fn a_panic_gives_the_permit_back() {
    run(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let permit = semaphore.clone().acquire_owned();
        assert_eq!((permit.num_permits(), semaphore.available_permits()), (1, 0));
        let panics = thread::spawn(move || {
            let _permit = permit;
            panic!("on purpose");
        });
        drop(semaphore.acquire());
        assert!(panics.join().is_err());
        semaphore.clone().acquire_owned().forget();
        assert!(semaphore.try_acquire().is_none());
        assert_eq!(Arc::strong_count(&semaphore), 1);
    });
}

#[test]
fn too_many_permits_are_refused() {
    run(|| {
        let semaphore = Semaphore::new(usize::MAX);
        let payload = catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(1))).unwrap_err();
        let message = payload.downcast_ref::<String>().unwrap();
        assert!(message.ends_with("cannot have 1 more"), "{message}");
        assert_eq!(semaphore.available_permits(), usize::MAX);
        assert_eq!(format!("{:?}", Semaphore::new(2)), "Semaphore { permits: 2, .. }");
    });
}
