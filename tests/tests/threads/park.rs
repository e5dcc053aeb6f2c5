//! `park`, `unpark`, `park_timeout`: one token a thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sward::thread;
use sward_tests::{run, yield_until};

/// Parks until `condition`: `park` may return for no reason.
fn park_until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::park();
    }
}

#[test]
fn unpark_before_park_is_kept() {
    run(|| {
        thread::current().unpark();
        thread::park();
    });
}

/// Two `unpark`s leave one token: the second park ends by its time-out, however short.
#[test]
fn tokens_do_not_add_up() {
    run(|| {
        thread::current().unpark();
        thread::current().unpark();
        thread::park();
        let begin = Instant::now();
        thread::park_timeout(Duration::from_millis(5));
        assert!(begin.elapsed() >= Duration::from_millis(5), "a token was left over");
    });
}

#[test]
fn a_token_ends_a_park_with_time_limit() {
    run(|| {
        thread::current().unpark();
        thread::park_timeout(Duration::MAX);
        let parked = thread::spawn(|| thread::park_timeout(Duration::from_secs(1 << 40)));
        parked.thread().unpark();
        parked.join().unwrap();
    });
}

#[test]
fn a_park_of_no_time_returns() {
    run(|| thread::park_timeout(Duration::ZERO));
}

/// What was written before `unpark` is seen after `park`.
#[test]
fn unpark_publishes() {
    run(|| {
        let me = thread::current();
        let (value, ready) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let writer = thread::spawn({
            let (value, ready) = (value.clone(), ready.clone());
            move || {
                value.store(7, Ordering::Relaxed);
                ready.store(true, Ordering::Relaxed);
                me.unpark();
            }
        });
        park_until(|| ready.load(Ordering::Relaxed));
        assert_eq!(value.load(Ordering::Relaxed), 7);
        writer.join().unwrap();
    });
}

/// Two threads hand a ball to and fro; a lost wake-up stops the game.
#[test]
fn no_wake_up_is_lost_between_green_threads() {
    run(|| {
        let games: Vec<_> = (0..4).map(|_| thread::spawn(|| play(5000))).collect();
        games.into_iter().for_each(|game| game.join().unwrap());
    });
}

fn play(rounds: usize) {
    let ball = Arc::new(AtomicUsize::new(0));
    let me = thread::current();
    let other = thread::spawn({
        let ball = ball.clone();
        move || {
            for round in 0..rounds {
                park_until(|| ball.load(Ordering::Acquire) > 2 * round);
                ball.fetch_add(1, Ordering::AcqRel);
                me.unpark();
            }
        }
    });
    for round in 0..rounds {
        ball.fetch_add(1, Ordering::AcqRel);
        other.thread().unpark();
        park_until(|| ball.load(Ordering::Acquire) > 2 * round + 1);
    }
    other.join().unwrap();
}

/// The same with an OS thread on the other side.
#[test]
fn no_wake_up_is_lost_to_and_from_an_os_thread() {
    run(|| {
        let rounds = 3000;
        let ball = AtomicUsize::new(0);
        thread::scope(|green| {
            std::thread::scope(|os| {
                let player = green.spawn(|| {
                    for round in 0..rounds {
                        park_until(|| ball.load(Ordering::Acquire) > 2 * round);
                        ball.fetch_add(1, Ordering::AcqRel);
                    }
                });
                let ball = &ball;
                let thread = player.thread().clone();
                let other = os.spawn(move || {
                    for round in 0..rounds {
                        ball.fetch_add(1, Ordering::AcqRel);
                        thread.unpark();
                        while ball.load(Ordering::Acquire) <= 2 * round + 1 {
                            std::thread::yield_now();
                        }
                    }
                });
                sward::unblock(|| other.join().unwrap());
            });
        });
    });
}

/// Time-outs and tokens that meet: whichever comes first, the thread goes on, and a late token ends no other wait than a park.
#[test]
fn time_outs_race_with_tokens() {
    run(|| {
        let done = Arc::new(AtomicBool::new(false));
        let parkers: Vec<_> = (0..4)
            .map(|n| {
                let done = done.clone();
                thread::spawn(move || {
                    for _ in 0..500 {
                        thread::park_timeout(Duration::from_micros(20 * n));
                        // A token may come now; this wait must not take it for its own.
                        let deadline = Instant::now() + Duration::from_micros(10);
                        thread::sleep_until(deadline);
                        assert!(Instant::now() >= deadline);
                        assert_eq!(thread::spawn(|| 1).join().unwrap(), 1);
                    }
                    done.store(true, Ordering::Release);
                })
            })
            .collect();
        let targets: Vec<_> = parkers.iter().map(|parker| parker.thread().clone()).collect();
        yield_until(|| {
            targets.iter().for_each(thread::Thread::unpark);
            done.load(Ordering::Acquire)
        });
        parkers.into_iter().for_each(|parker| parker.join().unwrap());
    });
}

#[test]
fn a_park_on_an_os_thread_is_stds() {
    let me = thread::current();
    let waker = thread::spawn(move || me.unpark());
    thread::park();
    waker.join().unwrap();
    thread::current().unpark();
    thread::park_timeout(Duration::MAX);
}
