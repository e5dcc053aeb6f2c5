//! `idle`.

use std::time::Duration;

use may::coroutine::sleep;
use may::go;
use may::sync::mpsc::{self, Sender};
use peer_common::{Job, resident_bytes};

use crate::countdown::Countdown;

pub fn idle(job: &Job) {
    let n = job.n(1_000_000);
    let countdown = Countdown::new(n);
    let mut senders: Vec<Option<Sender<u64>>> = (0..n).map(|_| None).collect();
    let before = resident_bytes();
    for sender in &mut senders {
        let (own, receiver) = mpsc::channel();
        *sender = Some(own);
        go!(move || {
            countdown.done();
            receiver.recv()
        });
    }
    countdown.wait();
    sleep(Duration::from_millis(200));
    job.idle(before, n);
    std::mem::forget(senders);
}
