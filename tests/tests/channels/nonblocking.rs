//! Go's test/chan/nonblock.go: who doesn't wait finds a message only if there is one, and somebody who waits only if they do.

use sward::channel::{Receiver, TryRecvError, TrySendError, bounded, select};

use super::*;

fn in_vain() -> u32 {
    panic!("evaluated in vain")
}

/// Tries until it finds a message.
fn try_until_received<T>(r: &Receiver<T>) -> T {
    loop {
        match r.try_recv() {
            Ok(got) => break got,
            Err(_) => sward::yield_now(),
        }
    }
}

on_both! {
    fn operations_that_find_nobody() {
        let (s, r) = bounded(0);
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(s.try_send(1), Err(TrySendError::Full(1)));
        select! {
            recv(r) -> _ => panic!("nobody sends"),
            send(s, in_vain()) -> _ => panic!("nobody receives"),
            default => {}
        }
    }

    /// Each message of a rendezvous that a thread sends is found by another one that only tries, and so the other way round.
    fn operations_that_try_until_they_find_somebody() {
        for capacity in [0, 1] {
            let (s, r) = bounded(capacity);
            thread::scope(|scope| {
                scope.spawn(|| (0..500).for_each(|n| s.send(n).unwrap()));
                (0..500).for_each(|n| assert_eq!(try_until_received(&r), n));
            });
            thread::scope(|scope| {
                scope.spawn(|| (0..500).for_each(|n| assert_eq!(r.recv(), Ok(n))));
                for n in 0..500 {
                    while s.try_send(n).is_err() {
                        thread::yield_now();
                    }
                }
            });
        }
    }

    /// crossbeam-channel's `loop_try`: selects that only try meet each other where there is a buffer, and one that waits where there is none.
    fn selects_that_try() {
        for capacity in [0, 1] {
            let (s, r) = bounded(capacity);
            thread::scope(|scope| {
                scope.spawn(|| for n in 0..500 {
                    loop {
                        select! {
                            send(s, n) -> sent => break sent.unwrap(),
                            default => thread::yield_now(),
                        }
                    }
                });
                for n in 0..500 {
                    select! {
                        recv(r) -> got => assert_eq!(got, Ok(n)),
                        default(AGES) => unreachable!(),
                    }
                }
            });
            thread::scope(|scope| {
                // A message that is made only when the other side has been found.
                scope.spawn(|| for n in 0..500 {
                    select! {
                        send(s, n) -> sent => sent.unwrap(),
                        default(AGES) => unreachable!(),
                    }
                });
                (0..500).for_each(|n| assert_eq!(try_until_received(&r), n));
            });
        }
    }
}
