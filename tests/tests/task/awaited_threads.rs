//! Green threads that are awaited: `JoinHandle` as a future.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use futures::FutureExt;
use futures::future::{join_all, select_all};
use sward::{channel, task, thread};
use sward_tests::{run, run_on, yield_until};

use crate::bell::Bell;

#[test]
fn the_value() {
    run(|| {
        assert_eq!(task::block_on(async { thread::spawn(|| 6 * 7).await.unwrap() }), 42);
        let large = task::block_on(thread::spawn(|| [7u64; 100])).unwrap();
        assert_eq!(large, [7; 100]);
        let ended = thread::spawn(|| String::from("over"));
        yield_until(|| ended.is_finished());
        assert_eq!(task::block_on(ended).unwrap(), "over");
    });
}

#[test]
fn the_panic() {
    run(|| {
        let payload = task::block_on(async { thread::spawn(|| panic!("burnt")).await.unwrap_err() });
        assert_eq!(payload.downcast_ref(), Some(&"burnt"));
    });
}

#[test]
fn many_at_once() {
    run_on(4, || {
        let threads = (0..1000).map(|n| {
            thread::spawn(move || {
                (0..n % 7).for_each(|_| thread::yield_now());
                n
            })
            .into_future()
        });
        let values = task::block_on(join_all(threads));
        assert_eq!(values.into_iter().map(Result::unwrap).sum::<i32>(), 499_500);
    });
}

/// The executor is another library's, on an OS thread.
#[test]
fn from_elsewhere() {
    for n in 0..200 {
        let value = futures::executor::block_on(async move { thread::spawn(move || n).await.unwrap() });
        assert_eq!(value, n);
    }
}

/// The task that polled last is the one to be woken, once.
#[test]
fn it_wakes_the_last_who_asked() {
    run(|| {
        let (go, wait) = channel::bounded::<()>(0);
        let mut future = pin!(thread::spawn(move || wait.recv().is_err()).into_future());
        let bells: [Arc<Bell>; 3] = Default::default();
        for bell in &bells {
            let waker = Waker::from(bell.clone());
            for _ in 0..3 {
                assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
        }
        drop(go);
        yield_until(|| bells[2].rings() == 1);
        assert_eq!(bells.each_ref().map(|bell| bell.rings()), [0, 0, 1]);
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(future.as_mut().poll(&mut context), Poll::Ready(Ok(true))));
        assert_eq!(bells.each_ref().map(Arc::strong_count), [1, 1, 1], "wakers are left behind");
    });
}

/// The thread goes on, and drops its result itself. Nobody is woken, and the waker is given back at once.
#[test]
fn given_up_half_way() {
    struct Result(Arc<AtomicBool>);
    impl Drop for Result {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    run(|| {
        let (go, wait) = channel::bounded::<()>(0);
        let dropped = Arc::new(AtomicBool::new(false));
        let result = Result(dropped.clone());
        let mut future = thread::spawn(move || (wait.recv().is_err(), result)).into_future();
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(bell.clone());
        assert!(future.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
        drop((future, waker));
        assert_eq!(Arc::strong_count(&bell), 1);
        assert!(!dropped.load(Ordering::Acquire));
        drop(go);
        yield_until(|| dropped.load(Ordering::Acquire));
        assert_eq!(bell.rings(), 0);
    });
}

#[test]
fn never_polled() {
    run(|| {
        let done = Arc::new(AtomicBool::new(false));
        let other = done.clone();
        drop(thread::spawn(move || other.store(true, Ordering::Release)).into_future());
        yield_until(|| done.load(Ordering::Acquire));
    });
}

/// Threads that end while they are polled and given up: each result is dropped once, by whoever has it.
#[test]
fn the_end_races_with_polls_and_drops() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Counted {
        fn new() -> Counted {
            ALIVE.fetch_add(1, Ordering::AcqRel);
            Counted
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::AcqRel);
        }
    }
    run_on(4, || {
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(bell.clone());
        for round in 0..3000 {
            let mut future = thread::spawn(Counted::new).into_future();
            for _ in 0..round % 5 {
                match future.poll_unpin(&mut Context::from_waker(&waker)) {
                    Poll::Ready(value) => {
                        drop(value.unwrap());
                        future = thread::spawn(Counted::new).into_future();
                    }
                    Poll::Pending => std::hint::spin_loop(),
                }
            }
        }
        drop(waker);
        yield_until(|| ALIVE.load(Ordering::Acquire) == 0 && Arc::strong_count(&bell) == 1);
    });
}

#[test]
fn the_first_of_several() {
    run(|| {
        let (go, wait) = channel::bounded::<()>(0);
        let slow = move || wait.recv().map_or(1, |()| 0);
        let race = [thread::spawn(slow), thread::spawn(|| 2)].map(IntoFuture::into_future);
        let (first, place, rest) = task::block_on(select_all(race));
        assert_eq!((first.unwrap(), place), (2, 1));
        drop(go);
        assert_eq!(task::block_on(join_all(rest)).pop().unwrap().unwrap(), 1);
    });
}
