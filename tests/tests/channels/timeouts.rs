//! Time-outs against messages, on a knife's edge: each message arrives once, or is given back.

use std::time::Instant;

use sward::channel::{RecvTimeoutError, Select, SendTimeoutError, bounded, never, select};

use super::*;

/// Some time of up to 40 µs, so that now the one side is first, now the other.
fn moment(n: u64) -> Duration {
    Duration::from_nanos((n.wrapping_mul(6364136223846793005) >> 33) % 40_000)
}

on_both! {
    fn of_selects_that_receive() {
        for capacity in [0, 1] {
            let ((s1, r1), (s2, r2)) = (bounded(capacity), bounded(capacity));
            let send = |s: sward::channel::Sender<u64>| (1..=1500).filter(|&n| s.send_timeout(n, moment(n)).is_ok()).sum::<u64>();
            let receive = || {
                let (mut sum, mut open) = (0, [true; 2]);
                let never = never();
                for n in 0.. {
                    select! {
                        recv(if open[0] { &r1 } else { &never }) -> got => match got {
                            Ok(got) => sum += got,
                            Err(_) => open[0] = false,
                        },
                        recv(if open[1] { &r2 } else { &never }) -> got => match got {
                            Ok(got) => sum += got,
                            Err(_) => open[1] = false,
                        },
                        default(moment(n)) => {}
                    }
                    if open == [false; 2] {
                        break;
                    }
                }
                sum
            };
            let (sent, received) = thread::scope(|scope| {
                let senders = [scope.spawn(move || send(s1)), scope.spawn(move || send(s2))];
                let receivers = [scope.spawn(receive), scope.spawn(receive)];
                (senders.map(|sender| sender.join().unwrap()), receivers.map(|receiver| receiver.join().unwrap()))
            });
            assert_eq!(sent.iter().sum::<u64>(), received.iter().sum::<u64>());
        }
    }

    fn of_selects_that_send() {
        for capacity in [0, 1] {
            let ((s1, r1), (s2, r2)) = (bounded(capacity), bounded(capacity));
            let send = |s1: sward::channel::Sender<u64>, s2: sward::channel::Sender<u64>| {
                let mut sum = 0;
                for n in 1..=1500 {
                    select! {
                        send(s1, n) -> sent => { sent.unwrap(); sum += n }
                        send(s2, n) -> sent => { sent.unwrap(); sum += n }
                        default(moment(n)) => {}
                    }
                }
                sum
            };
            let receive = |r: sward::channel::Receiver<u64>| {
                let mut sum = 0;
                for n in 0.. {
                    match r.recv_timeout(moment(n)) {
                        Ok(message) => sum += message,
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => break,
                    }
                }
                sum
            };
            let (sent, received) = thread::scope(|scope| {
                let (t1, t2) = (s1.clone(), s2.clone());
                let senders = [scope.spawn(move || send(s1, s2)), scope.spawn(move || send(t1, t2))];
                let receivers = [scope.spawn(move || receive(r1)), scope.spawn(move || receive(r2))];
                (senders.map(|sender| sender.join().unwrap()), receivers.map(|receiver| receiver.join().unwrap()))
            });
            assert_eq!(sent.iter().sum::<u64>(), received.iter().sum::<u64>());
        }
    }

    /// No time at all, times that have passed, times that never come.
    fn odd_times() {
        let (s, r) = bounded(0);
        let past = Instant::now();
        assert_eq!(r.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        assert_eq!(r.recv_deadline(past), Err(RecvTimeoutError::Timeout));
        assert_eq!(s.send_timeout(1, Duration::ZERO), Err(SendTimeoutError::Timeout(1)));
        assert_eq!(s.send_deadline(1, past), Err(SendTimeoutError::Timeout(1)));
        let mut set = Select::new();
        set.recv(&r);
        set.send(&s);
        assert!(set.select_timeout(Duration::ZERO).is_err());
        assert!(set.select_deadline(past).is_err());
        assert!(set.ready_timeout(Duration::ZERO).is_err());
        assert!(set.ready_deadline(past).is_err());
        assert!(Select::new().select_timeout(ms(1)).is_err());
        assert!(Select::new().ready_deadline(past).is_err());
        thread::scope(|scope| {
            scope.spawn(|| (0..4).for_each(|n| s.send_timeout(n, Duration::MAX).unwrap()));
            assert_eq!(r.recv_timeout(Duration::MAX), Ok(0));
            let mut set = Select::new();
            set.recv(&r);
            assert_eq!(set.select_timeout(Duration::MAX).unwrap().recv(&r), Ok(1));
            assert_eq!(set.ready_timeout(Duration::MAX), Ok(0));
            select! {
                recv(r) -> got => assert_eq!(got, Ok(2)),
                recv(r) -> got => assert_eq!(got, Ok(2)),
                default(Duration::MAX) => unreachable!("that never comes"),
            }
            assert_eq!(r.recv(), Ok(3));
        });
    }

    /// A wait is as long as it is told to be.
    fn a_select_waits_for_its_time() {
        let (_s, r) = bounded::<()>(0);
        let start = Instant::now();
        select! {
            recv(r) -> _ => unreachable!(),
            recv(r) -> _ => unreachable!(),
            default(ms(5)) => {}
        }
        assert!(start.elapsed() >= ms(5));
        let mut set = Select::new();
        set.recv(&r);
        assert!(set.select_deadline(start + ms(10)).is_err());
        assert!(start.elapsed() >= ms(10));
        assert!(set.ready_timeout(ms(5)).is_err());
        assert!(start.elapsed() >= ms(15));
    }
}
