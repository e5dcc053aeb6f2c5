//! Go's `rwmutex_test`.

use sward::race::Cell;
use sward::sync::{Mutex, RwLock};
use sward::thread::scope;

use super::{Row, Turn, rows};

pub const ROWS: &[Row] = rows![
    race_mutex_rw_lock,
    no_race_rw_lock,
    race_rw_lock_multiple_readers,
    no_race_rw_lock_multiple_readers,
    no_race_rw_lock_transitive,
];

/// Each has its own lock.
fn race_mutex_rw_lock() {
    let (x, mutex, rw_lock) = (Cell::new(0), Mutex::new(()), RwLock::new(()));
    scope(|s| {
        s.spawn(|| {
            let _guard = mutex.lock().unwrap();
            x.set(1);
        });
        s.spawn(|| {
            let _guard = rw_lock.write().unwrap();
            x.set(2);
        });
    });
}

fn no_race_rw_lock() {
    let (x, lock) = (Cell::new(0), RwLock::new(()));
    scope(|s| {
        s.spawn(|| {
            let _guard = lock.write().unwrap();
            x.set(2);
        });
        s.spawn(|| {
            let _guard = lock.read().unwrap();
            let _ = x.get();
        });
    });
}

/// A writer, and three that do `read` under a lock for reading: two of them are on the same side of the writer.
fn multiple_readers(read: impl Fn(&Cell<u32>) + Sync) {
    let (x, lock) = (Cell::new(0), RwLock::new(()));
    scope(|s| {
        s.spawn(|| {
            let _guard = lock.write().unwrap();
            x.set(2);
        });
        for _ in 0..3 {
            s.spawn(|| {
                let _guard = lock.read().unwrap();
                read(&x);
            });
        }
    });
}

fn race_rw_lock_multiple_readers() {
    let y = Cell::new(1);
    multiple_readers(|x| y.set(x.get() + 1));
}

fn no_race_rw_lock_multiple_readers() {
    multiple_readers(|x| assert!(x.get() % 2 == 0));
}

/// The writer comes after both readers, though the second has had the lock after the first.
fn no_race_rw_lock_transitive() {
    let (x, lock) = (Cell::new(0), RwLock::new(()));
    let (first, second) = (Turn::default(), Turn::default());
    scope(|s| {
        s.spawn(|| {
            drop((lock.read().unwrap(), x.get()));
            first.come();
        });
        s.spawn(|| {
            first.wait();
            drop((lock.read().unwrap(), x.get()));
            second.come();
        });
        second.wait();
        let _guard = lock.write().unwrap();
        x.set(42);
    });
}
