//! What a task that only waits takes of the machine's memory.

use std::time::Duration;

use sward::channel::{self, Sender};
use sward::thread;

use super::countdown::Countdown;
use super::output::Output;
use crate::resident::resident_bytes;

/// `n` tasks that wait for ever, each on a channel of its own.
pub fn idle(n: u64, out: &Output) {
    let countdown = Countdown::new(n);
    // The array itself is not counted: it is written to, and so resident, before the first look.
    let mut senders: Vec<Option<Sender<u64>>> = (0..n).map(|_| None).collect();
    let before = resident_bytes();
    for sender in &mut senders {
        let (own, receiver) = channel::bounded(0);
        *sender = Some(own);
        sward::spawn(move || {
            countdown.done();
            receiver.recv()
        });
    }
    countdown.wait();
    // The last tasks still have a few steps to go from their count to their wait.
    thread::sleep(Duration::from_millis(200));
    let after = resident_bytes();
    out.line(&format!("idle_{n}"), after.saturating_sub(before) as f64 / n as f64, "B");
    // Woken tasks would only end one by one: the process ends them all.
    std::mem::forget(senders);
}
