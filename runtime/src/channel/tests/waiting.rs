//! Who waits, for whom, for how long, and who is served first.

use super::*;

on_both! {
    /// Go's TestChan: a receive waits for a message.
    fn a_receive_waits_for_a_send() {
        for (s, r) in channels() {
            thread::scope(|scope| {
                let receiver = scope.spawn(|| r.recv());
                wait_for_receivers(&r, 1);
                s.send(7).unwrap();
                assert_eq!(receiver.join().unwrap(), Ok(7));
            });
            assert!(r.is_empty());
        }
    }

    /// Go's TestChan: a send waits for room.
    fn a_send_waits_for_room() {
        for capacity in 0..4 {
            let (s, r) = bounded(capacity);
            (0..capacity).for_each(|n| s.send(n).unwrap());
            assert_eq!(s.try_send(99), Err(TrySendError::Full(99)));
            assert!(s.is_full());
            thread::scope(|scope| {
                scope.spawn(|| s.send(capacity).unwrap());
                wait_for_senders(&s, 1);
                assert_eq!(s.len(), capacity);
                assert_eq!(r.recv(), Ok(0));
                // The waiting message has moved up.
                assert_eq!(r.len(), capacity);
                (1..=capacity).for_each(|n| assert_eq!(r.recv(), Ok(n)));
            });
            assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        }
    }

    /// Who waits longest is served first.
    fn waiting_receivers_are_served_in_order() {
        for (s, r) in channels() {
            thread::scope(|scope| {
                let receivers: Vec<_> = (0..5)
                    .map(|n| {
                        let receiver = scope.spawn(|| r.recv());
                        wait_for_receivers(&r, n + 1);
                        receiver
                    })
                    .collect();
                (0..5).for_each(|n| s.send(n).unwrap());
                for (n, receiver) in receivers.into_iter().enumerate() {
                    assert_eq!(receiver.join().unwrap(), Ok(n));
                }
            });
        }
    }

    /// Who waits longest is served first.
    fn waiting_senders_are_served_in_order() {
        for capacity in 0..4 {
            let (s, r) = bounded(capacity);
            (0..capacity).for_each(|n| s.send(n).unwrap());
            thread::scope(|scope| {
                for n in 0..5 {
                    let s = &s;
                    scope.spawn(move || s.send(capacity + n).unwrap());
                    wait_for_senders(s, n + 1);
                }
                (0..capacity + 5).for_each(|n| assert_eq!(r.recv(), Ok(n)));
            });
        }
    }

    /// A wait whose time is up leaves nothing behind: no message is taken or given to it later.
    fn a_wait_whose_time_is_up_is_forgotten() {
        for (s, r) in channels() {
            let begin = Instant::now();
            assert_eq!(r.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
            assert!(begin.elapsed() >= Duration::from_millis(1));
            assert_eq!(r.recv_deadline(begin), Err(RecvTimeoutError::Timeout));
            assert_eq!(r.count_waiting(), 0);
            let room = s.capacity().unwrap_or(20);
            (0..room).for_each(|n| s.try_send(n).unwrap());
            if s.capacity().is_some() {
                let begin = Instant::now();
                assert_eq!(s.send_timeout(99, Duration::from_millis(1)), Err(SendTimeoutError::Timeout(99)));
                assert!(begin.elapsed() >= Duration::from_millis(1));
                assert_eq!(s.send_deadline(99, begin), Err(SendTimeoutError::Timeout(99)));
                assert_eq!(s.count_waiting(), 0);
            }
            (0..room).for_each(|n| assert_eq!(r.try_recv(), Ok(n)));
            assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        }
    }

    /// Those in the middle of a queue leave it; the others stay.
    fn a_wait_in_the_middle_of_the_queue_ends() {
        let (s, r) = bounded(0);
        thread::scope(|scope| {
            let (mut patient, mut impatient) = (Vec::new(), Vec::new());
            for _ in 0..3 {
                patient.push(scope.spawn(|| r.recv()));
                impatient.push(scope.spawn(|| r.recv_timeout(Duration::from_millis(2))));
            }
            for receiver in impatient {
                assert_eq!(receiver.join().unwrap(), Err(RecvTimeoutError::Timeout));
            }
            wait_for_receivers(&r, 3);
            (0..3).for_each(|n| s.send(n).unwrap());
            let mut got: Vec<_> = patient.into_iter().map(|receiver| receiver.join().unwrap().unwrap()).collect();
            got.sort();
            assert_eq!(got, [0, 1, 2]);
        });
    }

    /// Time-outs against sends, on a knife's edge: each message arrives once, or is given back.
    fn a_timeout_loses_nothing() {
        for capacity in [0, 1, 4] {
            let (s, r) = bounded(capacity);
            let (sent, received) = thread::scope(|scope| {
                let senders: Vec<_> = (0..2)
                    .map(|_| {
                        let s = s.clone();
                        scope.spawn(move || {
                            let short = |n: u64| Duration::from_nanos(n * 7919 % 40_000);
                            (1..=2000u64).filter(|&n| s.send_timeout(n, short(n)).is_ok()).sum::<u64>()
                        })
                    })
                    .collect();
                let receivers: Vec<_> = (0..2)
                    .map(|_| {
                        let r = r.clone();
                        scope.spawn(move || {
                            let mut sum = 0;
                            for n in 1.. {
                                match r.recv_timeout(Duration::from_nanos(n * 6271 % 40_000)) {
                                    Ok(message) => sum += message,
                                    Err(RecvTimeoutError::Timeout) => {}
                                    Err(RecvTimeoutError::Disconnected) => break,
                                }
                            }
                            sum
                        })
                    })
                    .collect();
                drop(s);
                let sent: u64 = senders.into_iter().map(|sender| sender.join().unwrap()).sum();
                (sent, receivers.into_iter().map(|receiver| receiver.join().unwrap()).sum::<u64>())
            });
            assert_eq!(sent, received);
        }
    }
}
