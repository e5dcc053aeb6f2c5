//! The same channel in several cases.

use sward::channel::{Select, bounded, select, unbounded};

on_both! {
    /// Go's TestSelectDuplicateChannel: a waiter that is in a queue twice leaves it twice, and the one behind it is still served.
    fn a_channel_twice_in_a_waiting_select() {
        let ((cs, cr), (ds, dr), (es, er)) = (bounded(0), bounded::<i32>(0), bounded(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                select! {
                    recv(cr) -> _ => panic!("nothing is sent yet"),
                    recv(cr) -> _ => panic!("nothing is sent yet"),
                    recv(dr) -> got => assert_eq!(got, Ok(7)),
                }
                es.send(9).unwrap();
            });
            let behind = scope.spawn(|| cr.recv());
            ds.send(7).unwrap();
            assert_eq!(er.recv(), Ok(9));
            cs.send(8).unwrap();
            assert_eq!(behind.join().unwrap(), Ok(8));
        });
    }

    /// Each of the cases is as good as the other.
    fn each_of_the_cases_is_chosen() {
        let (s, r) = unbounded();
        let mut chosen = [0; 4];
        for _ in 0..1000 {
            let i = select! {
                recv(r) -> _ => 0,
                recv(r) -> _ => 1,
                send(s, ()) -> _ => 2,
                send(s, ()) -> _ => 3,
            };
            chosen[i] += 1;
        }
        assert!(chosen.iter().all(|&times| times > 0), "{chosen:?}");
    }

    /// Both ends, twice each, by two threads: what one sends, the other receives, or it is left in the buffer.
    fn both_ends_twice() {
        for capacity in [0, 1] {
            let (s, r) = bounded(capacity);
            let swap = |n: i64| {
                let mut set = Select::new();
                let sends = [set.send(&s), set.send(&s)];
                set.recv(&r);
                set.recv(&r);
                let operation = set.select();
                if sends.contains(&operation.index()) {
                    operation.send(&s, n).unwrap();
                    n
                } else {
                    -operation.recv(&r).unwrap()
                }
            };
            let balance: i64 = thread::scope(|scope| {
                let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| (1..=2000).map(swap).sum::<i64>())).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!(balance, r.try_iter().sum::<i64>());
        }
    }
}
