//! Go's test/chan/select3.go: which operations can be done at once, and which wait, alone and in a select. What Go does with nil channels, `never` does.

use sward::channel::{self, Receiver, RecvTimeoutError, Select, SendTimeoutError, Sender};

use super::*;

/// How a channel is.
struct Channel {
    s: Sender<u32>,
    r: Receiver<u32>,
    can_send: bool,
    can_receive: bool,
}

fn channels() -> Vec<(&'static str, Channel)> {
    let channel = |capacity, messages, (can_send, can_receive)| {
        let (s, r) = channel::bounded(capacity);
        (0..messages).for_each(|n| s.send(n).unwrap());
        Channel { s, r, can_send, can_receive }
    };
    let without = |capacity, messages, senders: bool| {
        let Channel { s, r, .. } = channel(capacity, messages, (true, true));
        // The other half of another channel stands for the one that is gone.
        let (other_s, other_r) = channel::bounded(0);
        if senders {
            Channel { s: other_s, r, can_send: true, can_receive: true }
        } else {
            Channel { s, r: other_r, can_send: true, can_receive: true }
        }
    };
    vec![
        ("rendezvous with nobody", channel(0, 0, (false, false))),
        ("empty buffer", channel(10, 0, (true, false))),
        ("half a buffer", channel(10, 5, (true, true))),
        ("full buffer", channel(10, 10, (false, true))),
        ("left by its senders", without(10, 0, true)),
        ("left by its senders, with messages", without(10, 5, true)),
        ("left by its receivers", without(10, 0, false)),
    ]
}

on_both! {
    fn alone() {
        for (name, Channel { s, r, can_send, can_receive }) in channels() {
            assert_eq!(r.recv_timeout(ms(1)) != Err(RecvTimeoutError::Timeout), can_receive, "{name}");
            assert_eq!(s.send_timeout(9, ms(1)) != Err(SendTimeoutError::Timeout(9)), can_send || can_receive, "{name}");
        }
    }

    fn in_a_select() {
        for (name, Channel { s, r, can_send, can_receive }) in channels() {
            let received = sward::select! {
                recv(r) -> _ => true,
                recv(channel::never::<u32>()) -> _ => unreachable!(),
                default(ms(1)) => false,
            };
            assert_eq!(received, can_receive, "{name}");
            let sent = sward::select! {
                send(s, 9) -> _ => true,
                recv(channel::never::<u32>()) -> _ => unreachable!(),
                default => false,
            };
            assert_eq!(sent, can_send || can_receive, "{name}");
        }
    }

    fn in_a_set() {
        for (name, Channel { s, r, can_send, can_receive }) in channels() {
            let mut receive = Select::new();
            receive.recv(&r);
            assert_eq!(receive.ready_timeout(ms(1)).is_ok(), can_receive, "{name}");
            assert_eq!(receive.try_ready().is_ok(), can_receive, "{name}");
            let mut send = Select::new();
            send.send(&s);
            assert_eq!(send.ready_timeout(ms(1)).is_ok(), can_send, "{name}");
            assert_eq!(send.try_ready().is_ok(), can_send, "{name}");
            match send.select_timeout(ms(1)) {
                Ok(operation) => drop(operation.send(&s, 9)),
                Err(_) => assert!(!can_send, "{name}"),
            }
        }
    }

    /// A select of nothing that can ever be done, but for the default.
    fn never_and_default() {
        let never = channel::never::<u32>();
        sward::select! {
            recv(never) -> _ => unreachable!(),
            recv(never) -> _ => unreachable!(),
            default => {}
        }
        sward::select! {
            recv(never) -> _ => unreachable!(),
            recv(never) -> _ => unreachable!(),
            default(ms(1)) => {}
        }
    }
}
