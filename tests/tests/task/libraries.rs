//! Futures of libraries that know nothing of green threads: `futures` and `async-channel`.

use std::time::Duration;

use async_channel::{bounded, unbounded};
use futures::channel::oneshot;
use futures::stream::FuturesUnordered;
use futures::{SinkExt, StreamExt, join, pin_mut, select};
use sward::{task, thread};
use sward_tests::{run, run_on};

#[test]
fn join_and_select() {
    run(|| {
        let (tx, rx) = oneshot::channel();
        let (never, nothing) = oneshot::channel::<()>();
        thread::spawn(move || tx.send(20).unwrap());
        let sum = task::block_on(async {
            let (a, b) = join!(async { rx.await.unwrap() }, async { 22 });
            a + b
        });
        assert_eq!(sum, 42);
        let (tx, rx) = oneshot::channel();
        thread::spawn(move || tx.send("first").unwrap());
        let first = task::block_on(async {
            let (mut rx, mut nothing) = (rx, nothing);
            select! {
                word = rx => word.unwrap(),
                _ = nothing => "nothing",
            }
        });
        assert_eq!(first, "first");
        drop(never);
    });
}

/// Wakers that a combinator makes of ours, one for each of its futures.
#[test]
fn a_crowd_of_futures_on_one_thread() {
    run_on(4, || {
        let sum = task::block_on(async {
            let crowd = FuturesUnordered::new();
            for n in 0..500 {
                let (tx, rx) = oneshot::channel();
                thread::spawn(move || {
                    (0..n % 5).for_each(|_| thread::yield_now());
                    tx.send(n).unwrap();
                });
                crowd.push(rx);
            }
            crowd.fold(0, async |sum, n| sum + n.unwrap()).await
        });
        assert_eq!(sum, 124_750);
    });
}

#[test]
fn streams_and_sinks() {
    run(|| {
        let (mut tx, rx) = futures::channel::mpsc::channel(2);
        let producer = thread::spawn(move || {
            task::block_on(async {
                for n in 0..1000 {
                    tx.send(n).await.unwrap();
                }
            });
        });
        let sum: i32 = task::block_on(async {
            let evens = rx.filter(|n| std::future::ready(n % 2 == 0));
            pin_mut!(evens);
            let mut sum = 0;
            while let Some(n) = evens.next().await {
                sum += n;
            }
            sum
        });
        assert_eq!(sum, 249_500);
        producer.join().unwrap();
    });
}

/// Both ends on green threads, many of each.
#[test]
fn an_async_channel_between_green_threads() {
    run_on(4, || {
        let (tx, rx) = bounded(3);
        let senders = (0..4).map(|_| {
            let tx = tx.clone();
            thread::spawn(move || task::block_on(async { send_all(&tx, 500).await }))
        });
        let senders: Vec<_> = senders.collect();
        drop(tx);
        let receivers = (0..4).map(|_| {
            let rx = rx.clone();
            thread::spawn(move || task::block_on(async { receive_all(&rx).await }))
        });
        let receivers: Vec<_> = receivers.collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        let sum: usize = receivers.into_iter().map(|receiver| receiver.join().unwrap()).sum();
        assert_eq!(sum, 4 * (500 * 501 / 2));
    });
}

/// Requests go to an OS thread with an executor of its own, replies come back.
#[test]
fn an_async_channel_to_an_os_threads_executor() {
    run(|| {
        let (requests, inbox) = bounded(4);
        let (replies, results) = unbounded();
        let server = std::thread::spawn(move || {
            futures::executor::block_on(async {
                while let Ok(n) = inbox.recv().await {
                    replies.send(n * 2).await.unwrap();
                }
            });
        });
        let clients = (0..4).map(|_| {
            let requests = requests.clone();
            thread::spawn(move || task::block_on(async { send_all(&requests, 500).await }))
        });
        let clients: Vec<_> = clients.collect();
        drop(requests);
        let sum = task::block_on(async { receive_all(&results).await });
        assert_eq!(sum, 4 * 500 * 501);
        clients.into_iter().for_each(|client| client.join().unwrap());
        sward::unblock(|| server.join().unwrap());
    });
}

/// `async-channel`'s blocking calls block an OS thread, so they belong into `unblock`; the other end need not care.
#[test]
fn a_blocking_end_and_an_awaiting_one() {
    run_on(1, || {
        let (tx, rx) = bounded(1);
        let blocking = thread::spawn(move || sward::unblock(|| (1..=300).for_each(|n| tx.send_blocking(n).unwrap())));
        assert_eq!(task::block_on(async { receive_all(&rx).await }), 300 * 301 / 2);
        blocking.join().unwrap();
    });
}

/// A time limit is a thread that sleeps: no timer of an executor is needed.
#[test]
fn a_time_limit() {
    run(|| {
        let (_tx, rx) = oneshot::channel::<()>();
        let timed_out = task::block_on(async {
            let sleep = thread::spawn(|| thread::sleep(Duration::from_millis(1))).into_future();
            matches!(futures::future::select(rx, sleep).await, futures::future::Either::Right(_))
        });
        assert!(timed_out);
    });
}

async fn send_all(tx: &async_channel::Sender<usize>, n: usize) {
    for n in 1..=n {
        tx.send(n).await.unwrap();
    }
}

async fn receive_all(rx: &async_channel::Receiver<usize>) -> usize {
    let mut sum = 0;
    while let Ok(n) = rx.recv().await {
        sum += n;
    }
    sum
}
