//! `pingpong`, `chanbuf`, `select`, `ring` and `sieve`.

use std::time::Instant;

use peer_common::{CHANBUF_CAPACITY, CHANBUF_SENDERS, Job, RING, nth_prime};
use tokio::sync::mpsc::{self, Receiver, Sender};

pub async fn pingpong(job: &Job) {
    let n = job.n(1_000_000);
    let (to_other, mut from_main) = mpsc::channel(1);
    let (to_main, mut from_other) = mpsc::channel(1);
    let start = Instant::now();
    tokio::spawn(async move {
        while let Some(value) = from_main.recv().await {
            to_main.send(value).await.expect("main waits for the answer");
        }
    });
    for i in 0..n {
        to_other.send(i).await.expect("the other task receives until main ends");
        assert_eq!(from_other.recv().await, Some(i), "number sent back");
    }
    job.ns_per_op("pingpong", start.elapsed(), n);
}

pub async fn chanbuf(job: &Job) {
    let n = job.n(4_000_000);
    let each = n / CHANBUF_SENDERS;
    let (sender, mut receiver) = mpsc::channel(CHANBUF_CAPACITY);
    let start = Instant::now();
    for _ in 0..CHANBUF_SENDERS {
        let sender = sender.clone();
        tokio::spawn(async move {
            for i in 0..each {
                sender.send(i).await.expect("main receives all that is sent");
            }
        });
    }
    let mut sum = 0;
    for _ in 0..n {
        sum += receiver.recv().await.expect("main holds a sender");
    }
    let elapsed = start.elapsed();
    assert_eq!(sum, CHANBUF_SENDERS * (each * (each - 1) / 2), "sum of the messages");
    job.ns_per_op("chanbuf", elapsed, n);
}

pub async fn select(job: &Job) {
    let n = job.n(1_000_000);
    let each = n / CHANBUF_SENDERS;
    let start = Instant::now();
    // The senders stay until the end: a channel without any is always ready.
    let mut channels: [_; CHANBUF_SENDERS as usize] = std::array::from_fn(|_| mpsc::channel(1));
    for (sender, _) in &channels {
        let sender = sender.clone();
        tokio::spawn(async move {
            for i in 0..each {
                sender.send(i).await.expect("main receives all that is sent");
            }
        });
    }
    let [(_, a), (_, b), (_, c), (_, d)] = &mut channels;
    let mut sum = 0;
    for _ in 0..n {
        sum += tokio::select! {
            number = a.recv() => number,
            number = b.recv() => number,
            number = c.recv() => number,
            number = d.recv() => number,
        }
        .expect("main holds the senders");
    }
    let elapsed = start.elapsed();
    assert_eq!(sum, CHANBUF_SENDERS * (each * (each - 1) / 2), "sum of the messages");
    job.ns_per_op("select", elapsed, n);
}

pub async fn ring(job: &Job) {
    let n = job.n(2_000_000);
    let (tell_main, mut last_holder) = mpsc::channel(1);
    let start = Instant::now();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..RING).map(|_| mpsc::channel(1)).unzip();
    for (id, receiver) in receivers.into_iter().enumerate() {
        let next = senders[(id + 1) % senders.len()].clone();
        tokio::spawn(pass_on(id as u64, receiver, next, tell_main.clone()));
    }
    senders[0].send(n).await.expect("the first task receives");
    let holder = last_holder.recv().await;
    let elapsed = start.elapsed();
    assert_eq!(holder, Some(n % RING), "task that saw zero");
    job.ns_per_op("ring", elapsed, n);
}

async fn pass_on(id: u64, mut receiver: Receiver<u64>, next: Sender<u64>, tell_main: Sender<u64>) {
    while let Some(value) = receiver.recv().await {
        let sent = match value {
            0 => tell_main.send(id).await,
            _ => next.send(value - 1).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

pub async fn sieve(job: &Job) {
    let n = job.n(1_500);
    let start = Instant::now();
    let (sender, mut candidates) = mpsc::channel(1);
    tokio::spawn(async move {
        for number in 2.. {
            if sender.send(number).await.is_err() {
                return;
            }
        }
    });
    for _ in 1..n {
        let prime = candidates.recv().await.expect("numbers do not end");
        let (sender, passed) = mpsc::channel(1);
        let incoming = std::mem::replace(&mut candidates, passed);
        tokio::spawn(filter(prime, incoming, sender));
    }
    let last = candidates.recv().await;
    let elapsed = start.elapsed();
    assert_eq!(last, Some(nth_prime(n)), "last prime");
    job.ms("sieve", elapsed);
}

async fn filter(prime: u64, mut incoming: Receiver<u64>, sender: Sender<u64>) {
    while let Some(number) = incoming.recv().await {
        if number % prime != 0 && sender.send(number).await.is_err() {
            return;
        }
    }
}
