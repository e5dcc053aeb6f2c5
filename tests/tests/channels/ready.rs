//! `Select::ready` and its like: being told that something can be done, without doing it.

use sward::channel::{Select, TryRecvError, TrySendError, bounded, unbounded};

use super::*;

on_both! {
    fn what_is_ready_is_told() {
        let ((s1, r1), (s2, r2)) = (unbounded(), bounded::<u32>(1));
        let mut set = Select::new();
        let receive = set.recv(&r1);
        assert!(set.try_ready().is_err());
        s1.send(1).unwrap();
        for _ in 0..3 {
            assert_eq!((set.try_ready(), set.ready(), set.ready_timeout(AGES)), (Ok(receive), receive, Ok(receive)));
        }
        assert_eq!(r1.try_recv(), Ok(1));
        let send = set.send(&s2);
        assert_eq!(set.ready(), send);
        s2.send(1).unwrap();
        assert!(set.try_ready().is_err());
        drop(s1);
        assert_eq!(set.ready(), receive);
        set.remove(receive);
        assert!(set.ready_timeout(ms(1)).is_err());
        drop(r2);
        assert_eq!(set.ready(), send);
    }

    /// A message wakes everybody who watches, and the one who waits gets it.
    fn watchers_and_receivers() {
        for capacity in [0, 1] {
            let (s, r) = bounded(capacity);
            thread::scope(|scope| {
                let watchers: Vec<_> = (0..3).map(|_| scope.spawn(|| {
                    let mut set = Select::new();
                    set.recv(&r);
                    set.ready()
                })).collect();
                scope.spawn(|| s.send(1).unwrap());
                for watcher in watchers {
                    assert_eq!(watcher.join().unwrap(), 0);
                }
                assert_eq!(r.recv(), Ok(1));
            });
        }
    }

    /// Who watches a rendezvous from one side is woken when somebody comes to the other, and finds them.
    fn watchers_of_a_rendezvous() {
        let (s, r) = bounded(0);
        thread::scope(|scope| {
            scope.spawn(|| for n in 0..500 {
                let mut set = Select::new();
                set.send(&s);
                loop {
                    set.ready();
                    match s.try_send(n) {
                        Ok(()) => break,
                        Err(error) => assert_eq!(error, TrySendError::Full(n)),
                    }
                }
            });
            (0..500).for_each(|n| assert_eq!(r.recv(), Ok(n)));
        });
        thread::scope(|scope| {
            scope.spawn(|| (0..500).for_each(|n| s.send(n).unwrap()));
            let mut set = Select::new();
            set.recv(&r);
            for n in 0..500 {
                loop {
                    set.ready();
                    match r.try_recv() {
                        Ok(got) => break assert_eq!(got, n),
                        Err(error) => assert_eq!(error, TryRecvError::Empty),
                    }
                }
            }
        });
    }

    /// crossbeam-channel's `stress_mixed`: one side is told, the other selects.
    fn told_and_chosen() {
        let ((s1, r1), (s2, r2)) = (bounded(1), bounded(0));
        thread::scope(|scope| {
            scope.spawn(|| for n in 0..1000 {
                let mut set = Select::new();
                set.send(&s1);
                set.send(&s2);
                let operation = set.select();
                match operation.index() {
                    0 => operation.send(&s1, n).unwrap(),
                    _ => operation.send(&s2, n).unwrap(),
                }
            });
            let mut set = Select::new();
            set.recv(&r1);
            set.recv(&r2);
            let mut seen = vec![false; 1000];
            for _ in 0..1000 {
                let got = loop {
                    let got = match set.ready() {
                        0 => r1.try_recv(),
                        _ => r2.try_recv(),
                    };
                    if let Ok(got) = got {
                        break got;
                    }
                };
                assert!(!std::mem::replace(&mut seen[got as usize], true));
            }
        });
    }
}

#[test]
#[should_panic(expected = "no operations have been added to `Select`")]
fn a_set_of_nothing() {
    Select::new().ready();
}
