//! What channels ask of the allocator: nothing for a message, nor for waiting, nor for selecting. Also Go's test/chan/select2.go and
//! fixedbugs/issue9110.go: nothing is left behind by selects, however many there are.

use std::time::Duration;

use sward::channel::{self, Receiver, Select, Sender, bounded, never, select, tick, unbounded};
use sward_tests::run_on;

/// The blocks that a hundred rounds ask for.
fn blocks(round: impl FnMut()) -> usize {
    sward_tests::blocks(100, round)
}

/// The other side of a channel: a thread that does this until the channel ends.
fn sender<T: Send + 'static>(s: Sender<T>, make: fn() -> T) {
    sward::spawn(move || while s.send(make()).is_ok() {});
}

#[test]
fn messages_and_waits() {
    for capacity in [0, 1, 10] {
        assert_eq!(
            run_on(1, || {
                let (s, r) = bounded(capacity);
                sender(s, || [1u64; 20]);
                blocks(|| assert_eq!(r.recv().unwrap()[19], 1))
            }),
            0
        );
    }
}

/// The scheduler, which has nothing else to do meanwhile, allocates now and then.
#[test]
fn time_limits() {
    let blocks = run_on(1, || {
        let (_s, r) = bounded::<u8>(0);
        blocks(|| assert!(r.recv_timeout(Duration::from_micros(1)).is_err()))
    });
    assert!(blocks < 20, "{blocks} blocks for 100 waits");
}

#[test]
fn selects_that_receive() {
    assert_eq!(
        run_on(1, || {
            let ends: [Receiver<u64>; 8] = std::array::from_fn(|_| {
                let (s, r) = bounded(0);
                sender(s, || 1);
                r
            });
            let [a, b, c, d, e, f, g, h] = &ends;
            blocks(|| {
                select! {
                    recv(a) -> n => n,
                    recv(b) -> n => n,
                    recv(c) -> n => n,
                    recv(d) -> n => n,
                    recv(e) -> n => n,
                    recv(f) -> n => n,
                    recv(g) -> n => n,
                    recv(h) -> n => n,
                }
                .unwrap();
            })
        }),
        0
    );
}

#[test]
fn selects_that_send_and_meet() {
    assert_eq!(
        run_on(1, || {
            let ends: [Sender<u64>; 2] = std::array::from_fn(|_| {
                let (s, r) = bounded(0);
                sward::spawn(move || while r.recv().is_ok() {});
                s
            });
            let [a, b] = &ends;
            blocks(|| {
                select! {
                    send(a, 1) -> sent => sent.unwrap(),
                    send(b, 2) -> sent => sent.unwrap(),
                    recv(never::<()>()) -> _ => unreachable!(),
                }
            })
        }),
        0
    );
}

#[test]
fn selects_in_vain() {
    assert_eq!(
        run_on(1, || {
            let ((_s1, r1), (s2, _r2)) = (bounded::<u8>(0), bounded::<u8>(0));
            let ticks = tick(Duration::from_secs(3600));
            blocks(|| {
                select! {
                    recv(r1) -> _ => unreachable!(),
                    send(s2, 1) -> _ => unreachable!(),
                    recv(ticks) -> _ => unreachable!(),
                    default => {}
                }
            })
        }),
        0
    );
}

/// A set allocates when it is made, and again only for messages of more than 64 bytes.
#[test]
fn selections_from_a_set() {
    assert_eq!(
        run_on(1, || {
            let ((s1, r1), (s2, r2)) = (bounded(0), unbounded::<[u64; 8]>());
            sender(s1, || 1u8);
            s2.send([0; 8]).unwrap();
            let mut set = Select::new();
            set.recv(&r1);
            set.recv(&r2);
            blocks(|| {
                let operation = set.select();
                match operation.index() {
                    0 => drop(operation.recv(&r1).unwrap()),
                    _ => s2.send(operation.recv(&r2).unwrap()).unwrap(),
                }
            })
        }),
        0
    );
}

/// A timer channel costs what making it does, whether anybody waits or not.
#[test]
fn timer_channels() {
    assert_eq!(run_on(1, || blocks(|| drop(channel::after(Duration::from_secs(3600))))), 200);
    let ticks = tick(Duration::from_nanos(1));
    assert_eq!(run_on(1, || blocks(|| assert!(ticks.recv().is_ok()))), 0);
    assert_eq!(run_on(1, || blocks(|| drop(never::<String>().try_recv()))), 0);
}
