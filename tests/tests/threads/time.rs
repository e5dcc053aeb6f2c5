//! Sleeping: never too short, for any length, and without holding others up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sward::thread;
use sward_tests::run;

#[test]
fn a_sleep_is_never_too_short() {
    run(|| {
        let sleepers: Vec<_> = (0..200)
            .map(|n| {
                thread::spawn(move || {
                    let wanted = Duration::from_micros(37 * n);
                    let begin = Instant::now();
                    thread::sleep(wanted);
                    assert!(begin.elapsed() >= wanted);
                })
            })
            .collect();
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    });
}

#[test]
fn sleeping_for_no_time_returns() {
    run(|| {
        thread::sleep(Duration::ZERO);
        thread::sleep(Duration::from_nanos(1));
        thread::sleep_until(Instant::now());
        if let Some(past) = Instant::now().checked_sub(Duration::from_secs(1)) {
            thread::sleep_until(past);
        }
    });
}

#[test]
fn sleep_until_ends_after_the_deadline() {
    run(|| {
        for millis in 0..5 {
            let deadline = Instant::now() + Duration::from_millis(millis);
            thread::sleep_until(deadline);
            assert!(Instant::now() >= deadline);
        }
    });
}

/// Sleeps that never end keep nobody from sleeping shorter, and from waking in time.
#[test]
fn enormous_sleeps_do_not_overflow() {
    run(|| {
        let woken = Arc::new(AtomicBool::new(false));
        let enormous =
            [Duration::MAX, Duration::from_secs(1 << 62), Duration::from_secs(1 << 40), Duration::from_secs(600 << 25)];
        for duration in enormous {
            let woken = woken.clone();
            thread::spawn(move || {
                thread::sleep(duration);
                woken.store(true, Ordering::Release);
            });
        }
        if let Some(far) = Instant::now().checked_add(Duration::from_secs(1 << 45)) {
            let woken = woken.clone();
            thread::spawn(move || {
                thread::sleep_until(far);
                woken.store(true, Ordering::Release);
            });
        }
        for _ in 0..20 {
            thread::sleep(Duration::from_micros(300));
        }
        assert!(!woken.load(Ordering::Acquire), "a sleep of centuries is over");
    });
}

/// Each sleeper is woken though all wait for the kernel's timer in turn, the longest first.
#[test]
fn sleepers_wake_whatever_the_order_they_began_in() {
    run(|| {
        let far = thread::spawn(|| thread::park_timeout(Duration::from_secs(3600)));
        for round in 0..20u64 {
            let threads: Vec<_> = (0..10)
                .map(|n| thread::spawn(move || thread::sleep(Duration::from_micros((10 - n) * (1 + round % 3) * 100))))
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        }
        far.thread().unpark();
        far.join().unwrap();
    });
}

#[test]
fn an_os_thread_may_sleep_too() {
    let begin = Instant::now();
    thread::sleep(Duration::from_millis(2));
    thread::sleep_until(begin + Duration::from_millis(4));
    assert!(begin.elapsed() >= Duration::from_millis(4));
}
