//! Messages that are awaited: `Receiver` as a future.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{Either, join_all, select};
use sward::channel::{self, RecvError, RecvFuture, TrySendError, bounded, unbounded};
use sward::{task, thread};
use sward_tests::{Finished, is_emulated, program, run, run_on, yield_until};

use crate::bell::Bell;

fn poll<T>(future: &mut RecvFuture<T>, bell: &Arc<Bell>) -> Poll<Result<T, RecvError>> {
    future.poll_unpin(&mut Context::from_waker(&Waker::from(bell.clone())))
}

#[test]
fn what_is_there() {
    run(|| {
        let (s, r) = unbounded();
        s.send(1).unwrap();
        s.send(2).unwrap();
        drop(s);
        task::block_on(async {
            assert_eq!(r.clone().await, Ok(1));
            assert_eq!(r.clone().await, Ok(2));
            assert_eq!(r.await, Err(RecvError));
        });
    });
}

/// From a channel of each kind, by a sender of each kind.
#[test]
fn what_comes() {
    run_on(4, || {
        for capacity in [Some(0), Some(1), Some(3), None] {
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            let sender = thread::spawn({
                let s = s.clone();
                move || (0..500).for_each(|n| s.send(n).unwrap())
            });
            let os_sender = std::thread::spawn({
                let s = s.clone();
                move || (0..500).for_each(|n| s.send(n).unwrap())
            });
            let selecting = thread::spawn(move || {
                let never = channel::never::<i32>();
                (0..500).for_each(|n| {
                    sward::select! {
                        send(s, n) -> sent => sent.unwrap(),
                        recv(never) -> _ => unreachable!(),
                    }
                });
            });
            let sum = task::block_on(async {
                let mut sum = 0;
                while let Ok(n) = r.clone().await {
                    sum += n;
                }
                sum
            });
            assert_eq!(sum, 3 * (499 * 500 / 2), "{capacity:?}");
            sender.join().unwrap();
            selecting.join().unwrap();
            sward::unblock(|| os_sender.join().unwrap());
        }
    });
}

/// The executor is another library's, on an OS thread.
#[test]
fn from_elsewhere() {
    let (s, r) = bounded(0);
    let sender = thread::spawn(move || (0..500).for_each(|n| s.send(n).unwrap()));
    futures::executor::block_on(async {
        for n in 0..500 {
            assert_eq!(r.clone().await, Ok(n));
        }
        assert_eq!(r.await, Err(RecvError));
    });
    sender.join().unwrap();
}

/// Tasks and threads receive from the same channel. Each message goes to one of them, and all of them end.
#[test]
fn tasks_beside_threads() {
    run_on(4, || {
        for capacity in [0, 2] {
            let (s, r) = bounded(capacity);
            let received = Arc::new(AtomicUsize::new(0));
            let threads: Vec<_> = (0..8)
                .map(|n| {
                    let (r, received) = (r.clone(), received.clone());
                    thread::spawn(move || {
                        let count = |n: usize| {
                            received.fetch_add(n, Ordering::Relaxed);
                        };
                        if n % 2 == 0 {
                            r.iter().for_each(count);
                        } else {
                            task::block_on(async {
                                while let Ok(n) = r.clone().await {
                                    count(n);
                                }
                            });
                        }
                    })
                })
                .collect();
            drop(r);
            (1..=2000).for_each(|n| s.send(n).unwrap());
            drop(s);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(received.load(Ordering::Relaxed), 2000 * 2001 / 2);
        }
    });
}

#[test]
fn many_tasks_on_one_thread() {
    run_on(4, || {
        let (s, r) = bounded(1);
        let sender = thread::spawn(move || (0..300).for_each(|n| s.send(n).unwrap()));
        let messages = task::block_on(join_all((0..301).map(|_| r.clone().into_future())));
        let sum: i32 = messages.iter().filter_map(|message| message.ok()).sum();
        assert_eq!((sum, messages.iter().filter(|message| message.is_err()).count()), (299 * 300 / 2, 1));
        sender.join().unwrap();
    });
}

#[test]
fn it_wakes_the_last_who_asked() {
    run(|| {
        let (s, r) = unbounded();
        let mut future = r.into_future();
        let bells: [Arc<Bell>; 3] = Default::default();
        for bell in &bells {
            (0..3).for_each(|_| assert!(poll(&mut future, bell).is_pending()));
        }
        s.send(7).unwrap();
        yield_until(|| bells[2].rings() == 1);
        assert_eq!(bells.each_ref().map(|bell| bell.rings()), [0, 0, 1]);
        assert_eq!(poll(&mut future, &bells[0]), Poll::Ready(Ok(7)));
    });
}

#[test]
fn the_end_wakes_all() {
    run(|| {
        let (s, r) = bounded::<()>(0);
        let bells: [Arc<Bell>; 5] = Default::default();
        let mut futures = [(); 5].map(|()| r.clone().into_future());
        for (future, bell) in futures.iter_mut().zip(&bells) {
            assert!(poll(future, bell).is_pending());
        }
        drop(s);
        yield_until(|| bells.iter().all(|bell| bell.rings() == 1));
        for (future, bell) in futures.iter_mut().zip(&bells) {
            assert_eq!(poll(future, bell), Poll::Ready(Err(RecvError)));
        }
    });
}

/// A future that has been woken and is dropped: the message is for the next.
#[test]
fn dropped_half_way_it_loses_nothing() {
    run(|| {
        let (s, r) = bounded(1);
        let bells: [Arc<Bell>; 2] = Default::default();
        let [mut first, mut second] = [(); 2].map(|()| r.clone().into_future());
        assert!(poll(&mut first, &bells[0]).is_pending());
        assert!(poll(&mut second, &bells[1]).is_pending());
        s.send(1).unwrap();
        yield_until(|| bells.iter().all(|bell| bell.rings() == 1));
        drop(first);
        assert_eq!(poll(&mut second, &bells[1]), Poll::Ready(Ok(1)));
        assert_eq!(bells.each_ref().map(Arc::strong_count), [1, 1], "wakers are left behind");
        let mut third = r.into_future();
        assert!(poll(&mut third, &bells[0]).is_pending());
        drop((second, third));
        assert_eq!(s.send(2).unwrap_err().into_inner(), 2, "no receiver is left");
        assert_eq!((bells[0].rings(), Arc::strong_count(&bells[0])), (1, 1));
    });
}

/// Futures are polled and dropped while others send: a waiter left behind would be written to.
#[test]
fn drops_race_with_sends() {
    run_on(4, || {
        let (s, r) = bounded(1);
        let sender = thread::spawn(move || (1..=5000).map(|n| s.send(n).map(|()| n).unwrap()).sum::<u64>());
        let receivers: Vec<_> = (0..3)
            .map(|_| {
                let r = r.clone();
                thread::spawn(move || {
                    let bell = Arc::new(Bell::default());
                    let mut sum = 0;
                    loop {
                        let mut future = r.clone().into_future();
                        match (0..3).find_map(|_| match poll(&mut future, &bell) {
                            Poll::Ready(message) => Some(message),
                            Poll::Pending => None,
                        }) {
                            Some(Ok(n)) => sum += n,
                            Some(Err(RecvError)) => return sum,
                            None => thread::yield_now(),
                        }
                    }
                })
            })
            .collect();
        let received: u64 = receivers.into_iter().map(|receiver| receiver.join().unwrap()).sum();
        assert_eq!(received, sender.join().unwrap());
    });
}

/// A task is no receiver that waits: nobody can hand it anything without waiting.
#[test]
fn a_try_send_to_a_task() {
    run(|| {
        let (s, r) = bounded(0);
        let bell = Arc::new(Bell::default());
        let mut future = r.into_future();
        assert!(poll(&mut future, &bell).is_pending());
        assert_eq!(s.try_send(1), Err(TrySendError::Full(1)));
        let sender = thread::spawn(move || s.send(2));
        let message = task::block_on(future);
        assert_eq!(message, Ok(2));
        sender.join().unwrap().unwrap();
    });
}

#[test]
fn timer_channels() {
    run(|| {
        let begin = Instant::now();
        let after = task::block_on(channel::after(Duration::from_millis(3)));
        assert!(after.unwrap() >= begin + Duration::from_millis(3) && Instant::now() >= after.unwrap());
        let ticks = channel::tick(Duration::from_millis(1));
        task::block_on(async {
            let mut last = begin;
            for _ in 0..5 {
                let tick = ticks.clone().await.unwrap();
                assert!(tick > last && tick <= Instant::now());
                last = tick;
            }
        });
        let (s, r) = bounded::<()>(0);
        let first = task::block_on(select(channel::never::<()>().into_future(), thread::spawn(|| 1).into_future()));
        assert!(matches!(first, Either::Right((Ok(1), _))));
        let limit = channel::after(Duration::from_millis(2)).into_future();
        assert!(matches!(task::block_on(select(r.into_future(), limit)), Either::Right(_)));
        drop(s);
    });
}

/// A timer that nobody awaits any more keeps nobody awake: the program is found to be stuck, and does not wait for that time.
#[test]
fn a_timer_that_is_given_up() {
    // Under an emulator there is never a verdict.
    if !is_emulated() {
        let finished = Finished::of(program(env!("CARGO_BIN_EXE_scenario")).arg("gives-up-a-timer"));
        finished.exits_with(2).says("deadlock");
    }
}
