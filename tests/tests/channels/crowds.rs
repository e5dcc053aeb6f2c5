//! Many threads on a channel, and on each other.

use sward::channel::{self, Receiver, Sender, bounded, select};

on_both! {
    /// Go's test/chan/sieve1.go: a chain of filters that grows as it runs, and ends from its head on.
    fn a_sieve() {
        let (numbers, mut r) = bounded(0);
        thread::spawn(move || (2..).all(|n: u32| numbers.send(n).is_ok()));
        let mut primes = Vec::new();
        for _ in 0..30 {
            let prime = r.recv().unwrap();
            primes.push(prime);
            let (s, filtered) = bounded(0);
            let numbers = std::mem::replace(&mut r, filtered);
            thread::spawn(move || numbers.iter().filter(|n| n % prime != 0).all(|n| s.send(n).is_ok()));
        }
        assert_eq!(primes[..10], [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
        assert_eq!(primes[29], 113);
    }

    /// Go's TestMultiConsumer: each job is done once, by one of many workers.
    fn many_workers() {
        const JOBS: u64 = 5_000;
        let (jobs, queue) = bounded(69);
        let (results, done) = bounded(69);
        let sum = thread::scope(|scope| {
            for worker in 0..23 {
                let (queue, results) = (queue.clone(), results.clone());
                scope.spawn(move || for job in queue {
                    if job % 23 == worker {
                        thread::yield_now();
                    }
                    results.send(job).unwrap();
                });
            }
            drop((queue, results));
            scope.spawn(move || (0..JOBS).for_each(|job| jobs.send(job).unwrap()));
            done.iter().sum::<u64>()
        });
        assert_eq!(sum, JOBS * (JOBS - 1) / 2);
    }

    /// Go's test/chanlinear.go: a long queue in which everybody, by the other case, leaves again and again from wherever they are.
    fn a_long_queue_that_all_leave_from_its_middle() {
        const THREADS: usize = 100;
        const ROUNDS: usize = 30;
        let (_never_used, common) = bounded::<()>(0);
        let own: Vec<(Sender<()>, Receiver<()>)> = (0..THREADS).map(|_| bounded(0)).collect();
        thread::scope(|scope| {
            for (_, own) in &own {
                let common = &common;
                scope.spawn(move || for _ in 0..ROUNDS {
                    select! {
                        recv(common) -> _ => unreachable!("nobody sends on it"),
                        recv(own) -> got => got.unwrap(),
                    }
                });
            }
            for _ in 0..ROUNDS {
                own.iter().for_each(|(s, _)| s.send(()).unwrap());
            }
        });
    }

    /// crossbeam-channel's `channel_through_channel`: ends are messages like others.
    fn a_channel_through_a_channel() {
        struct Next(Receiver<Next>);
        for capacity in 0..3 {
            let (mut s, mut r) = bounded::<Next>(capacity);
            thread::scope(|scope| {
                scope.spawn(move || for _ in 0..200 {
                    let (next, from_next) = bounded(capacity);
                    select! {
                        send(s, Next(from_next)) -> sent => assert!(sent.is_ok()),
                    }
                    s = next;
                });
                scope.spawn(move || for _ in 0..200 {
                    r = select! {
                        recv(r) -> next => next.unwrap().0,
                        recv(channel::never()) -> next => next.unwrap(),
                    };
                });
            });
        }
    }
}
