//! A send whose message is made only when the other side has been found: what others see of the time in between, and what happens if
//! there is no message in the end.

use std::panic::{self, AssertUnwindSafe};

use sward::channel::{
    Receiver, RecvTimeoutError, Select, Sender, TryRecvError, TrySendError, bounded, select, unbounded,
};

use super::*;

fn no_message() -> u32 {
    panic::resume_unwind(Box::new("no message"))
}

/// Tries to send a message that cannot be made.
fn send_nothing(s: &Sender<u32>) {
    let payload = panic::catch_unwind(AssertUnwindSafe(|| {
        select! {
            send(s, no_message()) -> _ => unreachable!(),
        }
    }));
    assert_eq!(*payload.unwrap_err().downcast::<&str>().unwrap(), "no message");
}

fn no_receiver() -> Receiver<u32> {
    panic::resume_unwind(Box::new(()))
}

/// Waits until a receiver waits on a rendezvous, or is about to: by the time that `try_send` sees it, it is there.
fn ready_to_send(s: &Sender<u32>) {
    let mut set = Select::new();
    set.send(s);
    set.ready();
}

on_both! {
    /// crossbeam-channel's `recv_in_send`: the message is one that comes by the same channel, while a receiver has been promised one.
    fn a_message_from_the_same_channel() {
        let (s, r) = bounded(0);
        let (go, wait) = bounded(0);
        thread::scope(|scope| {
            let promised = scope.spawn(|| r.recv());
            scope.spawn(|| {
                let () = wait.recv().unwrap();
                s.send(7).unwrap();
            });
            select! {
                send(s, {
                    go.send(()).unwrap();
                    r.recv().unwrap()
                }) -> sent => sent.unwrap(),
            }
            assert_eq!(promised.join().unwrap(), Ok(7));
        });
    }

    /// A receiver that was promised a message goes on waiting, for as long as it was told to.
    fn a_promise_that_is_not_kept_to_a_receiver() {
        let (s, r) = bounded(0);
        thread::scope(|scope| {
            let patient = scope.spawn(|| r.recv());
            for _ in 0..3 {
                ready_to_send(&s);
                send_nothing(&s);
            }
            s.send(1).unwrap();
            assert_eq!(patient.join().unwrap(), Ok(1));

            let impatient = scope.spawn(|| r.recv_timeout(ms(20)));
            let mut set = Select::new();
            set.send(&s);
            if set.ready_timeout(ms(10)).is_ok() {
                send_nothing(&s);
            }
            assert_eq!(impatient.join().unwrap(), Err(RecvTimeoutError::Timeout));
        });
    }

    /// Receivers that come while a select waits to send, and then has no message: they wait for another one, or not at all.
    fn a_promise_that_is_not_kept_by_a_waiting_select() {
        let ((s, r), (other, from_other)) = (bounded(0), bounded(0));
        thread::scope(|scope| {
            for _ in 0..100 {
                let broken = scope.spawn(|| send_nothing(&s));
                // The select that waits is found by one who only tries, who gets nothing.
                while r.try_recv() == Err(TryRecvError::Empty) && !broken.is_finished() {
                    thread::yield_now();
                }
                broken.join().unwrap();
            }
            let receiver = scope.spawn(|| r.recv());
            let broken = scope.spawn(|| send_nothing(&s));
            broken.join().unwrap();
            s.send(5).unwrap();
            assert_eq!(receiver.join().unwrap(), Ok(5));
            // A select on the other side goes on, too.
            let receiver = scope.spawn(|| select! {
                recv(r) -> got => got.unwrap(),
                recv(from_other) -> got => got.unwrap(),
            });
            scope.spawn(|| send_nothing(&s)).join().unwrap();
            other.send(6).unwrap();
            assert_eq!(receiver.join().unwrap(), 6);
        });
    }

    /// A place in a buffer that is kept and not used goes to who has been waiting for one, if it is a message or again a promise.
    fn a_place_that_is_not_used() {
        let (s, r) = bounded(1);
        let mut set = Select::new();
        set.send(&s);
        let operation = set.select();
        assert_eq!(s.try_send(1), Err(TrySendError::Full(1)));
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        thread::scope(|scope| {
            let plain = scope.spawn(|| s.send(2));
            let promise = scope.spawn(|| select! {
                send(s, 3) -> sent => sent,
            });
            let dropped = panic::catch_unwind(AssertUnwindSafe(|| drop(operation)));
            assert!(dropped.unwrap_err().downcast_ref::<&str>().unwrap().starts_with("dropped `SelectedOperation`"));
            let mut got = [r.recv().unwrap(), r.recv().unwrap()];
            got.sort();
            assert_eq!(got, [2, 3]);
            assert_eq!((plain.join().unwrap(), promise.join().unwrap()), (Ok(()), Ok(())));
        });
        send_nothing(&s);
        assert_eq!(s.try_send(4), Ok(()));
        assert_eq!(s.try_send(5), Err(TrySendError::Full(5)));
        assert_eq!(r.try_recv(), Ok(4));
    }

    /// While a place is kept, others go on: a receiver is served by who comes, and the one with the place comes when it does.
    fn others_while_a_place_is_kept() {
        let (s, r) = bounded(1);
        let mut set = Select::new();
        set.send(&s);
        let operation = set.select();
        thread::scope(|scope| {
            let receivers: Vec<_> = (0..2).map(|_| scope.spawn(|| r.recv().unwrap())).collect();
            s.send(1).unwrap();
            operation.send(&s, 2).unwrap();
            let got: u32 = receivers.into_iter().map(|receiver| receiver.join().unwrap()).sum();
            assert_eq!(got, 3);
        });
        assert_eq!(s.try_send(3), Ok(()));
        assert!(s.is_full());
    }

    /// The receivers go while a message is made for them: it comes back.
    fn receivers_that_go_before_the_message_comes() {
        for (s, r) in [bounded(1), unbounded()] {
            let mut set = Select::new();
            set.send(&s);
            let operation = set.select();
            drop(r);
            assert_eq!(operation.send(&s, 9).unwrap_err().into_inner(), 9);
            send_nothing(&s);
            assert_eq!(s.try_send(9), Err(TrySendError::Disconnected(9)));
        }
    }

    /// A value that waits, on either side of a full buffer, and in crowds: nothing is lost or doubled.
    fn messages_that_take_their_time() {
        for capacity in [0, 1, 3] {
            let (s, r) = bounded(capacity);
            let slow = |n: u64| {
                thread::yield_now();
                n
            };
            let send = |s: Sender<u64>| for n in 1..=500 {
                select! {
                    send(s, slow(n)) -> sent => sent.unwrap(),
                }
            };
            let receive = |r: Receiver<u64>| r.iter().sum::<u64>();
            let sum: u64 = thread::scope(|scope| {
                for _ in 0..3 {
                    let s = s.clone();
                    scope.spawn(move || send(s));
                }
                drop(s);
                let receivers: Vec<_> = (0..3).map(|_| r.clone()).map(|r| scope.spawn(move || receive(r))).collect();
                receivers.into_iter().map(|receiver| receiver.join().unwrap()).sum()
            });
            assert_eq!(sum, 3 * 500 * 501 / 2);
        }
    }

    /// A panic in an end, or in an arm, leaves the channels as they were, and as they are then.
    fn panics_elsewhere() {
        let (s, r) = bounded(1);
        let in_an_end = panic::catch_unwind(AssertUnwindSafe(|| select! {
            send(s, 1) -> _ => {}
            recv(no_receiver()) -> _ => {}
        }));
        assert!(in_an_end.is_err() && r.is_empty());
        let in_an_arm = panic::catch_unwind(AssertUnwindSafe(|| select! {
            send(s, 1) -> _ => panic::resume_unwind(Box::new(())),
            recv(r) -> _ => unreachable!(),
        }));
        assert!(in_an_arm.is_err());
        assert_eq!(r.try_recv(), Ok(1));
    }
}
