//! `spawn` and `skynet`.

use std::pin::Pin;
use std::time::Instant;

use peer_common::{Job, SPAWN_BATCH};
use tokio::sync::mpsc::{self, Sender};

use crate::countdown::Countdown;

pub async fn spawn(job: &Job) {
    let n = job.n(1_000_000);
    let countdown = Countdown::new(0);
    let start = Instant::now();
    for _ in 0..n / SPAWN_BATCH {
        countdown.add(SPAWN_BATCH);
        for _ in 0..SPAWN_BATCH {
            tokio::spawn(async { countdown.done() });
        }
        countdown.wait().await;
    }
    job.ns_per_op("spawn", start.elapsed(), n);
}

pub async fn skynet(job: &Job) {
    let n = job.n(1_000_000);
    let start = Instant::now();
    let (root, mut total) = mpsc::channel(1);
    tokio::spawn(node(root, 0, n));
    let sum = total.recv().await.expect("the root sends its sum");
    job.skynet(start.elapsed(), sum, n);
}

/// Sends `parent` the sum of `num..num + size`. Boxed, since a future cannot contain itself.
fn node(parent: Sender<u64>, num: u64, size: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let mut sum = num;
        if size > 1 {
            let (child, mut sums) = mpsc::channel(10);
            for i in 0..10 {
                tokio::spawn(node(child.clone(), num + i * size / 10, size / 10));
            }
            sum = 0;
            for _ in 0..10 {
                sum += sums.recv().await.expect("each child sends its sum");
            }
        }
        parent.send(sum).await.expect("the parent receives from each child");
    })
}
