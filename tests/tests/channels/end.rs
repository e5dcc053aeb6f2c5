//! Go's test/closedchan.go: what can be done with a channel whose other side is gone.

use sward::channel::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError, bounded, select, unbounded,
};

use super::*;

on_both! {
    fn receivers_get_what_is_left_and_then_the_end() {
        for (s, r) in [bounded(0), bounded(3), unbounded()] {
            let left = s.capacity().unwrap_or(3);
            (0..left).for_each(|n| s.send(n).unwrap());
            drop(s);
            for n in 0..left {
                let got = select! {
                    recv(r) -> got => got,
                    default => unreachable!("there is something to tell"),
                };
                assert_eq!(got, Ok(n));
            }
            for _ in 0..3 {
                assert_eq!(r.recv(), Err(RecvError));
                assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
                assert_eq!(r.recv_timeout(AGES), Err(RecvTimeoutError::Disconnected));
                let twice = select! {
                    recv(r) -> got => got,
                    recv(r) -> got => got,
                };
                assert_eq!(twice, Err(RecvError));
            }
        }
    }

    fn senders_get_their_messages_back() {
        for (s, r) in [bounded(0), bounded(3), unbounded()] {
            drop(r);
            for _ in 0..3 {
                assert_eq!(s.send(1), Err(SendError(1)));
                assert_eq!(s.try_send(1), Err(TrySendError::Disconnected(1)));
                assert_eq!(s.send_timeout(1, AGES), Err(SendTimeoutError::Disconnected(1)));
                let sent = select! {
                    send(s, 1) -> sent => sent,
                    default(AGES) => unreachable!("there is something to tell"),
                };
                assert_eq!(sent, Err(SendError(1)));
            }
        }
    }
}
