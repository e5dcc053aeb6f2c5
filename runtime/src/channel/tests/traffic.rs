//! Messages on their way: all arrive, once, in order, in channels of all sizes.

use super::*;

on_both! {
    /// Go's TestChan and test/chan/fifo: first in, first out.
    fn fifo() {
        for (s, r) in channels() {
            thread::scope(|scope| {
                scope.spawn(|| (0..1000).for_each(|n| s.send(n).unwrap()));
                (0..1000).for_each(|n| assert_eq!(r.recv(), Ok(n)));
            });
        }
    }

    /// First in, first out, for those who only try, on either side.
    fn fifo_for_the_impatient() {
        for (s, r) in channels() {
            thread::scope(|scope| {
                scope.spawn(|| {
                    for n in 0..200 {
                        while s.try_send(n).is_err() {
                            thread::yield_now();
                        }
                    }
                    (200..400).for_each(|n| s.send(n).unwrap());
                });
                (0..200).for_each(|n| assert_eq!(r.recv(), Ok(n)));
                for n in 200..400 {
                    wait_until(|| r.try_recv().inspect(|&got| assert_eq!(got, n)).is_ok());
                }
            });
        }
    }

    /// Go's TestMultiConsumer: many workers between two channels.
    fn many_consumers() {
        const WORKERS: usize = 23;
        const ROUNDS: usize = 5_000;
        let primes = [2, 3, 7, 11, 13, 17, 19, 23, 27, 31];
        let (jobs, queue) = bounded(WORKERS * 3);
        let (results, done) = bounded(WORKERS * 3);
        let sum = thread::scope(|scope| {
            for n in 0..WORKERS {
                let (queue, results) = (queue.clone(), results.clone());
                scope.spawn(move || {
                    for prime in queue {
                        if primes[n % primes.len()] == prime {
                            thread::yield_now();
                        }
                        results.send(prime).unwrap();
                    }
                });
            }
            drop((queue, results));
            let feeder = scope.spawn(move || {
                (0..ROUNDS).map(|n| primes[n % primes.len()]).inspect(|&prime| jobs.send(prime).unwrap()).sum::<usize>()
            });
            let sum: usize = done.iter().sum();
            assert_eq!(sum, feeder.join().unwrap());
            sum
        });
        assert_eq!(sum, ROUNDS / primes.len() * primes.iter().sum::<usize>());
    }

    /// Many on both sides: nothing is lost, nothing doubled, and each sender's messages are in order.
    fn many_on_both_sides() {
        const EACH: usize = 3_000;
        for (s, r) in channels() {
            let mut all: Vec<(usize, usize)> = thread::scope(|scope| {
                for id in 0..4 {
                    let s = s.clone();
                    scope.spawn(move || (0..EACH).for_each(|n| s.send((id, n)).unwrap()));
                }
                drop(s);
                let receivers: Vec<_> = (0..4).map(|_| scope.spawn(|| r.iter().collect::<Vec<_>>())).collect();
                let got = receivers.into_iter().map(|receiver| receiver.join().unwrap());
                let in_order = got.inspect(|got| {
                    (0..4).for_each(|id| assert!(got.iter().filter(|message| message.0 == id).is_sorted()));
                });
                in_order.flatten().collect()
            });
            all.sort();
            assert_eq!(all, (0..4).flat_map(|id| (0..EACH).map(move |n| (id, n))).collect::<Vec<_>>());
        }
    }

    /// An unbounded channel grows while it is used, with its messages anywhere in the ring.
    fn growing_keeps_the_order() {
        let (s, r) = unbounded();
        let (mut sent, mut received) = (0, 0);
        for burst in 0..300 {
            (0..burst).for_each(|_| {
                s.send(sent).unwrap();
                sent += 1;
            });
            (0..burst / 2).for_each(|_| {
                assert_eq!(r.recv(), Ok(received));
                received += 1;
            });
        }
        assert_eq!(r.len(), sent - received);
        assert!(r.try_iter().eq(received..sent));
    }

    /// Messages without a size need no memory.
    fn messages_without_size() {
        let (s, r) = bounded(usize::MAX);
        assert_eq!(s.capacity(), Some(usize::MAX));
        (0..100).for_each(|_| s.send(()).unwrap());
        assert_eq!(r.len(), 100);
        assert_eq!(r.try_iter().count(), 100);
        for (s, r) in channels() {
            thread::scope(|scope| {
                scope.spawn(move || (0..500).for_each(|_| s.send(()).unwrap()));
                assert_eq!(r.iter().count(), 500);
            });
        }
    }

    /// Large messages arrive whole. A build without optimization copies them many times on its way down the stack.
    fn large_messages() {
        for (s, r) in channels() {
            thread::scope(|scope| {
                scope.spawn(move || (0..50usize).for_each(|n| s.send([n; 250]).unwrap()));
                for n in 0..50 {
                    assert!(r.recv().unwrap() == [n; 250]);
                }
            });
        }
    }

    /// A handle may be cloned and dropped while others use the channel.
    fn handles_come_and_go() {
        let (s, r) = bounded(2);
        thread::scope(|scope| {
            for _ in 0..100 {
                let s = s.clone();
                scope.spawn(move || s.clone().send(1).unwrap());
            }
            drop(s);
            let receivers: Vec<_> = (0..4).map(|_| r.clone()).map(|r| scope.spawn(move || r.iter().sum::<i32>())).collect();
            let total: i32 = receivers.into_iter().map(|receiver| receiver.join().unwrap()).sum();
            assert_eq!(total, 100);
        });
    }

    /// Go's sieve1: a chain of filters that grows as it runs, and ends from its head on.
    fn sieve() {
        let (s, mut r) = bounded(0);
        thread::spawn(move || (2..).all(|n| s.send(n).is_ok()));
        let mut primes = Vec::new();
        for _ in 0..40 {
            let prime: u32 = r.recv().unwrap();
            primes.push(prime);
            let (s, filtered) = bounded(0);
            let numbers = std::mem::replace(&mut r, filtered);
            thread::spawn(move || numbers.iter().filter(|n| n % prime != 0).all(|n| s.send(n).is_ok()));
        }
        assert_eq!(primes[..10], [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
        assert_eq!(primes[39], 173);
    }
}

/// Go's test/chan/goroutines: a chain of ten thousand, each adding 1 to what it gets from the next.
#[sward::test]
fn a_long_chain() {
    let (leftmost, mut right) = bounded(0);
    let mut left = leftmost;
    let result = right.clone();
    for _ in 0..10_000 {
        let (next, from_next) = bounded(0);
        right = from_next;
        let (to, from) = (std::mem::replace(&mut left, next), right.clone());
        sward::spawn(move || to.send(from.recv().unwrap() + 1).unwrap());
    }
    drop(right);
    left.send(0).unwrap();
    assert_eq!(result.recv(), Ok(10_000));
}

#[test]
fn green_threads_and_os_threads_share_channels() {
    for (s, r) in channels() {
        let (reply, replies) = bounded(0);
        let green = {
            let (s, reply) = (s.clone(), reply.clone());
            move || (0..2000).for_each(|n| if n % 2 == 0 { s.send(n).unwrap() } else { reply.send(n).unwrap() })
        };
        let os = {
            let replies = replies.clone();
            std::thread::spawn(move || {
                let sum: u64 = r.iter().sum();
                (sum, replies)
            })
        };
        sward::spawn(green.clone());
        let other = std::thread::spawn(green);
        drop((s, reply));
        assert_eq!(replies.iter().sum::<u64>(), 2 * (0..2000).filter(|n| n % 2 == 1).sum::<u64>());
        other.join().unwrap();
        assert_eq!(os.join().unwrap().0, 2 * (0..2000).filter(|n| n % 2 == 0).sum::<u64>());
    }
}
