//! `pingpong`, `chanbuf`, `select`, `ring` and `sieve`.

use std::time::Instant;

use may::sync::mpsc::{self, Receiver, Sender};
use may::{cqueue, go};
use peer_common::{CHANBUF_CAPACITY, CHANBUF_SENDERS, Job, RING, nth_prime};

use crate::bounded;

pub fn pingpong(job: &Job) {
    let n = job.n(1_000_000);
    let (to_other, from_main) = mpsc::channel();
    let (to_main, from_other) = mpsc::channel();
    let start = Instant::now();
    go!(move || {
        for value in from_main {
            to_main.send(value).expect("main waits for the answer");
        }
    });
    for i in 0..n {
        to_other.send(i).expect("the other coroutine receives until main ends");
        assert_eq!(from_other.recv(), Ok(i), "number sent back");
    }
    job.ns_per_op("pingpong", start.elapsed(), n);
}

pub fn chanbuf(job: &Job) {
    let n = job.n(4_000_000);
    let each = n / CHANBUF_SENDERS;
    let (sender, receiver) = bounded::channel(CHANBUF_CAPACITY);
    let start = Instant::now();
    for _ in 0..CHANBUF_SENDERS {
        let sender = sender.clone();
        go!(move || (0..each).for_each(|i| sender.send(i)));
    }
    let sum: u64 = (0..n).map(|_| receiver.recv()).sum();
    let elapsed = start.elapsed();
    assert_eq!(sum, CHANBUF_SENDERS * (each * (each - 1) / 2), "sum of the messages");
    job.ns_per_op("chanbuf", elapsed, n);
}

pub fn chanbuf_unbounded(job: &Job) {
    let n = job.n(4_000_000);
    let each = n / CHANBUF_SENDERS;
    let (sender, receiver) = mpsc::channel();
    let start = Instant::now();
    for _ in 0..CHANBUF_SENDERS {
        let sender = sender.clone();
        go!(move || (0..each).for_each(|i| sender.send(i).expect("main receives all")));
    }
    let sum: u64 = (0..n).map(|_| receiver.recv().expect("main holds a sender")).sum();
    let elapsed = start.elapsed();
    assert_eq!(sum, CHANBUF_SENDERS * (each * (each - 1) / 2), "sum of the messages");
    job.ns_per_op("chanbuf", elapsed, n);
}

pub fn select(job: &Job) {
    let n = job.n(1_000_000);
    let each = n / CHANBUF_SENDERS;
    let start = Instant::now();
    // The senders stay until the end: their receivers count on it.
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..CHANBUF_SENDERS).map(|_| bounded::channel(1)).unzip();
    for sender in &senders {
        let sender = sender.clone();
        go!(move || (0..each).for_each(|i| sender.send(i)));
    }
    cqueue::scope(|arms| {
        for (token, receiver) in receivers.into_iter().enumerate() {
            go!(arms, token, move |event| loop {
                event.send(receiver.recv() as usize);
            });
        }
        let sum: u64 = (0..n).map(|_| arms.poll(None).expect("the arms do not end").extra as u64).sum();
        let elapsed = start.elapsed();
        assert_eq!(sum, CHANBUF_SENDERS * (each * (each - 1) / 2), "sum of the messages");
        job.ns_per_op("select", elapsed, n);
    });
}

pub fn ring(job: &Job) {
    let n = job.n(2_000_000);
    let (tell_main, last_holder) = mpsc::channel();
    let start = Instant::now();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..RING).map(|_| mpsc::channel()).unzip();
    for (id, receiver) in receivers.into_iter().enumerate() {
        let next = senders[(id + 1) % senders.len()].clone();
        let tell_main = tell_main.clone();
        go!(move || pass_on(id as u64, receiver, next, tell_main));
    }
    senders[0].send(n).expect("the first coroutine receives");
    let holder = last_holder.recv();
    let elapsed = start.elapsed();
    assert_eq!(holder, Ok(n % RING), "coroutine that saw zero");
    job.ns_per_op("ring", elapsed, n);
}

fn pass_on(id: u64, receiver: Receiver<u64>, next: Sender<u64>, tell_main: Sender<u64>) {
    for value in receiver {
        let sent = if value == 0 { tell_main.send(id) } else { next.send(value - 1) };
        if sent.is_err() {
            return;
        }
    }
}

pub fn sieve(job: &Job) {
    let n = job.n(1_500);
    let start = Instant::now();
    let (sender, mut candidates) = bounded::channel(1);
    go!(move || {
        for number in 2.. {
            sender.send(number);
        }
    });
    for _ in 1..n {
        let prime = candidates.recv();
        let (sender, passed) = bounded::channel(1);
        let incoming = std::mem::replace(&mut candidates, passed);
        go!(move || filter(prime, incoming, sender));
    }
    let last = candidates.recv();
    let elapsed = start.elapsed();
    assert_eq!(last, nth_prime(n), "last prime");
    job.ms("sieve", elapsed);
    // The chain behind may still send: the process ends it.
    std::mem::forget(candidates);
}

fn filter(prime: u64, incoming: bounded::Receiver, sender: bounded::Sender) {
    loop {
        let number = incoming.recv();
        if !number.is_multiple_of(prime) {
            sender.send(number);
        }
    }
}
