//! `Condvar`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sward::channel::{self, TryRecvError};
use sward::sync::{Condvar, Mutex};
use sward::thread;
use sward_tests::{Watchdog, run, run_on};

/// Go's TestCondSignal: each signal wakes one thread, and one only.
#[test]
fn a_signal_wakes_one() {
    for procs in [1, 2] {
        run_on(procs, || {
            let (mutex, condvar) = (Mutex::new(()), Condvar::new());
            let (running, runs) = channel::bounded(2);
            let (awake, wakes) = channel::bounded(2);
            thread::scope(|s| {
                for _ in 0..2 {
                    s.spawn(|| {
                        let guard = mutex.lock().unwrap();
                        running.send(()).unwrap();
                        let _guard = condvar.wait(guard).unwrap();
                        awake.send(()).unwrap();
                    });
                }
                (0..2).for_each(|_| runs.recv().unwrap());
                for _ in 0..2 {
                    assert_eq!(wakes.try_recv(), Err(TryRecvError::Empty));
                    let guard = mutex.lock().unwrap();
                    condvar.notify_one();
                    drop(guard);
                    wakes.recv().unwrap();
                }
                condvar.notify_one();
                assert_eq!(wakes.try_recv(), Err(TryRecvError::Empty));
            });
        });
    }
}

/// Go's TestCondSignalGenerations: a signal wakes the one that waits longest, never one that came after it.
#[test]
fn signals_go_to_the_first_in_line() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            let (mutex, condvar) = (Mutex::new(()), Condvar::new());
            let (running, runs) = channel::bounded(100);
            let (awake, wakes) = channel::bounded(100);
            thread::scope(|s| {
                for own in 0..100 {
                    let (mutex, condvar, running, awake) = (&mutex, &condvar, &running, &awake);
                    s.spawn(move || {
                        let guard = mutex.lock().unwrap();
                        running.send(()).unwrap();
                        let _guard = condvar.wait(guard).unwrap();
                        awake.send(own).unwrap();
                    });
                    if own > 0 {
                        assert_eq!(wakes.recv(), Ok(own - 1));
                    }
                    runs.recv().unwrap();
                    let _guard = mutex.lock().unwrap();
                    condvar.notify_one();
                }
            });
        });
    }
}

/// All wait, and half of them are signalled: those that came first.
#[test]
fn is_first_come_first_served() {
    run_on(2, || {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        let (awake, wakes) = channel::unbounded();
        thread::scope(|s| {
            for _ in 0..50 {
                s.spawn(|| {
                    let mut waiting = mutex.lock().unwrap();
                    let own = *waiting;
                    *waiting += 1;
                    let _guard = condvar.wait(waiting).unwrap();
                    awake.send(own).unwrap();
                });
            }
            while *mutex.lock().unwrap() < 50 {
                thread::yield_now();
            }
            (0..25).for_each(|_| condvar.notify_one());
            let mut first: Vec<_> = wakes.iter().take(25).collect();
            first.sort_unstable();
            assert!(first.into_iter().eq(0..25));
            assert_eq!(wakes.try_recv(), Err(TryRecvError::Empty));
            condvar.notify_all();
        });
        assert_eq!(wakes.len(), 25);
    });
}

/// Go's TestCondBroadcast: all wake, again and again.
#[test]
fn a_broadcast_wakes_all() {
    struct Shared {
        exit: bool,
        waiting: usize,
        awake: usize,
    }
    for procs in [1, 2] {
        run_on(procs, || {
            const THREADS: usize = 200;
            let (mutex, condvar) = (Mutex::new(Shared { exit: false, waiting: 0, awake: 0 }), Condvar::new());
            thread::scope(|s| {
                for _ in 0..THREADS {
                    s.spawn(|| {
                        let mut shared = mutex.lock().unwrap();
                        while !shared.exit {
                            shared.waiting += 1;
                            shared = condvar.wait(shared).unwrap();
                            shared.awake += 1;
                        }
                    });
                }
                for round in 0..5 {
                    let mut shared = loop {
                        let shared = mutex.lock().unwrap();
                        if shared.waiting == THREADS {
                            break shared;
                        }
                        drop(shared);
                        thread::yield_now();
                    };
                    assert_eq!(shared.awake, round * THREADS);
                    shared.waiting = 0;
                    shared.exit = round == 4;
                    condvar.notify_all();
                }
            });
            assert_eq!(mutex.into_inner().unwrap().awake, 5 * THREADS);
        });
    }
}

/// Go's TestCondRace: three threads pass a number on, each waiting for its turn.
#[test]
fn three_take_turns() {
    for procs in [1, 2] {
        run_on(procs, || {
            let (mutex, condvar) = (Mutex::new(0), Condvar::new());
            thread::scope(|s| {
                for own in 0..3 {
                    let (mutex, condvar) = (&mutex, &condvar);
                    s.spawn(move || {
                        for _ in 0..300 {
                            let mut turn = condvar.wait_while(mutex.lock().unwrap(), |turn| *turn % 3 != own).unwrap();
                            *turn += 1;
                            drop(turn);
                            condvar.notify_all();
                        }
                    });
                }
            });
            assert_eq!(mutex.into_inner().unwrap(), 900);
        });
    }
}

/// Go's TestCondSignalStealing: one that begins to wait during a broadcast doesn't get the signal of one that waited before.
#[test]
fn a_broadcast_is_not_stolen() {
    for procs in [1, 2] {
        run_on(procs, || {
            for _ in 0..300 {
                let (mutex, condvar) = (Mutex::new(false), Condvar::new());
                let (steps, first) = channel::bounded(0);
                thread::scope(|s| {
                    s.spawn(|| {
                        let guard = mutex.lock().unwrap();
                        steps.send(()).unwrap();
                        drop(condvar.wait(guard).unwrap());
                        steps.send(()).unwrap();
                    });
                    first.recv().unwrap();
                    drop(mutex.lock().unwrap());
                    // It waits by now. The one that comes during the broadcast may get a signal; it must get one.
                    s.spawn(|| condvar.notify_all());
                    s.spawn(|| drop(condvar.wait_while(mutex.lock().unwrap(), |done| !*done).unwrap()));
                    first.recv().unwrap();
                    *mutex.lock().unwrap() = true;
                    condvar.notify_all();
                });
            }
        });
    }
}

/// A signal that comes when the time is just up goes to the waiter, or on to the next one. It is never lost.
#[test]
fn signals_and_time_outs_are_each_others_end() {
    for procs in [1, 2] {
        run_on(procs, || {
            let (mutex, condvar) = (Mutex::new(0), Condvar::new());
            let (signals, rounds) = (500, 500);
            let got = thread::scope(|s| {
                let waiters: Vec<_> = (0..4u64)
                    .map(|own| {
                        let (mutex, condvar) = (&mutex, &condvar);
                        s.spawn(move || {
                            let mut got = 0;
                            for round in 0..rounds {
                                let mut left = mutex.lock().unwrap();
                                let result;
                                (left, result) =
                                    condvar.wait_timeout(left, Duration::from_micros((round + own) % 5 * 30)).unwrap();
                                if !result.timed_out() {
                                    *left += 1;
                                    got += 1;
                                }
                            }
                            got
                        })
                    })
                    .collect();
                for _ in 0..signals {
                    condvar.notify_one();
                    thread::yield_now();
                }
                waiters.into_iter().map(|waiter| waiter.join().unwrap()).sum::<usize>()
            });
            assert!(got <= signals, "{got} of {signals}");
            assert_eq!(mutex.into_inner().unwrap(), got);
            condvar.notify_all();
        });
    }
}

/// One waits with a time limit ahead of one without. One signal, whenever it comes, reaches the one or the other.
#[test]
fn a_time_out_does_not_swallow_a_signal() {
    for procs in [1, 2] {
        run_on(procs, || {
            for round in 0..300u64 {
                let (mutex, condvar) = (Mutex::new(0), Condvar::new());
                thread::scope(|s| {
                    let limited = s.spawn(|| {
                        let mut waiting = mutex.lock().unwrap();
                        *waiting += 1;
                        !condvar.wait_timeout(waiting, Duration::from_micros(round % 7 * 10)).unwrap().1.timed_out()
                    });
                    while *mutex.lock().unwrap() == 0 {
                        thread::yield_now();
                    }
                    let endless = s.spawn(|| {
                        let mut waiting = mutex.lock().unwrap();
                        *waiting += 1;
                        drop(condvar.wait(waiting).unwrap());
                    });
                    while *mutex.lock().unwrap() == 1 {
                        thread::yield_now();
                    }
                    condvar.notify_one();
                    if limited.join().unwrap() {
                        // The signal was the first one's, so the second one still waits.
                        condvar.notify_one();
                    }
                    endless.join().unwrap();
                });
            }
        });
    }
}

/// std's wait_timeout_wait, wait_timeout_while_wait: nobody signals.
#[test]
fn time_limits_end_waits() {
    for duration in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(3)] {
        let waits = || {
            let (mutex, condvar) = (Mutex::new(7), Condvar::new());
            let begin = Instant::now();
            let (guard, result) = condvar.wait_timeout(mutex.lock().unwrap(), duration).unwrap();
            assert!(result.timed_out() && begin.elapsed() >= duration);
            assert_eq!(*guard, 7);
            let (guard, result) = condvar.wait_timeout_while(guard, duration, |_| true).unwrap();
            assert!(result.timed_out() && begin.elapsed() >= duration * 2);
            assert!(mutex.try_lock().is_err());
            drop(guard);
            assert!(mutex.try_lock().is_ok());
            // Nothing of the waits is left in the queue.
            condvar.notify_all();
        };
        run(waits);
        waits();
    }
}

/// std's wait_timeout_while_instant_satisfy, wait_timeout_while_wake; and limits later than any clock.
#[test]
fn signals_end_waits_with_time_limits() {
    for limit in [Duration::from_secs(600), Duration::MAX] {
        run_on(2, || {
            let (mutex, condvar) = (Mutex::new(false), Condvar::new());
            let (guard, result) = condvar.wait_timeout_while(mutex.lock().unwrap(), limit, |done| *done).unwrap();
            assert!(!result.timed_out());
            drop(guard);
            thread::scope(|s| {
                let guard = mutex.lock().unwrap();
                s.spawn(|| {
                    *mutex.lock().unwrap() = true;
                    condvar.notify_one();
                });
                let (done, result) = condvar.wait_timeout_while(guard, limit, |done| !*done).unwrap();
                assert!(*done && !result.timed_out());
            });
        });
    }
}

/// A holder that panics poisons the mutex that a waiter gets back, with and without a time limit.
#[test]
fn a_waiter_learns_that_the_mutex_is_poisoned() {
    run(|| {
        for limit in [None, Some(Duration::from_secs(600))] {
            let (mutex, condvar) = (Mutex::new(0), Condvar::new());
            thread::scope(|s| {
                let guard = mutex.lock().unwrap();
                s.spawn(|| {
                    let _ = catch_unwind(AssertUnwindSafe(|| {
                        *mutex.lock().unwrap() = 5;
                        let _guard = mutex.lock().unwrap();
                        condvar.notify_one();
                        panic!("on purpose");
                    }));
                });
                let value = match limit {
                    None => *condvar.wait(guard).unwrap_err().into_inner(),
                    Some(limit) => {
                        let (guard, result) = condvar.wait_timeout(guard, limit).unwrap_err().into_inner();
                        assert!(!result.timed_out());
                        *guard
                    }
                };
                assert_eq!(value, 5);
            });
        }
    });
}

/// std's notify_one, between the two kinds of threads, in both directions.
#[test]
fn os_threads_and_green_threads_signal_each_other() {
    let _watchdog = Watchdog::start();
    let pair = Arc::new((Mutex::new(0), Condvar::new()));
    let count = |own: usize, (mutex, condvar): &(Mutex<usize>, Condvar)| {
        for _ in 0..500 {
            let mut turn = condvar.wait_while(mutex.lock().unwrap(), |turn| *turn % 3 != own).unwrap();
            *turn += 1;
            condvar.notify_all();
        }
    };
    let os_thread = {
        let pair = pair.clone();
        std::thread::spawn(move || count(0, &pair))
    };
    sward::run(|| {
        thread::scope(|s| {
            s.spawn(|| count(1, &pair));
            count(2, &pair);
        });
    });
    os_thread.join().unwrap();
    assert_eq!(*pair.0.lock().unwrap(), 1500);
}

/// The wait of an OS thread ends by a signal or by the time, without any green thread.
#[test]
fn os_threads_wait_with_time_limits() {
    let _watchdog = Watchdog::start();
    let (mutex, condvar) = (Mutex::new(false), Condvar::new());
    std::thread::scope(|s| {
        let guard = mutex.lock().unwrap();
        s.spawn(|| {
            *mutex.lock().unwrap() = true;
            condvar.notify_one();
        });
        let limit = Duration::from_secs(600);
        let (done, result) = condvar.wait_timeout_while(guard, limit, |done| !*done).unwrap();
        assert!(*done && !result.timed_out());
    });
}
