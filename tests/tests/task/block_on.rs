//! `task::block_on`: what a future may expect of the one who drives it.

use std::cell::Cell;
use std::future::{poll_fn, ready};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use sward::{task, thread};
use sward_tests::{Finished, is_emulated, program, run, run_on};

/// Is not ready for the first `times` times; each time, `and_then` gets the waker.
async fn after(times: usize, mut and_then: impl FnMut(Waker)) {
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        and_then(context.waker().clone());
        Poll::Pending
    })
    .await;
}

#[test]
fn it_returns_the_value_and_may_borrow() {
    run(|| {
        let word = String::from("green");
        assert_eq!(task::block_on(async { word.len() }), 5);
        assert_eq!(task::block_on(ready(7)), 7);
        assert_eq!(task::block_on(Box::pin(async { 8 })), 8);
    });
}

#[test]
fn another_green_thread_wakes_it() {
    run(|| task::block_on(after(100, |waker| drop(thread::spawn(move || waker.wake())))));
}

#[test]
fn an_os_thread_wakes_it() {
    run(|| task::block_on(after(100, |waker| drop(std::thread::spawn(move || waker.wake())))));
}

/// It goes on wherever there is room, and what it keeps need not be `Send`.
#[test]
fn a_future_that_is_not_send_moves_between_os_threads() {
    run_on(4, || {
        let crowd = (0..8).map(|_| {
            thread::spawn(|| {
                let turns = Rc::new(Cell::new(0));
                task::block_on(async {
                    for _ in 0..200 {
                        let mine = turns.clone();
                        after(1, |waker| drop(thread::spawn(move || waker.wake()))).await;
                        mine.set(mine.get() + 1);
                    }
                });
                turns.get()
            })
        });
        let crowd: Vec<_> = crowd.collect();
        crowd.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), 200));
    });
}

/// On one P, others run in between: one of them ends the game.
#[test]
fn one_that_wakes_itself_lets_others_run() {
    run_on(1, || {
        let over = AtomicBool::new(false);
        thread::scope(|s| {
            s.spawn(|| {
                (0..50).for_each(|_| thread::yield_now());
                over.store(true, Ordering::Release);
            });
            let mut polls = 0;
            task::block_on(poll_fn(|context| {
                polls += 1;
                context.waker().wake_by_ref();
                if over.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
            }));
            assert!(polls > 1);
        });
    });
}

#[test]
fn it_nests() {
    run(|| {
        let sum = task::block_on(async {
            let inner = task::block_on(async {
                after(3, |waker| drop(thread::spawn(move || waker.wake()))).await;
                20
            });
            after(3, |waker| drop(thread::spawn(move || waker.wake()))).await;
            inner + task::block_on(async { 22 })
        });
        assert_eq!(sum, 42);
    });
}

/// The outer one is woken while the inner one waits. It remembers.
#[test]
fn a_wake_of_the_outer_one_is_kept_through_the_inner_one() {
    run(|| {
        let mut begun = false;
        task::block_on(poll_fn(|context| {
            if std::mem::replace(&mut begun, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            task::block_on(after(5, |waker| drop(thread::spawn(move || waker.wake()))));
            Poll::Pending
        }));
    });
}

#[test]
fn a_panic_of_the_future_comes_out_and_the_future_is_dropped() {
    struct Tells<'a>(&'a AtomicUsize);
    impl Drop for Tells<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    run(|| {
        let drops = AtomicUsize::new(0);
        let caught = panic::catch_unwind(AssertUnwindSafe(|| {
            task::block_on(async {
                let _tells = Tells(&drops);
                after(1, |waker| drop(thread::spawn(move || waker.wake()))).await;
                panic!("in a future");
            })
        }));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"in a future"));
        assert_eq!(drops.into_inner(), 1);
        assert_eq!(task::block_on(async { 1 }), 1);
    });
}

/// The token of `thread::park` is the program's: no wake sets it, no wait of a future takes it.
#[test]
fn the_token_of_park_is_left_alone() {
    run(|| {
        thread::current().unpark();
        task::block_on(after(10, |waker| drop(thread::spawn(move || waker.wake()))));
        let begin = Instant::now();
        thread::park_timeout(Duration::from_secs(1000));
        assert!(begin.elapsed() < Duration::from_secs(1000), "the token was taken");
        task::block_on(after(10, |waker| waker.wake()));
        let begin = Instant::now();
        thread::park_timeout(Duration::from_millis(5));
        assert!(begin.elapsed() >= Duration::from_millis(5), "a wake set the token");
    });
}

/// A future may wait as green threads do, and be woken meanwhile.
#[test]
fn a_future_that_parks() {
    run(|| {
        let me = thread::current();
        task::block_on(after(50, |waker| {
            let (me, ready) = (me.clone(), AtomicBool::new(false));
            thread::scope(|s| {
                s.spawn(|| {
                    waker.wake_by_ref();
                    ready.store(true, Ordering::Release);
                    me.unpark();
                });
                while !ready.load(Ordering::Acquire) {
                    thread::park();
                }
            });
        }));
    });
}

#[test]
fn on_an_os_thread() {
    let woken = || task::block_on(after(20, |waker| drop(std::thread::spawn(move || waker.wake()))));
    woken();
    let threads = [(); 4].map(|()| std::thread::spawn(woken));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    task::block_on(after(20, |waker| drop(thread::spawn(move || waker.wake()))));
}

#[test]
fn inside_a_blocking_call() {
    run(|| sward::unblock(|| task::block_on(after(20, |waker| drop(std::thread::spawn(move || waker.wake()))))));
}

#[test]
fn without_a_runtime() {
    Finished::of(program(env!("CARGO_BIN_EXE_scenario")).arg("futures-without-a-runtime")).exits_with(0);
}

#[test]
fn one_that_nobody_wakes_is_a_deadlock() {
    // Under an emulator there is never a verdict.
    if !is_emulated() {
        let finished = Finished::of(program(env!("CARGO_BIN_EXE_scenario")).arg("await-for-ever"));
        finished.exits_with(2).says("deadlock").says("[future");
    }
}
