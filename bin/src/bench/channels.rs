//! What it costs to hand a value to another task: one at a time, through a buffer, to one who selects,
//! round a ring and down a chain.

use std::array;
use std::time::Instant;

use sward::channel::{self, Receiver, Sender};

use super::output::{Output, check};

/// Tasks that send in `chanbuf` and `select`.
pub const SENDERS: u64 = 4;

/// Tasks in `ring`: a prime, so that the token's last holder tells whether any hop was lost.
const RING: u64 = 503;

/// Sends a number to another task and waits for it to come back, `n` times.
pub fn pingpong(n: u64, out: &Output) {
    let (to_other, from_main) = channel::bounded(0);
    let (to_main, from_other) = channel::bounded(0);
    let start = Instant::now();
    sward::spawn(move || {
        for value in from_main {
            to_main.send(value).expect("main waits for the answer");
        }
    });
    for i in 0..n {
        to_other.send(i).expect("the other task receives until main ends");
        check("the number sent back", from_other.recv().expect("the other task answers"), i);
    }
    out.ns_per_op("pingpong", start.elapsed(), n);
}

/// Four tasks send `n` numbers in all through one buffer.
pub fn chanbuf(n: u64, out: &Output) {
    let each = n / SENDERS;
    let (sender, receiver) = channel::bounded(128);
    let start = Instant::now();
    for _ in 0..SENDERS {
        let sender = sender.clone();
        sward::spawn(move || {
            for i in 0..each {
                sender.send(i).expect("main receives all that is sent");
            }
        });
    }
    let sum: u64 = (0..n).map(|_| receiver.recv().expect("main holds a sender")).sum();
    let elapsed = start.elapsed();
    check("the sum of the messages", sum, SENDERS * (each * (each - 1) / 2));
    out.ns_per_op("chanbuf", elapsed, n);
}

/// Four tasks send `n` numbers in all, each on a channel of its own; one receives from whichever is ready.
pub fn select(n: u64, out: &Output) {
    let each = n / SENDERS;
    let start = Instant::now();
    // The senders stay until the end: a channel without any is always ready.
    let channels: [_; SENDERS as usize] = array::from_fn(|_| channel::bounded(0));
    for (sender, _) in &channels {
        let sender = sender.clone();
        sward::spawn(move || {
            for i in 0..each {
                sender.send(i).expect("main receives all that is sent");
            }
        });
    }
    let [(_, a), (_, b), (_, c), (_, d)] = &channels;
    let mut sum = 0;
    for _ in 0..n {
        sum += channel::select! {
            recv(a) -> number => number,
            recv(b) -> number => number,
            recv(c) -> number => number,
            recv(d) -> number => number,
        }
        .expect("main holds the senders");
    }
    let elapsed = start.elapsed();
    check("the sum of the messages", sum, SENDERS * (each * (each - 1) / 2));
    out.ns_per_op("select", elapsed, n);
}

/// A number that goes round, one less at each hop, until it is zero.
pub fn ring(n: u64, out: &Output) {
    let (tell_main, last_holder) = channel::bounded(1);
    let start = Instant::now();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..RING).map(|_| channel::bounded(0)).unzip();
    for (id, receiver) in receivers.into_iter().enumerate() {
        let next = senders[(id + 1) % senders.len()].clone();
        let tell_main = tell_main.clone();
        sward::spawn(move || pass_on(id as u64, receiver, next, tell_main));
    }
    senders[0].send(n).expect("the first task receives");
    let holder = last_holder.recv().expect("the task that sees zero tells main");
    let elapsed = start.elapsed();
    check("the task that saw zero", holder, n % RING);
    out.ns_per_op("ring", elapsed, n);
}

/// Hands what comes in, less one, to the next task; at zero tells main who saw it.
fn pass_on(id: u64, receiver: Receiver<u64>, next: Sender<u64>, tell_main: Sender<u64>) {
    for value in receiver {
        let sent = if value == 0 { tell_main.send(id) } else { next.send(value - 1) };
        if sent.is_err() {
            return; // main has its answer and the ring comes apart
        }
    }
}

/// The first `n` primes: each task of the chain lets through what its prime does not divide.
pub fn sieve(n: u64, out: &Output) {
    let start = Instant::now();
    let (sender, mut candidates) = channel::bounded(0);
    sward::spawn(move || (2..).try_for_each(|number| sender.send(number)));
    for _ in 1..n {
        let prime = candidates.recv().expect("numbers do not end");
        let (sender, passed) = channel::bounded(0);
        let incoming = std::mem::replace(&mut candidates, passed);
        sward::spawn(move || filter(prime, incoming, sender));
    }
    let last: u64 = candidates.recv().expect("numbers do not end");
    let elapsed = start.elapsed();
    check("the last prime", last, nth_prime(n));
    out.ms("sieve", elapsed);
}

/// Passes on what `prime` does not divide, until nobody receives any more.
fn filter(prime: u64, incoming: Receiver<u64>, sender: Sender<u64>) {
    for number in incoming {
        if number % prime != 0 && sender.send(number).is_err() {
            return;
        }
    }
}

/// The `n`th prime, by trial division.
fn nth_prime(n: u64) -> u64 {
    let is_prime = |&x: &u64| (2..).take_while(|d| d * d <= x).all(|d| x % d != 0);
    (2..).filter(is_prime).nth(n as usize - 1).expect("primes do not end")
}
