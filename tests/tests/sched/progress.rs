//! Everybody gets on, whatever the others do: yield, compute, chat, sleep, or change the number of Ps.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sward::thread::{self, lock_os_thread};
use sward::{channel, set_procs};
use sward_tests::{hog_until, run_on, yield_until};

/// Go's TestYieldProgress, TestYieldLockedProgress: a thread that does nothing but yield does not keep the timer of another from firing.
#[test]
fn a_thread_that_only_yields_lets_others_run() {
    for (procs, locked) in [(1, false), (2, false), (1, true), (2, true)] {
        run_on(procs, || {
            let stop = AtomicBool::new(false);
            thread::scope(|s| {
                s.spawn(|| {
                    let _locked = locked.then(lock_os_thread);
                    yield_until(|| stop.load(Ordering::Acquire));
                });
                thread::sleep(Duration::from_millis(5));
                stop.store(true, Ordering::Release);
            });
        });
    }
}

/// Threads that take turns by spinning, hence must all run at once.
fn spin_in_turn(threads: usize, rounds: usize) {
    let turn = AtomicUsize::new(0);
    thread::scope(|s| {
        for own in 0..threads {
            let turn = &turn;
            s.spawn(move || {
                for round in 0..rounds {
                    let mine = round * threads + own;
                    hog_until(|| turn.load(Ordering::Acquire) == mine);
                    turn.store(mine + 1, Ordering::Release);
                }
            });
        }
    });
}

/// Go's TestGoroutineParallelism: as many threads as there are Ps run at the same moment.
#[test]
fn as_many_threads_run_at_once_as_there_are_ps() {
    for _ in 0..3 {
        run_on(4, || spin_in_turn(4, 100));
    }
}

/// Go's TestGoroutineParallelism2: also when there are others, who come and go, and timers, and threads in blocking calls.
#[test]
fn they_do_so_under_load() {
    run_on(4, || {
        let stop = AtomicBool::new(false);
        let until_stop = |mut wait: Box<dyn FnMut() + Send>| {
            let stop = &stop;
            move || {
                while !stop.load(Ordering::Acquire) {
                    wait();
                }
            }
        };
        thread::scope(|s| {
            s.spawn(until_stop(Box::new(thread::yield_now)));
            s.spawn(until_stop(Box::new(|| thread::spawn(|| ()).join().unwrap())));
            s.spawn(until_stop(Box::new(|| thread::sleep(Duration::from_micros(100)))));
            s.spawn(until_stop(Box::new(|| sward::unblock(|| std::thread::sleep(Duration::from_micros(100))))));
            (0..3).for_each(|_| spin_in_turn(4, 50));
            stop.store(true, Ordering::Release);
        });
    });
}

/// Go's TestTimerFairness: two threads that keep the receiver busy for ever do not keep a timer from firing, on one P either.
#[test]
fn a_timer_fires_beside_threads_that_chat() {
    for procs in [1, 2] {
        run_on(procs, || {
            let (tx, rx) = channel::bounded(0);
            let stop = AtomicBool::new(false);
            thread::scope(|s| {
                for tx in [tx.clone(), tx] {
                    s.spawn(move || while tx.send(()).is_ok() {});
                }
                s.spawn(|| {
                    thread::sleep(Duration::from_millis(20));
                    stop.store(true, Ordering::Release);
                });
                while !stop.load(Ordering::Acquire) {
                    rx.recv().unwrap();
                }
                drop(rx);
            });
        });
    }
}

/// Go's TestTimerFairness2: the same with blocking calls in between.
#[test]
fn a_timer_fires_beside_threads_in_short_calls() {
    for procs in [1, 2] {
        run_on(procs, || {
            let stop = AtomicBool::new(false);
            thread::scope(|s| {
                for _ in 0..2 {
                    s.spawn(|| {
                        while !stop.load(Ordering::Acquire) {
                            sward::unblock(std::thread::yield_now);
                        }
                    });
                }
                thread::sleep(Duration::from_millis(20));
                stop.store(true, Ordering::Release);
            });
        });
    }
}

/// Go's TestStopTheWorldDeadlock. Nothing stops the world here; what comes nearest is taking Ps away and giving them back, from several
/// threads at once, while one thread after the other is born.
#[test]
fn changing_the_number_of_ps_deadlocks_with_nothing() {
    run_on(3, || {
        let stop = AtomicBool::new(false);
        thread::scope(|s| {
            s.spawn(|| {
                while !stop.load(Ordering::Acquire) {
                    thread::spawn(|| thread::spawn(|| ()).join().unwrap()).join().unwrap();
                }
            });
            let changers = [[1, 3], [4, 2]].map(|numbers| {
                s.spawn(move || {
                    for n in (0..500).flat_map(|_| numbers) {
                        set_procs(n);
                    }
                })
            });
            changers.into_iter().for_each(|changer| changer.join().unwrap());
            stop.store(true, Ordering::Release);
        });
    });
}

/// Two threads that wake each other, each time by way of `run_next`, until `stop`.
fn chat(stop: &AtomicBool, rounds: &AtomicUsize) {
    let (ping, pings) = channel::bounded(0);
    let (pong, pongs) = channel::bounded(0);
    thread::scope(|s| {
        s.spawn(move || {
            for ball in pings {
                pong.send(ball).unwrap();
            }
        });
        while !stop.load(Ordering::Acquire) {
            ping.send(()).unwrap();
            pongs.recv().unwrap();
            rounds.fetch_add(1, Ordering::AcqRel);
        }
        drop(ping);
    });
}

/// Go's TestPingPongHog: two threads that hand the rest of a time slice to and fro do not keep the P for ever.
#[test]
fn a_chat_does_not_starve_others() {
    run_on(1, || {
        let (stop, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|s| {
            s.spawn(|| chat(&stop, &rounds));
            yield_until(|| rounds.load(Ordering::Acquire) > 0);
            (0..20).for_each(|_| thread::yield_now());
            // A thread that has not begun is in another queue than one that has.
            thread::spawn(thread::yield_now).join().unwrap();
            stop.store(true, Ordering::Release);
        });
    });
}

/// The reverse: one that computes without end does not starve a chat.
#[test]
fn a_hog_does_not_starve_a_chat() {
    run_on(1, || {
        let (stop, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|s| {
            s.spawn(|| chat(&stop, &rounds));
            hog_until(|| rounds.load(Ordering::Acquire) > 1000);
            stop.store(true, Ordering::Release);
        });
    });
}

/// More hogs than Ps, and one that they wait for.
#[test]
fn hogs_do_not_starve_one_another() {
    for procs in [1, 2] {
        run_on(procs, || {
            let go = AtomicBool::new(false);
            thread::scope(|s| {
                for _ in 0..2 * procs {
                    s.spawn(|| hog_until(|| go.load(Ordering::Acquire)));
                }
                s.spawn(|| go.store(true, Ordering::Release));
            });
        });
    }
}

/// A slow one among many that yield gets its turns: all reach the goal though the others would go on for ever.
#[test]
fn everybody_who_yields_gets_turns() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            let behind = AtomicUsize::new(20);
            thread::scope(|s| {
                for _ in 0..20 {
                    s.spawn(|| {
                        (0..200).for_each(|_| thread::yield_now());
                        behind.fetch_sub(1, Ordering::AcqRel);
                        yield_until(|| behind.load(Ordering::Acquire) == 0);
                    });
                }
            });
        });
    }
}

/// Fresh threads are taken newest first; the oldest gets its turn though there is always a newer one.
#[test]
fn a_fresh_thread_begins_though_newer_ones_keep_coming() {
    run_on(1, || {
        // More than once: whoever comes first may owe its turn to what was before.
        for _ in 0..200 {
            let begun = AtomicBool::new(false);
            thread::scope(|s| {
                s.spawn(|| begun.store(true, Ordering::Release));
                while !begun.load(Ordering::Acquire) {
                    thread::spawn(|| ()).join().unwrap();
                }
            });
        }
    });
}

/// The same for two threads that chat, which are taken before fresh ones.
#[test]
fn a_fresh_thread_begins_beside_a_chat() {
    run_on(1, || {
        let (stop, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|s| {
            s.spawn(|| chat(&stop, &rounds));
            for _ in 0..3 {
                thread::spawn(|| ()).join().unwrap();
            }
            stop.store(true, Ordering::Release);
        });
    });
}
