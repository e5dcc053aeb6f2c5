//! `spawn` and `skynet`.

use std::time::Instant;

use may::go;
use may::sync::mpsc::{self, Sender};
use peer_common::{Job, SPAWN_BATCH};

use crate::countdown::Countdown;

pub fn spawn(job: &Job) {
    let n = job.n(1_000_000);
    let countdown = Countdown::new(0);
    let start = Instant::now();
    for _ in 0..n / SPAWN_BATCH {
        countdown.add(SPAWN_BATCH);
        for _ in 0..SPAWN_BATCH {
            go!(|| countdown.done());
        }
        countdown.wait();
    }
    job.ns_per_op("spawn", start.elapsed(), n);
}

pub fn skynet(job: &Job) {
    let n = job.n(1_000_000);
    let start = Instant::now();
    let (root, total) = mpsc::channel();
    go!(move || node(root, 0, n));
    let sum = total.recv().expect("the root sends its sum");
    job.skynet(start.elapsed(), sum, n);
}

/// Sends `parent` the sum of `num..num + size`.
fn node(parent: Sender<u64>, num: u64, size: u64) {
    let sum = if size == 1 {
        num
    } else {
        let (child, sums) = mpsc::channel();
        for i in 0..10 {
            let child = child.clone();
            go!(move || node(child, num + i * size / 10, size / 10));
        }
        (0..10).map(|_| sums.recv().expect("each child sends its sum")).sum()
    };
    parent.send(sum).expect("the parent receives from each child");
}
