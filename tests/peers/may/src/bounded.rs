//! A bounded channel made of what may has: an unbounded one, and a semaphore with a permit for each
//! free place.

use std::sync::Arc;

use may::sync::{Semphore, mpsc};

#[derive(Clone)]
pub struct Sender {
    inner: mpsc::Sender<u64>,
    places: Arc<Semphore>,
}

pub struct Receiver {
    inner: mpsc::Receiver<u64>,
    places: Arc<Semphore>,
}

pub fn channel(capacity: usize) -> (Sender, Receiver) {
    let (sender, receiver) = mpsc::channel();
    let places = Arc::new(Semphore::new(capacity));
    let sender = Sender { inner: sender, places: Arc::clone(&places) };
    (sender, Receiver { inner: receiver, places })
}

impl Sender {
    pub fn send(&self, value: u64) {
        self.places.wait();
        self.inner.send(value).expect("receivers stay until the process ends");
    }
}

impl Receiver {
    pub fn recv(&self) -> u64 {
        let value = self.inner.recv().expect("senders stay until all is sent");
        self.places.post();
        value
    }
}
