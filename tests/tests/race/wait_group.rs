//! Go's `waitgroup_test`.
//!
//! A group is counted by its handles, and a thread has its own when it begins. So nobody comes too late (`WrongWait` is about threads that have none),
//! a handle more while another thread waits is fine (`WrongAdd`, which in Go is a race in itself, is none), the count does not become negative
//! (`PanicRecover` has another panic), and a group is waited for once (`Reuse` takes a new one for each round).

use std::array;
use std::panic::catch_unwind;

use sward::channel::bounded;
use sward::race::Cell;
use sward::sync::WaitGroup;
use sward::thread::scope;

use super::{Row, Turn, rows};

pub const ROWS: &[Row] = rows![
    no_race_wait_group,
    race_wait_group,
    no_race_wait_group_2,
    race_wait_group_as_mutex,
    race_wait_group_wrong_wait,
    no_race_wait_group_wrong_add,
    no_race_wait_group_multiple_wait,
    no_race_wait_group_multiple_wait_2,
    no_race_wait_group_multiple_wait_3,
    race_wait_group_2,
    no_race_wait_group_panic_recover,
    no_race_wait_group_panic_recover_2,
    no_race_wait_group_transitive,
    no_race_wait_group_reuse,
    no_race_wait_group_reuse_2,
    race_wait_group_reuse,
    no_race_wait_group_concurrent_add,
];

fn increment(x: &Cell<u32>) {
    x.set(x.get() + 1);
}

/// `n` threads of a group write, and one waits.
fn write_and_wait(n: usize) {
    let (x, group) = (Cell::new(0), WaitGroup::new());
    scope(|s| {
        for i in 0..n {
            let (x, group) = (&x, group.clone());
            s.spawn(move || {
                x.set(i);
                drop(group);
            });
        }
        group.wait();
    });
}

fn no_race_wait_group() {
    write_and_wait(1);
}

fn race_wait_group() {
    write_and_wait(2);
}

fn no_race_wait_group_2() {
    let (x, group) = (Cell::new(0), WaitGroup::new());
    scope(|s| {
        let handle = group.clone();
        s.spawn(|| {
            x.set(1);
            drop(handle);
        });
        group.wait();
        x.set(2);
    });
}

/// To have a handle keeps nobody out.
fn race_wait_group_as_mutex() {
    let (x, group) = (Cell::new(0), WaitGroup::new());
    let turn = |value| {
        let _handle = group.clone();
        x.set(value);
    };
    scope(|s| {
        s.spawn(|| turn(1));
        s.spawn(|| turn(2));
    });
}

/// It waits for threads that have no handle.
fn race_wait_group_wrong_wait() {
    let (x, group) = (Cell::new(0), WaitGroup::new());
    scope(|s| {
        s.spawn(|| x.set(1));
        group.wait();
        x.set(2);
    });
}

fn no_race_wait_group_wrong_add() {
    let (x, group) = (Cell::new(0), WaitGroup::new());
    scope(|s| {
        let handle = group.clone();
        s.spawn(|| {
            let another = handle.clone();
            drop(handle);
            x.set(1);
            drop(another);
        });
        group.wait();
        x.set(2);
    });
}

/// All wait for each other.
fn no_race_wait_group_multiple_wait() {
    let group = WaitGroup::new();
    scope(|s| {
        for _ in 0..2 {
            let group = group.clone();
            s.spawn(|| group.wait());
        }
        group.wait();
    });
}

fn no_race_wait_group_multiple_wait_2() {
    let (data, group) = ([Cell::new(0), Cell::new(0)], WaitGroup::new());
    scope(|s| {
        for own in 0..2 {
            let (data, group) = (&data, group.clone());
            s.spawn(move || {
                data[own].set(42);
                group.wait();
                assert_eq!(data[1 - own].get(), 42);
            });
        }
        group.wait();
    });
}

/// Some write, others wait and read.
fn no_race_wait_group_multiple_wait_3() {
    const P: usize = 3;
    let (data, group) = (array::from_fn::<_, P, _>(|_| Cell::new(0)), WaitGroup::new());
    scope(|s| {
        for data in &data {
            let group = group.clone();
            s.spawn(|| {
                data.set(42);
                drop(group);
            });
        }
        for _ in 0..P {
            let group = group.clone();
            s.spawn(|| {
                group.wait();
                data.iter().for_each(|data| assert_eq!(data.get(), 42));
            });
        }
        drop(group);
    });
}

/// The one who waits makes no use of what the others wrote: they race all the same.
fn race_wait_group_2() {
    let (x, group) = (Cell::new(0), WaitGroup::new());
    let other = group.clone();
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            drop(other);
        });
        let other = group.clone();
        s.spawn(|| {
            x.set(2);
            drop(other);
        });
        group.wait();
    });
}

fn no_race_wait_group_panic_recover() {
    let x = Cell::new(0);
    catch_unwind(|| {
        x.set(1);
        std::panic::resume_unwind(Box::new("on purpose"));
    })
    .unwrap_err();
    x.set(2);
}

/// A thread that unwinds starts another one.
fn no_race_wait_group_panic_recover_2() {
    struct Starts<F: FnOnce()>(Option<F>);
    impl<F: FnOnce()> Drop for Starts<F> {
        fn drop(&mut self) {
            self.0.take().unwrap()();
        }
    }

    let (x, (done, is_done)) = (Cell::new(0), bounded(1));
    scope(|s| {
        let panics = s.spawn(|| {
            let _starts = Starts(Some(|| {
                s.spawn(|| {
                    x.set(2);
                    done.send(()).unwrap();
                });
            }));
            x.set(1);
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        is_done.recv().unwrap();
        panics.join().unwrap_err();
    });
}

fn no_race_wait_group_transitive() {
    let (x, y, group, first_done) = (Cell::new(0), Cell::new(0), WaitGroup::new(), Turn::default());
    let (first, second) = (group.clone(), group.clone());
    scope(|s| {
        s.spawn(|| {
            x.set(42);
            drop(first);
            first_done.come();
        });
        s.spawn(|| {
            first_done.wait();
            y.set(42);
            drop(second);
        });
        group.wait();
        assert_eq!((x.get(), y.get()), (42, 42));
    });
}

/// Rounds of threads that write, and of `between`, which is given the group.
fn rounds(between: impl Fn(WaitGroup, &[Cell<u32>; 3])) {
    let data = array::from_fn(|_| Cell::new(0));
    for _ in 0..3 {
        let group = WaitGroup::new();
        scope(|s| {
            for data in &data {
                let group = group.clone();
                s.spawn(|| {
                    increment(data);
                    drop(group);
                });
            }
            between(group, &data);
        });
    }
}

fn no_race_wait_group_reuse() {
    rounds(|group, data| {
        group.wait();
        data.iter().for_each(increment);
    });
}

fn no_race_wait_group_reuse_2() {
    rounds(|group, data| {
        let (other, (done, is_done)) = (group.clone(), bounded(0));
        scope(|s| {
            s.spawn(|| {
                other.wait();
                data.iter().for_each(increment);
                done.send(true).unwrap();
            });
            group.wait();
            is_done.recv().unwrap();
            data.iter().for_each(increment);
        });
    });
}

/// Two have waited, and both go on writing.
fn race_wait_group_reuse() {
    rounds(|group, data| {
        let other = group.clone();
        scope(|s| {
            s.spawn(|| {
                other.wait();
                data.iter().for_each(increment);
            });
            group.wait();
            data.iter().for_each(increment);
        });
    });
}

fn no_race_wait_group_concurrent_add() {
    const P: usize = 4;
    let (group, (waits, waiting)) = (WaitGroup::new(), bounded(P));
    scope(|s| {
        for _ in 0..P {
            s.spawn(|| {
                let _handle = group.clone();
                waits.send(true).unwrap();
            });
        }
        (0..P).for_each(|_| assert_eq!(waiting.recv(), Ok(true)));
    });
    group.wait();
}
