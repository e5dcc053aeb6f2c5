//! `idle`, with an mpsc channel a task and with a oneshot.

use std::time::Duration;

use peer_common::{Job, resident_bytes};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::countdown::Countdown;

pub async fn idle(job: &Job) {
    let n = job.n(1_000_000);
    let countdown = Countdown::new(n);
    let mut senders: Vec<Option<mpsc::Sender<u64>>> = (0..n).map(|_| None).collect();
    let before = resident_bytes();
    for sender in &mut senders {
        let (own, mut receiver) = mpsc::channel(1);
        *sender = Some(own);
        tokio::spawn(async move {
            countdown.done();
            receiver.recv().await
        });
    }
    countdown.wait().await;
    sleep(Duration::from_millis(200)).await;
    job.idle(before, n);
    std::mem::forget(senders);
}

pub async fn idle_oneshot(job: &Job) {
    let n = job.n(1_000_000);
    let countdown = Countdown::new(n);
    let mut senders: Vec<Option<oneshot::Sender<u64>>> = (0..n).map(|_| None).collect();
    let before = resident_bytes();
    for sender in &mut senders {
        let (own, receiver) = oneshot::channel();
        *sender = Some(own);
        tokio::spawn(async move {
            countdown.done();
            receiver.await
        });
    }
    countdown.wait().await;
    sleep(Duration::from_millis(200)).await;
    job.idle(before, n);
    std::mem::forget(senders);
}
