//! What it costs to start a task and let it end: in batches, and as a tree.

use std::time::Instant;

use sward::channel::{self, Sender};

use super::countdown::Countdown;
use super::output::{Output, check, sized};

/// Tasks started at once by `spawn`.
pub const BATCH: u64 = 1_000;

/// Leaves of the tree that the metric `skynet` stands for.
pub const SKYNET_LEAVES: u64 = 1_000_000;

/// Starts `n` tasks that only count themselves off, a batch at a time.
pub fn spawn(n: u64, out: &Output) {
    let countdown = Countdown::new(0);
    let start = Instant::now();
    for _ in 0..n / BATCH {
        countdown.add(BATCH);
        for _ in 0..BATCH {
            sward::spawn(|| countdown.done());
        }
        countdown.wait();
    }
    out.ns_per_op("spawn", start.elapsed(), n);
}

/// Sums the numbers below `n` by a tree of tasks, ten children to a node.
pub fn skynet(n: u64, out: &Output) {
    let start = Instant::now();
    let (root, total) = channel::bounded(1);
    sward::spawn(move || node(root, 0, n));
    let sum: u64 = total.recv().expect("the root sends its sum");
    let elapsed = start.elapsed();
    check("the sum of the leaves", sum, n * (n - 1) / 2);
    out.ms(&sized("skynet", n, SKYNET_LEAVES), elapsed);
}

/// Sends `parent` the sum of `num..num + size`.
fn node(parent: Sender<u64>, num: u64, size: u64) {
    let sum = if size == 1 {
        num
    } else {
        let (child, sums) = channel::bounded(10);
        for i in 0..10 {
            let child = child.clone();
            sward::spawn(move || node(child, num + i * size / 10, size / 10));
        }
        (0..10).map(|_| sums.recv().expect("each child sends its sum")).sum()
    };
    parent.send(sum).expect("the parent receives from each child");
}
