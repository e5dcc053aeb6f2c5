//! What happens when one side goes: errors, wake-ups, and messages that nobody will receive.

use super::*;

/// A message that counts its drop.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A counter for `Counted`, and a maker of them.
fn counted() -> (impl Fn() -> usize, impl Fn() -> Counted) {
    let drops = Arc::new(AtomicUsize::new(0));
    let made = drops.clone();
    (move || drops.load(Ordering::Relaxed), move || Counted(made.clone()))
}

on_both! {
    /// Go's closedchan: what was sent before the end is received, and then the end for ever.
    fn receivers_drain_what_is_left() {
        for (s, r) in channels().skip(1) {
            let n = s.capacity().unwrap_or(100);
            (0..n).for_each(|n| s.send(n).unwrap());
            drop(s);
            assert_eq!(r.len(), n);
            for n in 0..n {
                match n % 3 {
                    0 => assert_eq!(r.recv(), Ok(n)),
                    1 => assert_eq!(r.try_recv(), Ok(n)),
                    _ => assert_eq!(r.recv_timeout(Duration::ZERO), Ok(n)),
                }
            }
            for r in [&r, &r.clone()] {
                assert_eq!(r.recv(), Err(RecvError));
                assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
                assert_eq!(r.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Disconnected));
                assert_eq!(r.iter().next(), None);
            }
        }
    }

    /// Go's TestChan: the end wakes everybody.
    fn the_last_sender_wakes_all_receivers() {
        for (s, r) in channels::<u8>() {
            thread::scope(|scope| {
                let one = s.clone();
                let plain: Vec<_> = (0..4).map(|_| scope.spawn(|| r.recv())).collect();
                let timed: Vec<_> = (0..4).map(|_| scope.spawn(|| r.recv_timeout(Duration::from_secs(3600)))).collect();
                let for_ever: Vec<_> = (0..4).map(|_| scope.spawn(|| r.recv_timeout(Duration::MAX))).collect();
                wait_for_receivers(&r, 12);
                drop(one);
                assert_eq!(r.count_waiting(), 12, "a sender is left");
                drop(s);
                plain.into_iter().for_each(|receiver| assert_eq!(receiver.join().unwrap(), Err(RecvError)));
                for receiver in timed.into_iter().chain(for_ever) {
                    assert_eq!(receiver.join().unwrap(), Err(RecvTimeoutError::Disconnected));
                }
            });
        }
    }

    /// The last receiver wakes all senders, who get their messages back.
    fn the_last_receiver_wakes_all_senders() {
        for capacity in 0..4 {
            let (s, r) = bounded(capacity);
            (0..capacity).for_each(|_| s.send(99).unwrap());
            let s = &s;
            thread::scope(|scope| {
                let other = r.clone();
                let plain: Vec<_> = (0..4).map(|n| scope.spawn(move || s.send(n))).collect();
                let timed: Vec<_> =
                    (0..4).map(|n| scope.spawn(move || s.send_timeout(n, Duration::from_secs(3600)))).collect();
                wait_for_senders(s, 8);
                drop(other);
                assert_eq!(s.count_waiting(), 8, "a receiver is left");
                drop(r);
                for (n, sender) in plain.into_iter().enumerate() {
                    assert_eq!(sender.join().unwrap(), Err(SendError(n)));
                }
                for (n, sender) in timed.into_iter().enumerate() {
                    assert_eq!(sender.join().unwrap(), Err(SendTimeoutError::Disconnected(n)));
                }
            });
            assert_eq!(s.send(1), Err(SendError(1)));
            assert_eq!(s.try_send(1), Err(TrySendError::Disconnected(1)));
            assert_eq!(s.send_timeout(1, Duration::MAX), Err(SendTimeoutError::Disconnected(1)));
            assert_eq!((s.len(), s.capacity()), (0, Some(capacity)));
        }
        let (s, r) = unbounded();
        s.send(1).unwrap();
        drop(r);
        assert_eq!(s.send(2), Err(SendError(2)));
        assert_eq!((s.len(), s.capacity()), (0, None));
    }

    /// Each message is dropped once, wherever it was when the receivers went.
    fn what_is_left_is_dropped_once() {
        for (s, r) in channels() {
            let (drops, message) = counted();
            thread::scope(|scope| {
                let room = s.capacity().unwrap_or(40);
                (0..room).for_each(|_| assert!(s.send(message()).is_ok()));
                // Half of them are received, so that the rest does not begin at the buffer's beginning; and more follow.
                r.try_iter().take(room / 2).for_each(drop);
                (0..room / 2).for_each(|_| assert!(s.send(message()).is_ok()));
                assert_eq!(drops(), room / 2);
                if s.capacity().is_some() {
                    scope.spawn(|| assert!(s.send(message()).is_err()));
                    wait_for_senders(&s, 1);
                }
                let waiting = usize::from(s.capacity().is_some());
                drop(r);
                wait_until(|| drops() == room / 2 + room + waiting);
                assert!(s.send(message()).is_err());
                assert_eq!(drops(), room / 2 + room + waiting + 1);
            });
        }
    }

    /// A message that panics in its drop keeps neither the others from being dropped nor the channel from being freed.
    fn a_panicking_drop_keeps_nothing() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("boom");
            }
        }
        let (drops, message) = counted();
        let (s, r) = bounded(4);
        s.send((message(), None)).unwrap();
        s.send((message(), Some(Bomb))).unwrap();
        s.send((message(), None)).unwrap();
        let dropping = AssertUnwindSafe(|| drop(r));
        let panic = thread::spawn(move || catch_unwind(dropping).unwrap_err()).join().unwrap();
        assert_eq!(panic.downcast_ref(), Some(&"boom"));
        assert_eq!(drops(), 3);
        assert!(matches!(s.try_send((message(), None)), Err(TrySendError::Disconnected(_))));
    }

    /// A channel whose messages hold its own senders is freed.
    fn a_channel_that_holds_its_own_ends() {
        struct Loop {
            _counted: Counted,
            _sender: Sender<Loop>,
        }
        let (drops, message) = counted();
        let (s, r) = unbounded();
        for _ in 0..3 {
            s.send(Loop { _counted: message(), _sender: s.clone() }).unwrap_or_else(|_| unreachable!());
        }
        drop(s);
        thread::spawn(move || drop(r)).join().unwrap();
        assert_eq!(drops(), 3);
    }

    /// The drop of a message may wait: it runs outside of all locks and sections.
    fn a_drop_may_wait() {
        struct Waits(Sender<()>, Receiver<()>);
        impl Drop for Waits {
            fn drop(&mut self) {
                self.0.send(()).unwrap();
                self.1.recv().unwrap();
            }
        }
        let ((there, ask), (answer, back)) = (bounded(0), bounded(0));
        let (s, r) = bounded(1);
        assert!(s.send(Waits(there, back)).is_ok());
        thread::scope(|scope| {
            scope.spawn(|| drop(r));
            ask.recv().unwrap();
            // The channel is usable meanwhile.
            assert_eq!(s.len(), 0);
            answer.send(()).unwrap();
        });
    }
}
