//! `sward::thread_local!`: a green thread finds its values wherever it goes on, and leaves none behind.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sward::thread;
use sward_tests::{os_thread, run, run_on};

/// All that the macro accepts.
mod forms {
    use super::{Cell, RefCell};

    sward::thread_local! {}
    sward::thread_local!(static ONE: u32 = 1);
    sward::thread_local!(pub static TWO: u32 = const { 1 + 1 });
    sward::thread_local! {
        /// With a comment.
        pub(crate) static THREE: Cell<u32> = Cell::new(3);
        #[allow(dead_code)]
        static FOUR: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        pub static FIVE: String = {
            let five = 5;
            five.to_string()
        }
    }
    sward::thread_local! { static SIX: Option<u32> = const { None }; }

    #[test]
    fn all_forms() {
        assert_eq!((ONE.with(|n| *n), TWO.with(|n| *n), THREE.get()), (1, 2, 3));
        assert!(FOUR.with_borrow(Vec::is_empty) && SIX.with(Option::is_none));
        assert_eq!(FIVE.with(String::len), 1);
        sward::run(|| assert_eq!((ONE.with(|n| *n), THREE.get()), (1, 3)));
    }

    #[test]
    fn in_a_function() {
        sward::thread_local!(static HERE: Cell<u32> = const { Cell::new(7) });
        assert_eq!(HERE.replace(8), 7);
        assert_eq!(HERE.get(), 8);
    }
}

/// Says in a list that it is dropped.
struct Tells(&'static str, Arc<Mutex<Vec<&'static str>>>);

impl Drop for Tells {
    fn drop(&mut self) {
        self.1.lock().unwrap().push(self.0);
    }
}

#[test]
fn each_thread_has_its_own() {
    sward::thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
    run_on(4, || {
        COUNT.set(1000);
        let threads = (0..100).map(|n| {
            thread::spawn(move || {
                for turn in 0..n {
                    assert_eq!(COUNT.get(), turn);
                    COUNT.set(turn + 1);
                    thread::yield_now();
                }
            })
        });
        threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(COUNT.get(), 1000);
    });
}

/// A value is borrowed while its thread moves from one OS thread to others, which std's would not survive.
#[test]
fn it_is_borrowed_across_moves() {
    sward::thread_local!(static OWN: Cell<u64> = const { Cell::new(0) });
    let moves = Arc::new(AtomicUsize::new(0));
    let seen = moves.clone();
    run_on(4, move || {
        let threads = (0..16).map(|n| {
            let moves = seen.clone();
            thread::spawn(move || {
                OWN.with(|own| {
                    own.set(n);
                    let mut here = os_thread();
                    while moves.load(Ordering::Relaxed) < 200 {
                        // Leaves the P to others, and comes back on whichever is free.
                        sward::unblock(std::thread::yield_now);
                        thread::yield_now();
                        let now = os_thread();
                        if now != here {
                            moves.fetch_add(1, Ordering::Relaxed);
                            here = now;
                        }
                        assert_eq!(own.get(), n);
                        assert_eq!(OWN.get(), n);
                    }
                });
            })
        });
        threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert!(moves.load(Ordering::Relaxed) >= 200);
}

#[test]
fn it_is_made_at_the_first_use() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    sward::thread_local!(static LAZY: usize = MADE.fetch_add(1, Ordering::Relaxed));
    run(|| {
        thread::spawn(|| ()).join().unwrap();
        assert_eq!(MADE.load(Ordering::Relaxed), 0);
        thread::spawn(|| (0..3).for_each(|_| assert_eq!(LAZY.with(|n| *n), 0))).join().unwrap();
        assert_eq!(MADE.load(Ordering::Relaxed), 1);
    });
}

/// Setting a value before it is made makes no other.
#[test]
fn set_makes_nothing() {
    sward::thread_local! {
        static CELL: Cell<u32> = panic!("made");
        static REF_CELL: RefCell<String> = panic!("made");
    }
    run(|| {
        CELL.set(1);
        CELL.set(2);
        assert_eq!((CELL.replace(3), CELL.take(), CELL.get()), (2, 3, 0));
        REF_CELL.set("one".into());
        REF_CELL.with_borrow_mut(|word| word.push('s'));
        assert_eq!(REF_CELL.replace("two".into()), "ones");
        assert_eq!(REF_CELL.take(), "two");
        assert!(REF_CELL.with_borrow(String::is_empty));
    });
}

#[test]
fn an_initialiser_uses_other_values_and_waits() {
    sward::thread_local! {
        static BASE: u32 = 20;
        static SUM: u32 = BASE.with(|base| {
            thread::yield_now();
            *base + thread::spawn(|| 22).join().unwrap()
        });
    }
    run(|| assert_eq!(SUM.with(|sum| *sum), 42));
}

#[test]
fn an_initialiser_that_panics_is_called_again() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    sward::thread_local!(static LATE: usize = {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        assert!(call > 0, "not yet");
        call
    });
    run(|| {
        assert!(std::panic::catch_unwind(|| LATE.with(|n| *n)).is_err());
        assert_eq!(LATE.with(|n| *n), 1);
    });
}

/// What was made last is dropped first, on its own thread, before anybody who joins it goes on.
#[test]
fn values_are_dropped_before_the_join() {
    sward::thread_local! {
        static A: RefCell<Option<(Tells, thread::ThreadId)>> = const { RefCell::new(None) };
        static B: RefCell<Option<Tells>> = const { RefCell::new(None) };
        static C: RefCell<Option<Tells>> = const { RefCell::new(None) };
    }
    run(|| {
        let list: Arc<Mutex<Vec<&str>>> = Arc::default();
        let tells = |name| Tells(name, list.clone());
        let (a, b, c) = (tells("a"), tells("b"), tells("c"));
        thread::spawn(move || {
            B.set(Some(b));
            A.set(Some((a, thread::current().id())));
            C.set(Some(c));
        })
        .join()
        .unwrap();
        assert_eq!(*list.lock().unwrap(), ["c", "a", "b"]);
    });
}

/// Whatever way a thread ends.
#[test]
fn values_are_dropped_at_every_end() {
    sward::thread_local!(static KEPT: RefCell<Option<Tells>> = const { RefCell::new(None) });
    run(|| {
        let list: Arc<Mutex<Vec<&str>>> = Arc::default();
        let tells = |name| Tells(name, list.clone());
        let panics = tells("panic");
        let panicked = thread::spawn(move || {
            KEPT.set(Some(panics));
            panic!("after setting");
        });
        assert!(panicked.join().is_err());
        thread::scope(|s| {
            let scoped = tells("scope");
            s.spawn(move || KEPT.set(Some(scoped)));
        });
        assert_eq!(*list.lock().unwrap(), ["panic", "scope"]);
        let detached = tells("detached");
        drop(thread::spawn(move || KEPT.set(Some(detached))));
        sward_tests::yield_until(|| list.lock().unwrap().len() == 3);
    });
}

/// A destructor may use other values, make new ones, and wait; its own value is gone.
#[test]
fn destructors_use_other_values() {
    type Log = Arc<Mutex<Vec<String>>>;
    struct First(Log);
    struct Second(Log);
    sward::thread_local! {
        static FIRST: RefCell<Option<First>> = const { RefCell::new(None) };
        static SECOND: RefCell<Option<Second>> = const { RefCell::new(None) };
        static PLAIN: Cell<u32> = const { Cell::new(0) };
    }
    impl Drop for First {
        fn drop(&mut self) {
            assert_eq!(FIRST.try_with(|_| ()).unwrap_err().to_string(), "already destroyed");
            assert!(std::panic::catch_unwind(|| FIRST.with(|_| ())).is_err());
            thread::yield_now();
            PLAIN.set(PLAIN.get() + 1);
            SECOND.set(Some(Second(self.0.clone())));
            self.0.lock().unwrap().push(format!("first, {}", PLAIN.get()));
        }
    }
    impl Drop for Second {
        fn drop(&mut self) {
            assert!(FIRST.try_with(|_| ()).is_err());
            assert!(SECOND.try_with(|_| ()).is_err());
            PLAIN.set(PLAIN.get() + 1);
            self.0.lock().unwrap().push(format!("second, {}", PLAIN.get()));
        }
    }
    let log = Log::default();
    let set = |log: Log| {
        PLAIN.set(5);
        FIRST.set(Some(First(log)));
    };
    let (green, os) = (log.clone(), log.clone());
    run(move || thread::spawn(move || set(green)).join().unwrap());
    std::thread::spawn(move || set(os)).join().unwrap();
    assert_eq!(*log.lock().unwrap(), ["first, 6", "second, 7", "first, 6", "second, 7"]);
}

/// The record of a thread is used again; its values are not.
#[test]
fn the_next_thread_finds_nothing() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::Relaxed);
        }
    }
    sward::thread_local! {
        static COUNTED: Counted = {
            ALIVE.fetch_add(1, Ordering::Relaxed);
            Counted
        };
        static FRESH: Cell<bool> = const { Cell::new(true) };
    }
    run(|| {
        for _ in 0..1000 {
            thread::spawn(|| {
                COUNTED.with(|_| ());
                assert!(FRESH.replace(false));
            })
            .join()
            .unwrap();
            assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
        }
    });
}

/// A result that nobody wants is dropped by its thread, after the values: it may make new ones.
#[test]
fn a_result_that_uses_values_in_its_drop() {
    sward::thread_local!(static LIST: RefCell<Option<Tells>> = const { RefCell::new(None) });
    struct Uses(Option<Tells>);
    impl Drop for Uses {
        fn drop(&mut self) {
            LIST.set(self.0.take());
        }
    }
    run(|| {
        let list: Arc<Mutex<Vec<&str>>> = Arc::default();
        let uses = Uses(Some(Tells("late", list.clone())));
        let (go, wait) = sward::channel::bounded::<()>(0);
        drop(thread::spawn(move || (wait.recv().is_err(), uses)));
        drop(go);
        sward_tests::yield_until(|| *list.lock().unwrap() == ["late"]);
    });
}

/// Inside `unblock` it is the OS thread that runs.
#[test]
fn a_blocking_call_has_the_os_threads() {
    sward::thread_local!(static WHO: Cell<u32> = const { Cell::new(0) });
    run(|| {
        WHO.set(1);
        sward::unblock(|| WHO.set(2));
        assert_eq!(WHO.get(), 1);
    });
}
