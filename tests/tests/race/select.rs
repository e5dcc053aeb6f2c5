//! Go's `select_test`.

use sward::channel::{Sender, bounded, select};
use sward::race::Cell;
use sward::thread::scope;
use sward::yield_now;

use super::{Row, Turn, rows};

pub const ROWS: &[Row] = rows![
    no_race_select_1,
    no_race_select_2,
    no_race_select_3,
    no_race_select_4,
    no_race_select_5,
    race_select_1,
    race_select_2,
    race_select_3,
    race_select_4,
    race_select_5,
    race_flaky_default,
];

fn no_race_select_1() {
    let (x, (tx, rx), (tx1, _rx1)) = (Cell::new(0), bounded(0), bounded(0));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            select! {
                send(tx, true) -> sent => sent.unwrap(),
                send(tx1, true) -> _ => unreachable!(),
            }
        });
        select! {
            recv(rx) -> message => assert_eq!(message, Ok(true)),
            send(tx1, true) -> _ => unreachable!(),
        }
        x.set(2);
    });
}

fn no_race_select_2() {
    let (x, (tx, rx), (_tx1, rx1)) = (Cell::new(0), bounded::<bool>(0), bounded::<bool>(0));
    scope(|s| {
        s.spawn(|| {
            select! {
                recv(rx) -> message => assert!(message.is_err()),
                recv(rx1) -> _ => unreachable!(),
            }
            x.set(1);
        });
        x.set(2);
        drop(tx);
        yield_now();
    });
}

fn no_race_select_3() {
    let (x, (tx, rx), (_tx1, rx1)) = (Cell::new(0), bounded(10), bounded::<bool>(0));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            select! {
                send(tx, true) -> sent => sent.unwrap(),
                recv(rx1) -> _ => unreachable!(),
            }
        });
        rx.recv().unwrap();
        x.set(2);
    });
}

fn no_race_select_4() {
    type Task<'a> = (Box<dyn FnOnce() + Send + 'a>, Sender<bool>);
    let (x, (queue, tasks), (_tx, never)) = (Cell::new(0), bounded::<Task>(0), bounded::<bool>(0));
    scope(|s| {
        s.spawn(|| {
            select! {
                recv(tasks) -> task => {
                    let (work, done) = task.unwrap();
                    work();
                    done.send(true).unwrap();
                },
            }
        });
        let (done, finished) = bounded(1);
        let task: Task = (Box::new(|| x.set(1)), done);
        select! {
            send(queue, task) -> sent => sent.ok().unwrap(),
            recv(never) -> _ => unreachable!(),
        }
        select! {
            recv(finished) -> end => assert_eq!(end, Ok(true)),
            recv(never) -> _ => unreachable!(),
        }
        assert_eq!(x.get(), 1);
    });
}

/// A message from one to another, each by a select or without, whoever comes first.
fn no_race_select_5() {
    for (selects, yields) in [(true, true), (true, false), (false, true), (false, false)] {
        let (x, (tx, rx), (_tx1, rx1)) = (Cell::new(0), bounded(0), bounded::<bool>(0));
        scope(|s| {
            s.spawn(|| {
                if yields {
                    yield_now();
                }
                x.set(1);
                if selects {
                    select! {
                        send(tx, true) -> sent => sent.unwrap(),
                        recv(rx1) -> _ => unreachable!(),
                    }
                } else {
                    tx.send(true).unwrap();
                }
            });
            s.spawn(|| {
                if selects {
                    select! {
                        recv(rx) -> message => assert_eq!(message, Ok(true)),
                        recv(rx1) -> _ => unreachable!(),
                    }
                } else {
                    rx.recv().unwrap();
                }
                x.set(2);
            });
        });
    }
}

/// Two send to one.
fn race_select_1() {
    let (x, (tx, rx), (tx1, _rx1)) = (Cell::new(0), bounded(0), bounded(0));
    let sends = || {
        select! {
            send(tx, true) -> sent => sent.unwrap(),
            send(tx1, true) -> _ => unreachable!(),
        }
        x.set(1);
    };
    scope(|s| {
        s.spawn(|| (0..2).for_each(|_| assert_eq!(rx.recv(), Ok(true))));
        s.spawn(sends);
        s.spawn(sends);
    });
}

fn race_select_2() {
    let (x, (tx, rx), (_tx1, rx1)) = (Cell::new(0), bounded::<bool>(0), bounded::<bool>(0));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            select! {
                recv(rx) -> message => assert!(message.is_err()),
                recv(rx1) -> _ => unreachable!(),
            }
        });
        drop(tx);
        x.set(2);
    });
}

fn race_select_3() {
    let (x, (tx, rx), (tx1, _rx1)) = (Cell::new(0), bounded(0), bounded(0));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            select! {
                send(tx, true) -> sent => sent.unwrap(),
                send(tx1, true) -> _ => unreachable!(),
            }
        });
        x.set(2);
        select! {
            recv(rx) -> message => assert_eq!(message, Ok(true)),
        }
    });
}

fn race_select_4() {
    let (x, (_tx, rx)) = (Cell::new(0), bounded::<bool>(0));
    scope(|s| {
        s.spawn(|| {
            select! {
                recv(rx) -> _ => unreachable!(),
                default => x.set(2),
            }
        });
        let _ = x.get();
    });
}

/// Whichever case is chosen, the variable that it writes is the one that is read without order.
fn race_select_5() {
    let (x, y, (tx1, _rx1), (tx2, _rx2)) = (Cell::new(0), Cell::new(0), bounded(1), bounded(0));
    scope(|s| {
        s.spawn(|| {
            select! {
                send(tx1, true) -> sent => {
                    sent.unwrap();
                    x.set(1);
                },
                send(tx2, true) -> sent => {
                    sent.unwrap();
                    y.set(1);
                },
            }
        });
        let _ = (x.get(), y.get());
    });
}

/// In Go, where the row is switched off, it depends on who is faster. Here the look comes before the message.
fn race_flaky_default() {
    let (x, (tx, rx), looked) = (Cell::new(0), bounded(1), Turn::default());
    scope(|s| {
        s.spawn(|| {
            select! {
                recv(rx) -> _ => unreachable!(),
                default => x.set(3),
            }
            looked.come();
        });
        looked.wait();
        x.set(1);
        tx.send(true).unwrap();
    });
}
