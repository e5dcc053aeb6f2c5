//! Uniform choice. The bounds are ten standard deviations: once in 10^22 runs, chance alone exceeds them.

use sward::channel::{self, Receiver, Select, Sender, select, select_biased, unbounded};

/// Checks that each of `counts` is what `trials` draws from so many give.
fn assert_uniform(counts: &[u32], trials: u32) {
    let share = 1.0 / counts.len() as f64;
    let mean = f64::from(trials) * share;
    let deviation = (mean * (1.0 - share)).sqrt();
    assert!(counts.iter().all(|&count| (f64::from(count) - mean).abs() <= 10.0 * deviation), "{counts:?}");
}

on_both! {
    /// Go's TestSelectFairness: of four cases, two are ready, the same all the time, behind two that are not.
    fn of_the_ready_cases_each_is_as_likely() {
        const TRIALS: u32 = 10_000;
        let full = || {
            let (s, r) = unbounded();
            (0..=TRIALS).for_each(|n| s.send(n).unwrap());
            (s, r)
        };
        let ((_a, first), (_b, second), (_c, third), (_d, fourth)) = (full(), full(), unbounded::<u32>(), unbounded::<u32>());
        let mut counts = [0; 2];
        for _ in 0..TRIALS {
            let i = select! {
                recv(third) -> _ => unreachable!("it is empty"),
                recv(fourth) -> _ => unreachable!("it is empty"),
                recv(first) -> _ => 0,
                recv(second) -> _ => 1,
            };
            counts[i] += 1;
        }
        assert_uniform(&counts, TRIALS);
    }

    /// Each pair of ready cases among five: where the others lie makes no difference. A random start would favour who follows on them.
    fn wherever_the_ready_cases_lie() {
        const TRIALS: u32 = 2_000;
        for ready in [[0, 1], [0, 2], [1, 4], [3, 4]] {
            let channels: Vec<(Sender<()>, Receiver<()>)> = (0..5).map(|_| channel::bounded(1)).collect();
            ready.iter().for_each(|&i| channels[i].0.send(()).unwrap());
            let mut set = Select::new();
            for (_, r) in &channels {
                set.recv(r);
            }
            let mut counts = [0; 5];
            for _ in 0..TRIALS {
                let operation = set.select();
                let i = operation.index();
                counts[i] += 1;
                operation.recv(&channels[i].1).unwrap();
                channels[i].0.send(()).unwrap();
            }
            assert_uniform(&ready.map(|i| counts[i]), TRIALS);
            let mut counts = [0; 5];
            (0..TRIALS).for_each(|_| counts[set.ready()] += 1);
            assert_uniform(&ready.map(|i| counts[i]), TRIALS);
        }
    }

    /// Go's TestPseudoRandomSend: of two sends on the same channel, each is as likely.
    fn of_two_sends_each_is_as_likely() {
        const TRIALS: u32 = 2_000;
        for capacity in [0, 100] {
            let (s, r) = channel::bounded(capacity);
            let mut counts = [0; 2];
            thread::scope(|scope| {
                scope.spawn(|| for _ in 0..TRIALS {
                    select! {
                        send(s, 0) -> sent => sent.unwrap(),
                        send(s, 1) -> sent => sent.unwrap(),
                    }
                });
                (0..TRIALS).for_each(|_| counts[r.recv().unwrap()] += 1_u32);
            });
            assert_uniform(&counts, TRIALS);
        }
    }

    /// crossbeam-channel's `fairness1`: timer channels, and ends that are gone, are cases like others.
    fn of_cases_of_all_kinds_each_is_as_likely() {
        const TRIALS: u32 = 2_000;
        let (full, messages) = unbounded();
        let (left, gone) = unbounded::<()>();
        drop(gone);
        let (into, _kept) = unbounded();
        let ticks = channel::tick(std::time::Duration::ZERO);
        let mut counts = [0; 4];
        for _ in 0..TRIALS {
            full.send(()).unwrap();
            let i = select! {
                recv(messages) -> _ => 0,
                send(left, ()) -> _ => 1,
                send(into, ()) -> _ => 2,
                recv(ticks) -> _ => 3,
            };
            counts[i] += 1;
        }
        assert_uniform(&counts, TRIALS);
    }

    /// crossbeam-channel's `unfairness`: the biased ones take the first.
    fn the_biased_take_the_first() {
        let (s, r) = unbounded();
        let (other, from_other) = unbounded();
        for n in 0..100 {
            s.send(n).unwrap();
            other.send(n).unwrap();
        }
        for n in 0..100 {
            select_biased! {
                recv(r) -> got => assert_eq!(got, Ok(n)),
                recv(from_other) -> _ => unreachable!("the first is ready"),
            }
        }
        select_biased! {
            recv(r) -> _ => unreachable!("it is empty now"),
            recv(from_other) -> got => assert_eq!(got, Ok(0)),
            default => unreachable!("one is ready"),
        }
        let mut set = Select::new_biased();
        set.recv(&r);
        let second = set.recv(&from_other);
        set.send(&s);
        for _ in 0..50 {
            assert_eq!(set.ready(), second);
            let operation = set.clone().select();
            assert_eq!(operation.index(), second);
            operation.recv(&from_other).unwrap();
        }
    }
}
