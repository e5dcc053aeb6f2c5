//! Go's `sync_test`.
//!
//! In the place of `time.AfterFunc` a thread waits for the time. A nil mutex cannot be; another misuse of a lock panics (`NilMutexCrash`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sward::channel::{after, bounded};
use sward::race::Cell;
use sward::sync::{Condvar, Mutex, MutexGuard};
use sward::thread::{Scope, scope};

use super::{Row, Turn, rows};

pub const ROWS: &[Row] = rows![
    no_race_cond,
    race_cond,
    race_announce_threads,
    no_race_after_func_1,
    no_race_after_func_2,
    no_race_after_func_3,
    race_after_func_3,
    race_goroutine_creation_stack,
    no_race_nil_mutex_crash,
];

fn wait_until_set<'a>(condvar: &Condvar, condition: MutexGuard<'a, bool>) -> MutexGuard<'a, bool> {
    condvar.wait_while(condition, |condition| !*condition).unwrap()
}

fn no_race_cond() {
    let (x, condition, condvar) = (Cell::new(0), Mutex::new(false), Condvar::new());
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            *condition.lock().unwrap() = true;
            condvar.notify_one();
        });
        drop(wait_until_set(&condvar, condition.lock().unwrap()));
        x.set(2);
    });
}

/// Notified, one writes without the lock, while the notifier does with it.
fn race_cond() {
    let (x, condition, condvar, woken) = (Cell::new(0), Mutex::new(false), Condvar::new(), Turn::default());
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            *condition.lock().unwrap() = true;
            condvar.notify_one();
            woken.wait();
            let _guard = condition.lock().unwrap();
            x.set(3);
        });
        drop(wait_until_set(&condvar, condition.lock().unwrap()));
        woken.come();
        x.set(2);
    });
}

/// Many threads, started by each other.
fn race_announce_threads() {
    let x = Cell::new(0);
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            s.spawn(|| {
                x.set(2);
                s.spawn(|| (0..2).for_each(|_| drop(s.spawn(|| x.set(3)))));
                s.spawn(|| x.set(4));
                x.set(5);
            });
        });
    });
}

/// Calls `f` after a time.
fn after_func<'scope>(s: &'scope Scope<'scope, '_>, time: Duration, f: impl FnOnce() + Send + 'scope) {
    s.spawn(move || {
        after(time).recv().unwrap();
        f();
    });
}

/// A function that has itself called again.
fn no_race_after_func_1() {
    fn count_down<'scope>(s: &'scope Scope<'scope, '_>, left: &'scope Cell<i32>) {
        left.set(left.get() - 1);
        if left.get() >= 0 {
            after_func(s, Duration::ZERO, move || count_down(s, left));
        }
    }
    let left = Cell::new(2);
    scope(|s| after_func(s, Duration::ZERO, || count_down(s, &left)));
    assert_eq!(left.get(), -1);
}

fn no_race_after_func_2() {
    let x = Cell::new(0);
    scope(|s| after_func(s, Duration::from_nanos(10), || x.set(1)));
}

fn no_race_after_func_3() {
    let (x, (done, is_done)) = (Cell::new(0), bounded(1));
    scope(|s| {
        after_func(s, Duration::from_millis(1), || {
            x.set(1);
            done.send(true).unwrap();
        });
        is_done.recv().unwrap();
        x.set(2);
    });
}

/// That one time comes after another orders nothing.
fn race_after_func_3() {
    let x = Cell::new(0);
    scope(|s| {
        after_func(s, Duration::from_millis(1), || x.set(1));
        after_func(s, Duration::from_millis(2), || x.set(2));
    });
}

fn race_goroutine_creation_stack() {
    let x = Cell::new(0);
    scope(|s| {
        s.spawn(|| s.spawn(|| s.spawn(|| s.spawn(|| x.set(1)))));
        x.set(2);
    });
}

/// A panic of a lock leaves the detector whole.
fn no_race_nil_mutex_crash() {
    let (panics, mutex, other) = (Cell::new(0), Mutex::new(()), Mutex::new(()));
    let guard = other.lock().unwrap();
    let again = catch_unwind(AssertUnwindSafe(|| drop(other.lock())));
    assert!(again.is_err());
    drop(guard);
    let count = || {
        let _guard = mutex.lock().unwrap();
        panics.set(panics.get() + 1);
    };
    scope(|s| {
        s.spawn(count);
        count();
    });
}
