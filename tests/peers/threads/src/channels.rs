//! The workloads whose threads talk through channels.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, sleep, spawn};
use std::time::{Duration, Instant};

use peer_common::{CHANBUF_CAPACITY, CHANBUF_SENDERS, Job, RING, nth_prime, resident_bytes};

pub fn skynet(job: &Job) {
    let n = job.n(10_000);
    let start = Instant::now();
    let (root, total) = sync_channel(1);
    spawn(move || node(root, 0, n));
    let sum = total.recv().expect("the root sends its sum");
    job.skynet(start.elapsed(), sum, n);
}

/// Sends `parent` the sum of `num..num + size`.
fn node(parent: SyncSender<u64>, num: u64, size: u64) {
    let sum = if size == 1 {
        num
    } else {
        let (child, sums) = sync_channel(10);
        for i in 0..10 {
            let child = child.clone();
            spawn(move || node(child, num + i * size / 10, size / 10));
        }
        (0..10).map(|_| sums.recv().expect("each child sends its sum")).sum()
    };
    parent.send(sum).expect("the parent receives from each child");
}

pub fn pingpong(job: &Job) {
    let n = job.n(100_000);
    let (to_other, from_main) = sync_channel(0);
    let (to_main, from_other) = sync_channel(0);
    let start = Instant::now();
    spawn(move || {
        for value in from_main {
            to_main.send(value).expect("main waits for the answer");
        }
    });
    for i in 0..n {
        to_other.send(i).expect("the other thread receives until main ends");
        assert_eq!(from_other.recv(), Ok(i), "number sent back");
    }
    job.ns_per_op("pingpong", start.elapsed(), n);
}

pub fn chanbuf(job: &Job) {
    let n = job.n(4_000_000);
    let each = n / CHANBUF_SENDERS;
    let (sender, receiver) = sync_channel(CHANBUF_CAPACITY);
    let start = Instant::now();
    for _ in 0..CHANBUF_SENDERS {
        let sender = sender.clone();
        spawn(move || (0..each).for_each(|i| sender.send(i).expect("main receives all")));
    }
    let sum: u64 = (0..n).map(|_| receiver.recv().expect("main holds a sender")).sum();
    let elapsed = start.elapsed();
    assert_eq!(sum, CHANBUF_SENDERS * (each * (each - 1) / 2), "sum of the messages");
    job.ns_per_op("chanbuf", elapsed, n);
}

pub fn ring(job: &Job) {
    let n = job.n(200_000);
    let (tell_main, last_holder) = sync_channel(1);
    let start = Instant::now();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..RING).map(|_| sync_channel(0)).unzip();
    for (id, receiver) in receivers.into_iter().enumerate() {
        let next = senders[(id + 1) % senders.len()].clone();
        let tell_main = tell_main.clone();
        spawn(move || pass_on(id as u64, receiver, next, tell_main));
    }
    senders[0].send(n).expect("the first thread receives");
    let holder = last_holder.recv();
    let elapsed = start.elapsed();
    assert_eq!(holder, Ok(n % RING), "thread that saw zero");
    job.ns_per_op("ring", elapsed, n);
}

fn pass_on(id: u64, receiver: Receiver<u64>, next: SyncSender<u64>, tell_main: SyncSender<u64>) {
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
    let (sender, mut candidates) = sync_channel(0);
    spawn(move || (2..).try_for_each(|number| sender.send(number)));
    for _ in 1..n {
        let prime = candidates.recv().expect("numbers do not end");
        let (sender, passed) = sync_channel(0);
        let incoming = std::mem::replace(&mut candidates, passed);
        spawn(move || filter(prime, incoming, sender));
    }
    let last = candidates.recv();
    let elapsed = start.elapsed();
    assert_eq!(last, Ok(nth_prime(n)), "last prime");
    job.ms("sieve", elapsed);
}

fn filter(prime: u64, incoming: Receiver<u64>, sender: SyncSender<u64>) {
    for number in incoming {
        if number % prime != 0 && sender.send(number).is_err() {
            return;
        }
    }
}

pub fn idle(job: &Job) {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let n = job.n(10_000);
    let main = thread::current();
    let mut senders: Vec<Option<SyncSender<u64>>> = (0..n).map(|_| None).collect();
    let before = resident_bytes();
    for sender in &mut senders {
        let (own, receiver) = sync_channel(0);
        *sender = Some(own);
        let main = main.clone();
        spawn(move || {
            if STARTED.fetch_add(1, Ordering::Relaxed) + 1 == n {
                main.unpark();
            }
            receiver.recv()
        });
    }
    while STARTED.load(Ordering::Relaxed) < n {
        thread::park();
    }
    sleep(Duration::from_millis(200));
    job.idle(before, n);
    std::mem::forget(senders);
}
