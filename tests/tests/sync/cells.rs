//! `OnceLock` and `LazyLock`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::sync::{LazyLock, OnceLock};
use sward::thread;
use sward_tests::{Watchdog, run, run_on};

/// std's sync_once_cell: written once, whoever comes first.
#[test]
fn many_come_and_one_writes() {
    for procs in [1, 2] {
        run_on(procs, || {
            for _ in 0..50 {
                let (cell, made) = (OnceLock::new(), AtomicUsize::new(0));
                thread::scope(|s| {
                    for own in 0..10 {
                        let (cell, made) = (&cell, &made);
                        s.spawn(move || {
                            let value = *cell.get_or_init(|| {
                                thread::yield_now();
                                made.fetch_add(1, Ordering::Relaxed);
                                own
                            });
                            assert_eq!(cell.get(), Some(&value));
                            assert_eq!(cell.set(100), Err(100));
                        });
                    }
                });
                assert_eq!(made.into_inner(), 1);
            }
        });
    }
}

#[test]
fn os_threads_and_green_threads_wait_for_each_other() {
    let _watchdog = Watchdog::start();
    let cell = OnceLock::new();
    let wait = || assert_eq!(*cell.wait(), 5);
    std::thread::scope(|s| {
        s.spawn(wait);
        sward::run(|| {
            thread::scope(|s| {
                s.spawn(wait);
                thread::yield_now();
                assert_eq!(cell.set(5), Ok(()));
            });
        });
    });
}

/// std's clone, get_or_try_init's like: a panic leaves the cell empty, and poisons nothing.
#[test]
fn a_panic_leaves_the_cell_empty() {
    run(|| {
        let cell = OnceLock::new();
        assert!(catch_unwind(AssertUnwindSafe(|| cell.get_or_init(|| panic!("on purpose")))).is_err());
        assert_eq!(cell.get(), None);
        assert_eq!(cell.get_or_init(|| 92), &92);
    });
}

/// std's tests of what the type is.
#[test]
fn once_lock_is_what_stds_is() {
    fn shared<T: Send + Sync>(_: &T) {}
    let mut cell = OnceLock::new();
    shared(&cell);
    assert_eq!(cell.get(), None);
    assert_eq!(cell.get_mut(), None);
    assert_eq!(format!("{cell:?}"), "OnceLock(<uninit>)");
    assert_eq!(cell.clone(), cell);
    assert_eq!(cell.set(String::from("hello")), Ok(()));
    cell.get_mut().unwrap().push_str(" world");
    assert_eq!(format!("{cell:?}"), "OnceLock(\"hello world\")");
    assert_eq!(cell.clone(), OnceLock::from("hello world".to_owned()));
    assert_ne!(cell, OnceLock::default());
    assert_eq!(cell.take().as_deref(), Some("hello world"));
    assert_eq!(cell.get(), None);
    assert_eq!(cell.set("again".to_owned()), Ok(()));
    assert_eq!(cell.into_inner().as_deref(), Some("again"));
}

/// std's sync_once_cell_drop.
#[test]
fn the_value_is_dropped_once() {
    let counted = Arc::new(());
    let cell = OnceLock::new();
    cell.set(counted.clone()).unwrap();
    assert!(cell.set(counted.clone()).is_err());
    assert_eq!(Arc::strong_count(&counted), 2);
    drop(cell);
    assert_eq!(Arc::strong_count(&counted), 1);
    drop(OnceLock::<Arc<()>>::new());
}

/// std's dropck: a cell may hold references to what is dropped with it.
#[test]
fn may_refer_to_what_is_dropped_with_it() {
    let cell = OnceLock::new();
    let text = String::new();
    cell.set(&text).unwrap();
}

/// std's sync_lazy_new, static_sync_lazy.
#[test]
fn a_lazy_value_is_made_once() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    static LAZY: LazyLock<Vec<i32>> = LazyLock::new(|| {
        MADE.fetch_add(1, Ordering::Relaxed);
        thread::yield_now();
        vec![1, 2, 3]
    });
    run_on(2, || {
        assert_eq!(format!("{LAZY:?}"), "LazyLock(<uninit>)");
        thread::scope(|s| (0..10).for_each(|_| drop(s.spawn(|| assert_eq!(LAZY.len(), 3)))));
        assert_eq!(MADE.load(Ordering::Relaxed), 1);
        assert_eq!(format!("{LAZY:?}"), "LazyLock([1, 2, 3])");
    });
}

/// std's sync_lazy_poisoning.
#[test]
fn a_lazy_value_whose_making_panicked_is_poisoned() {
    run(|| {
        let lazy: LazyLock<i32> = LazyLock::new(|| panic!("on purpose"));
        for expected in ["on purpose", "LazyLock instance has previously been poisoned"] {
            let payload = catch_unwind(AssertUnwindSafe(|| *lazy)).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&expected));
            assert_eq!(LazyLock::get(&lazy), None);
        }
        let mut lazy = lazy;
        assert!(catch_unwind(AssertUnwindSafe(|| *LazyLock::force_mut(&mut lazy))).is_err());
        assert_eq!(LazyLock::get_mut(&mut lazy), None);
    });
}

#[test]
fn a_lazy_value_that_needs_itself_is_told_so() {
    static LAZY: LazyLock<i32> = LazyLock::new(|| *LAZY + 1);
    run(|| {
        let payload = catch_unwind(|| *LAZY).unwrap_err();
        let message = *payload.downcast::<String>().unwrap();
        assert!(message.ends_with(" waits for an initialization that it is in the middle of"), "{message}");
    });
}

/// std's lazy_default, lazy_force_mut; the closure runs when it is forced, and not before.
#[test]
fn lazy_lock_is_what_stds_is() {
    fn shared<T: Send + Sync>(_: &T) {}
    let made = Cell::new(0);
    let mut lazy = LazyLock::new(|| {
        made.set(made.get() + 1);
        5
    });
    assert_eq!((made.get(), LazyLock::get_mut(&mut lazy)), (0, None));
    *LazyLock::force_mut(&mut lazy) += 1;
    assert_eq!((made.get(), *lazy, LazyLock::force(&lazy)), (1, 6, &6));
    assert_eq!(LazyLock::get_mut(&mut lazy), Some(&mut 6));
    let default = LazyLock::<String>::default();
    shared(&default);
    assert_eq!(*default, "");
}
