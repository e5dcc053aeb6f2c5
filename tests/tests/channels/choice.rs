//! One select, several cases: exactly one of them is done, and nothing is left behind of the others.

use std::sync::atomic::{AtomicUsize, Ordering};

use sward::channel::{self, Receiver, Sender, bounded, select};

/// Sends to somebody else or receives from somebody else, but never from itself.
fn meet_another(own: usize, s: &Sender<usize>, r: &Receiver<usize>) {
    select! {
        recv(r) -> got => assert_ne!(got, Ok(own)),
        send(s, own) -> sent => assert_eq!(sent, Ok(())),
    }
}

on_both! {
    /// Go's test/chan/doubleselect.go: a sender selects over four channels that all end in one place; each message comes once.
    fn a_select_fires_once() {
        const MESSAGES: u32 = 20_000;
        let (channels, inbox) = bounded(0);
        let ways: [(Sender<u32>, Receiver<u32>); 4] = std::array::from_fn(|_| bounded(0));
        thread::scope(|scope| {
            for (_, way) in &ways {
                let channels: Sender<u32> = channels.clone();
                scope.spawn(move || while let Ok(n) = way.recv() {
                    channels.send(n).unwrap();
                    if n == MESSAGES {
                        break;
                    }
                });
            }
            let ways = &ways;
            scope.spawn(move || {
                let [(a, _), (b, _), (c, _), (d, _)] = ways;
                for n in 0..MESSAGES {
                    select! {
                        send(a, n) -> sent => sent.unwrap(),
                        send(b, n) -> sent => sent.unwrap(),
                        send(c, n) -> sent => sent.unwrap(),
                        send(d, n) -> sent => sent.unwrap(),
                    }
                }
                ways.iter().for_each(|(way, _)| way.send(MESSAGES).unwrap());
            });
            let mut seen = vec![0; MESSAGES as usize + 1];
            (0..MESSAGES + 4).for_each(|_| seen[inbox.recv().unwrap() as usize] += 1);
            assert_eq!(seen.pop(), Some(4));
            assert!(seen.iter().all(|&times| times == 1));
        });
    }

    /// Go's test/chan/select6.go (issue 2075): a select that has ended leaves a queue with others in it intact.
    fn a_queue_survives_a_select_that_ended_elsewhere() {
        let [first, second, third, fourth, done]: [(Sender<()>, Receiver<()>); 5] = std::array::from_fn(|_| bounded(0));
        thread::scope(|scope| {
            scope.spawn(|| first.1.recv().unwrap());
            scope.spawn(|| {
                select! {
                    recv(first.1) -> _ => panic!("meant for the one who only waits for this"),
                    recv(second.1) -> _ => third.0.send(()).unwrap(),
                }
                fourth.1.recv().unwrap();
            });
            scope.spawn(|| {
                second.0.send(()).unwrap();
                third.1.recv().unwrap();
                fourth.0.send(()).unwrap();
                done.0.send(()).unwrap();
            });
            done.1.recv().unwrap();
            first.0.send(()).unwrap();
        });
    }

    /// Go's TestSelfSelect: a select with both ends of a channel is served by the other thread, never by itself.
    fn a_select_does_not_serve_itself() {
        for capacity in [0, 10] {
            let (s, r) = bounded(capacity);
            thread::scope(|scope| {
                for own in 0..2 {
                    let (s, r) = (&s, &r);
                    scope.spawn(move || {
                        for round in 0..1000 {
                            if own == 0 || round % 2 == 0 {
                                select! {
                                    send(s, own) -> sent => sent.unwrap(),
                                    recv(r) -> got => assert!(capacity > 0 || got != Ok(own), "served itself"),
                                }
                            } else {
                                select! {
                                    recv(r) -> got => assert!(capacity > 0 || got != Ok(own), "served itself"),
                                    send(s, own) -> sent => sent.unwrap(),
                                }
                            }
                        }
                    });
                }
            });
        }
    }

    /// crossbeam-channel's `matching`: many selects with both ends pair up among themselves.
    fn selects_pair_up() {
        const THREADS: usize = 44;
        let (s, r) = bounded(0);
        thread::scope(|scope| {
            for own in 0..THREADS {
                let (s, r) = (&s, &r);
                scope.spawn(move || meet_another(own, s, r));
            }
        });
        assert!(r.try_recv().is_err());
    }

    /// crossbeam-channel's `matching_with_leftover`: the odd one is served by a plain send.
    fn the_odd_one_of_the_selects_waits() {
        const THREADS: usize = 55;
        let (s, r) = bounded(0);
        thread::scope(|scope| {
            for own in 0..THREADS {
                let (s, r) = (&s, &r);
                scope.spawn(move || meet_another(own, s, r));
            }
            s.send(THREADS).unwrap();
        });
        assert!(r.try_recv().is_err());
    }

    /// Go's TestSelectStress: selects on both sides, plain threads on both sides, channels of four kinds.
    fn a_stress_of_both_sides() {
        const EACH: usize = 10_000;
        let channels: [(Sender<usize>, Receiver<usize>); 4] =
            [bounded(0), bounded(0), bounded(2), bounded(3)];
        let [(as_, ar), (bs, br), (cs, cr), (ds, dr)] = &channels;
        thread::scope(|scope| {
            for (s, r) in &channels {
                scope.spawn(|| (0..EACH).for_each(|n| s.send(n).unwrap()));
                scope.spawn(|| assert_eq!(r.iter().take(EACH).count(), EACH));
            }
            scope.spawn(|| {
                let mut sent = [0; 4];
                // What has been sent often enough is switched off.
                while sent != [EACH; 4] {
                    let mut set = channel::Select::new();
                    let open: Vec<_> = (0..4).filter(|&i| sent[i] < EACH).collect();
                    for &i in &open {
                        set.send(&channels[i].0);
                    }
                    let operation = set.select();
                    let i = open[operation.index()];
                    operation.send(&channels[i].0, sent[i]).unwrap();
                    sent[i] += 1;
                }
            });
            scope.spawn(|| {
                let mut received = [0; 4];
                let never = channel::never();
                while received != [EACH; 4] {
                    let open = |i: usize, r| if received[i] < EACH { r } else { &never };
                    let i = select! {
                        recv(open(0, ar)) -> n => n.map(|_| 0),
                        recv(open(1, br)) -> n => n.map(|_| 1),
                        recv(open(2, cr)) -> n => n.map(|_| 2),
                        recv(open(3, dr)) -> n => n.map(|_| 3),
                    }
                    .unwrap();
                    received[i] += 1;
                }
            });
        });
        assert!([as_, bs, cs, ds].iter().all(|s| s.is_empty()));
    }

    /// crossbeam-channel's `linearizable_default`: a default means that there was a moment at which nothing was ready.
    fn a_default_has_seen_everything_at_once() {
        const ROUNDS: usize = 5_000;
        for capacity in [1, 2] {
            let (start, started) = bounded(0);
            let (end, ended) = bounded(0);
            let ((s1, r1), (s2, r2)) = (bounded(capacity), bounded(capacity));
            thread::scope(|scope| {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        start.send(()).unwrap();
                        s1.send(1).unwrap();
                        select! {
                            recv(r1) -> _ => {}
                            recv(r2) -> _ => {}
                            default => unreachable!("one of them has a message all the time"),
                        }
                        end.send(()).unwrap();
                        let _ = r2.try_recv();
                    }
                });
                for _ in 0..ROUNDS {
                    started.recv().unwrap();
                    s2.send(1).unwrap();
                    let _ = r1.try_recv();
                    ended.recv().unwrap();
                    let _ = r2.try_recv();
                    let _ = r1.try_recv();
                }
            });
        }
    }

    /// A case is woken by the end of its channel, whichever it is, and its value is given back.
    fn a_disconnection_ends_a_select() {
        for which in 0..3 {
            let ((s1, r1), (s2, r2), (s3, r3)) = (bounded::<u8>(0), bounded::<u8>(0), bounded(1));
            s3.send(0).unwrap();
            let mut ends: [Option<Box<dyn FnOnce() + Send>>; 3] =
                [Some(Box::new(move || drop(s1))), Some(Box::new(move || drop(s2))), Some(Box::new(move || drop(r3)))];
            let end = ends[which].take().unwrap();
            thread::scope(|scope| {
                scope.spawn(end);
                let ended = select! {
                    recv(r1) -> got => { assert!(got.is_err()); 0 }
                    recv(r2) -> got => { assert!(got.is_err()); 1 }
                    send(s3, 7) -> sent => { assert_eq!(sent.unwrap_err().into_inner(), 7); 2 }
                };
                assert_eq!(ended, which);
            });
        }
    }

    /// As many cases as a select has places for on the stack, and more.
    fn selects_of_many_cases() {
        for cases in [1, 2, 7, 8, 9, 40] {
            let channels: Vec<(Sender<usize>, Receiver<usize>)> = (0..cases).map(|_| bounded(0)).collect();
            let received = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        for _ in 0..cases * 50 {
                            let mut set = channel::Select::new();
                            for (_, r) in &channels {
                                set.recv(r);
                            }
                            let operation = set.select();
                            let i = operation.index();
                            assert_eq!(operation.recv(&channels[i].1), Ok(i));
                            received.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                for (i, (s, _)) in channels.iter().enumerate() {
                    scope.spawn(move || (0..100).for_each(|_| s.send(i).unwrap()));
                }
            });
            assert_eq!(received.into_inner(), cases * 100);
        }
    }
}
