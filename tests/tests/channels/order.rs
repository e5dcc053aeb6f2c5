//! Who is served first, and in which order messages come: Go's test/chan/fifo.go and goroutines.go.

use sward::channel::{self, Receiver, Sender};
use sward::thread;
use sward_tests::run_on;

/// Go's test/chan/fifo.go, first half: a buffer keeps the order.
#[test]
fn a_buffered_channel_keeps_the_order() {
    run_on(2, || {
        let (tx, rx) = channel::bounded(10);
        (0..10).for_each(|n| tx.send(n).unwrap());
        drop(tx);
        assert!(rx.iter().eq(0..10));
    });
}

/// Go's test/chan/fifo.go, second half: threads that wait for a channel are served in the order in which they came. Each link of the
/// chain waits for its turn, receives, and checks that it got its own number.
#[test]
fn a_rendezvous_keeps_the_order() {
    for procs in [1, 2] {
        run_on(procs, || {
            let (numbers, inbox) = channel::bounded(0);
            let (start, mut turn) = channel::bounded(1);
            let links: Vec<_> = (0..10)
                .map(|own| {
                    let (next, next_turn) = channel::bounded(1);
                    let own_turn: Receiver<()> = std::mem::replace(&mut turn, next_turn);
                    let inbox: Receiver<i32> = inbox.clone();
                    thread::spawn(move || {
                        own_turn.recv().unwrap();
                        assert_eq!(inbox.recv().unwrap(), own);
                        next.send(()).unwrap();
                    })
                })
                .collect();
            start.send(()).unwrap();
            (0..10).for_each(|n| numbers.send(n).unwrap());
            turn.recv().unwrap();
            links.into_iter().for_each(|link| link.join().unwrap());
        });
    }
}

/// Go's test/chan/goroutines.go: a message passes through a chain of 10,000 threads.
#[test]
fn a_chain_of_ten_thousand_threads() {
    fn pass(left: Sender<usize>, right: Receiver<usize>) {
        left.send(right.recv().unwrap() + 1).unwrap();
    }
    for procs in [1, 2] {
        run_on(procs, || {
            let (mut left, leftmost) = channel::bounded(0);
            for _ in 0..10_000 {
                let (next, right) = channel::bounded(0);
                let left = std::mem::replace(&mut left, next);
                thread::spawn(move || pass(left, right));
            }
            thread::spawn(move || left.send(0).unwrap());
            assert_eq!(leftmost.recv().unwrap(), 10_000);
        });
    }
}
