//! Wakers: from anywhere, at any time, as often as they like, and none is lost.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use sward::{task, thread};
use sward_tests::{hog_until, run, run_on};

/// Counts what has happened, and wakes who waits for it: the simplest kind of source.
#[derive(Default)]
struct Events {
    count: AtomicUsize,
    waker: Mutex<Option<Waker>>,
}

impl Events {
    fn happen(&self) {
        self.count.fetch_add(1, Ordering::Release);
        let waker = self.waker.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Ready when at least `n` have happened.
    fn poll(&self, context: &mut Context<'_>, n: usize) -> Poll<()> {
        *self.waker.lock().unwrap() = Some(context.waker().clone());
        if self.count.load(Ordering::Acquire) >= n { Poll::Ready(()) } else { Poll::Pending }
    }

    async fn at_least(&self, n: usize) {
        poll_fn(|context| self.poll(context, n)).await;
    }
}

/// Each event is waited for on its own, so a lost wake stops the game.
fn play(rounds: usize, spawn: impl FnOnce(Box<dyn FnOnce() + Send>)) {
    let (there, back) = (Arc::new(Events::default()), Arc::new(Events::default()));
    let other = {
        let (there, back) = (there.clone(), back.clone());
        move || {
            for round in 1..=rounds {
                task::block_on(there.at_least(round));
                back.happen();
            }
        }
    };
    spawn(Box::new(other));
    for round in 1..=rounds {
        there.happen();
        task::block_on(back.at_least(round));
    }
}

#[test]
fn none_is_lost_between_green_threads() {
    run_on(4, || {
        let games: Vec<_> = (0..4).map(|_| thread::spawn(|| play(3000, |other| drop(thread::spawn(other))))).collect();
        games.into_iter().for_each(|game| game.join().unwrap());
    });
}

#[test]
fn none_is_lost_between_a_green_thread_and_an_os_thread() {
    run(|| play(3000, |other| drop(std::thread::spawn(other))));
}

#[test]
fn none_is_lost_between_os_threads() {
    play(3000, |other| drop(std::thread::spawn(other)));
}

/// One future, and many OS threads that wake it, during its polls and its waits.
#[test]
fn many_os_threads_wake_one_future() {
    const THREADS: usize = 4;
    const EACH: usize = 2000;
    run(|| {
        let events = Arc::new(Events::default());
        let wakers: Vec<_> = (0..THREADS)
            .map(|_| {
                let events = events.clone();
                std::thread::spawn(move || (0..EACH).for_each(|_| events.happen()))
            })
            .collect();
        task::block_on(events.at_least(THREADS * EACH));
        sward::unblock(|| wakers.into_iter().for_each(|thread| thread.join().unwrap()));
    });
}

/// The waker is called after the look that found nothing, and before that poll has returned.
#[test]
fn one_that_comes_during_the_poll_is_kept() {
    run(|| {
        for round in 0..200 {
            let mut polled = false;
            task::block_on(poll_fn(|context| {
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                let waker = context.waker().clone();
                if round % 2 == 0 {
                    thread::spawn(move || waker.wake()).join().unwrap();
                } else {
                    sward::unblock(|| std::thread::spawn(move || waker.wake()).join().unwrap());
                }
                Poll::Pending
            }));
        }
    });
}

/// The last clone of a waker outlives its future, and the thread. Calling it touches nobody, whatever that thread, or the next one with its
/// record, waits for.
#[test]
fn one_that_comes_too_late_wakes_nobody() {
    run(|| {
        let stale: Vec<Waker> = (0..100)
            .map(|_| {
                thread::spawn(|| {
                    let mut waker = None;
                    task::block_on(poll_fn(|context| match &waker {
                        Some(_) => Poll::Ready(()),
                        None => {
                            context.waker().wake_by_ref();
                            waker = Some(context.waker().clone());
                            Poll::Pending
                        }
                    }));
                    waker.unwrap()
                })
                .join()
                .unwrap()
            })
            .collect();
        let over = Arc::new(AtomicBool::new(false));
        let noise = {
            let (over, stale) = (over.clone(), stale.clone());
            std::thread::spawn(move || {
                hog_until(|| {
                    stale.iter().for_each(Waker::wake_by_ref);
                    over.load(Ordering::Acquire)
                });
            })
        };
        let waits: Vec<_> = (0..100)
            .map(|_| {
                thread::spawn(|| {
                    for _ in 0..20 {
                        assert_eq!(thread::spawn(|| 1).join().unwrap(), 1);
                        let events = Arc::new(Events::default());
                        let other = events.clone();
                        thread::spawn(move || other.happen());
                        task::block_on(events.at_least(1));
                    }
                })
            })
            .collect();
        waits.into_iter().for_each(|thread| thread.join().unwrap());
        over.store(true, Ordering::Release);
        sward::unblock(|| noise.join().unwrap());
        stale.into_iter().for_each(Waker::wake);
    });
}

/// One wake, however often it is called, is one poll at least; the future is not polled when nobody calls.
#[test]
fn a_future_that_nobody_wakes_is_not_polled() {
    run(|| {
        let events = Events::default();
        let mut polls = 0;
        thread::scope(|s| {
            s.spawn(|| {
                (0..100).for_each(|_| thread::yield_now());
                events.happen();
            });
            task::block_on(poll_fn(|context| {
                polls += 1;
                events.poll(context, 1)
            }));
        });
        assert!(polls <= 2, "{polls} polls for one event");
    });
}
