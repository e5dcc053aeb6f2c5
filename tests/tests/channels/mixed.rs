//! Green threads and OS threads in the same selects.

use std::thread as os;

use sward::channel::{bounded, never, select};
use sward_tests::run_on;

/// Both sides of four channels are a green thread and an OS thread, and so are the two that select over them.
#[test]
fn selects_of_both_kinds() {
    const EACH: u64 = 2_000;
    for capacity in [0, 1] {
        for procs in [1, 2] {
            let sum = run_on(procs, || {
                let (ways, ends): (Vec<_>, Vec<_>) = (0..4).map(|_| bounded::<u64>(capacity)).unzip();
                let senders: Vec<os::JoinHandle<()>> = ways
                    .into_iter()
                    .enumerate()
                    .filter_map(|(i, s)| {
                        let send = move || (1..=EACH).for_each(|n| s.send(n).unwrap());
                        if i % 2 == 0 {
                            sward::spawn(send);
                            None
                        } else {
                            Some(os::spawn(send))
                        }
                    })
                    .collect();
                let select = move || {
                    let (mut sum, mut open) = (0, [true; 4]);
                    let never = never();
                    while open != [false; 4] {
                        let end = |i: usize| if open[i] { &ends[i] } else { &never };
                        let (i, got) = select! {
                            recv(end(0)) -> got => (0, got),
                            recv(end(1)) -> got => (1, got),
                            recv(end(2)) -> got => (2, got),
                            recv(end(3)) -> got => (3, got),
                        };
                        match got {
                            Ok(n) => sum += n,
                            Err(_) => open[i] = false,
                        }
                    }
                    sum
                };
                let (green, os) = (sward::spawn(select.clone()), os::spawn(select));
                let sum = green.join().unwrap() + sward::unblock(|| os.join().unwrap());
                sward::unblock(|| senders.into_iter().for_each(|sender| sender.join().unwrap()));
                sum
            });
            assert_eq!(sum, 4 * EACH * (EACH + 1) / 2);
        }
    }
}

/// A select that sends, on one kind of thread, to one that receives, on the other.
#[test]
fn selects_meet_across_kinds() {
    run_on(2, || {
        let (s, r) = bounded(0);
        let os = {
            let (s, r) = (s.clone(), r.clone());
            os::spawn(move || meet(&s, &r))
        };
        let balance = meet(&s, &r) + sward::unblock(|| os.join().unwrap());
        assert_eq!(balance, 0);
    });
}

fn meet(s: &sward::channel::Sender<i64>, r: &sward::channel::Receiver<i64>) -> i64 {
    (1..=2000)
        .map(|n| {
            select! {
                send(s, n) -> sent => {
                    sent.unwrap();
                    n
                }
                recv(r) -> got => -got.unwrap(),
            }
        })
        .sum()
}
