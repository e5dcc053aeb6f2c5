//! Go's `mutex_test`.
//!
//! What one thread has locked no other unlocks; for that there are semaphores (`Semaphore`, `ExampleFromHtml`). Nor is a mutex overwritten under its users:
//! in `Overwrite` a number says which one to use.

use sward::race::Cell;
use sward::sync::{Mutex, Semaphore};
use sward::thread::scope;

use super::{Row, Turn, rows};

pub const ROWS: &[Row] = rows![
    no_race_mutex,
    race_mutex,
    race_mutex_2,
    no_race_mutex_pure_happens_before,
    no_race_mutex_semaphore,
    no_race_mutex_example_from_html,
    race_mutex_overwrite,
];

fn no_race_mutex() {
    let (x, lock) = (Cell::new(0), Mutex::new(()));
    let turn = |value| {
        let _guard = lock.lock().unwrap();
        x.set(value);
    };
    scope(|s| {
        s.spawn(|| turn(1));
        s.spawn(|| turn(2));
    });
}

/// They write before they lock.
fn race_mutex() {
    let (x, lock) = (Cell::new(0), Mutex::new(()));
    let turn = |value| {
        x.set(value);
        drop(lock.lock().unwrap());
    };
    scope(|s| {
        s.spawn(|| turn(1));
        s.spawn(|| turn(2));
    });
}

/// Each has its own lock.
fn race_mutex_2() {
    let (x, locks) = (Cell::new(0), [Mutex::new(()), Mutex::new(())]);
    let turn = |value: usize| {
        let _guard = locks[value].lock().unwrap();
        x.set(value);
    };
    scope(|s| {
        s.spawn(|| turn(0));
        s.spawn(|| turn(1));
    });
}

/// One writes before it has had the lock, the other after it has had it, later.
fn no_race_mutex_pure_happens_before() {
    let (x, lock, unlocked) = (Cell::new(0), Mutex::new(()), Turn::default());
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            drop(lock.lock().unwrap());
            unlocked.come();
        });
        s.spawn(|| {
            unlocked.wait();
            drop(lock.lock().unwrap());
            x.set(1);
        });
    });
}

fn no_race_mutex_semaphore() {
    let (x, semaphore) = (Cell::new(0), Semaphore::new(1));
    semaphore.acquire().forget();
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            semaphore.add_permits(1);
        });
        s.spawn(|| {
            let _permit = semaphore.acquire();
            x.set(2);
        });
    });
}

fn no_race_mutex_example_from_html() {
    let (a, semaphore) = (Cell::new(""), Semaphore::new(1));
    semaphore.acquire().forget();
    scope(|s| {
        s.spawn(|| {
            a.set("hello, world");
            semaphore.add_permits(1);
        });
        semaphore.acquire().forget();
        assert_eq!(a.get(), "hello, world");
    });
}

fn race_mutex_overwrite() {
    let (which, locks) = (Cell::new(0), [Mutex::new(()), Mutex::new(())]);
    scope(|s| {
        s.spawn(|| which.set(1));
        drop(locks[which.get()].lock().unwrap());
    });
}
