//! Deadlines: they nest, and they come neither early nor for those who have finished.

use std::time::{Duration, Instant};

use sward::cancel::{CancelToken, Cancelled};
use sward::time::{self, Elapsed};
use sward::{channel, thread};
use sward_tests::run;

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(1000);

#[test]
fn it_is_not_early() {
    run(|| {
        let begin = Instant::now();
        assert_eq!(time::timeout(SHORT, || thread::sleep(LONG)), Err(Elapsed));
        assert!(begin.elapsed() >= SHORT);
        let deadline = Instant::now() + SHORT;
        assert_eq!(time::timeout_at(deadline, thread::park), Err(Elapsed));
        assert!(Instant::now() >= deadline);
        assert_eq!(Elapsed.to_string(), "the time is up");
    });
}

#[test]
fn who_is_in_time_has_a_result() {
    run(|| {
        assert_eq!(time::timeout(LONG, || thread::sleep(SHORT)), Ok(()));
        assert_eq!(time::timeout(Duration::MAX, || 7), Ok(7));
        // No time at all is enough for who does not wait.
        let (tx, rx) = channel::bounded(1);
        assert_eq!(time::timeout(Duration::ZERO, || tx.send(1).and(Ok(rx.recv()))), Ok(Ok(Ok(1))));
        assert_eq!(time::timeout(Duration::ZERO, || rx.recv()), Err(Elapsed));
    });
}

/// The shortest counts, wherever it is; and it is the one that returns.
#[test]
fn they_nest() {
    run(|| {
        let outer = time::timeout(SHORT, || {
            let inner = time::timeout(LONG, || thread::sleep(LONG));
            unreachable!("{inner:?}");
        });
        assert_eq!(outer, Err::<(), _>(Elapsed));
        let outer = time::timeout(LONG, || {
            let inner = time::timeout(SHORT, || thread::sleep(LONG));
            thread::sleep(Duration::from_millis(1));
            inner
        });
        assert_eq!(outer, Ok(Err(Elapsed)));
        // A wait's own limit, when it is shorter.
        let (_tx, rx) = channel::bounded::<()>(0);
        assert_eq!(time::timeout(LONG, || rx.recv_timeout(SHORT)), Ok(Err(channel::RecvTimeoutError::Timeout)));
        assert_eq!(time::timeout(SHORT, || rx.recv_timeout(LONG)), Err(Elapsed));
    });
}

#[test]
fn a_token_has_the_earliest_of_its_own_and_its_parents() {
    run(|| {
        let parent = CancelToken::with_deadline(Instant::now() + SHORT);
        let child = parent.child_with_deadline(Instant::now() + LONG);
        assert_eq!(child.run_until_cancelled(thread::park), Err(Cancelled));
        assert!(parent.is_cancelled() && child.is_cancelled());
        let parent = CancelToken::new();
        let child = parent.child_with_deadline(Instant::now());
        assert!(child.is_cancelled() && !parent.is_cancelled());
    });
}

#[test]
fn threads_of_a_scope_share_it() {
    run(|| {
        let result = time::timeout(SHORT, || {
            thread::scope(|s| {
                (0..10).for_each(|_| drop(s.spawn(|| thread::sleep(LONG))));
            })
        });
        assert_eq!(result, Err(Elapsed));
    });
}

#[test]
fn on_os_threads() {
    assert_eq!(time::timeout(SHORT, || channel::never::<()>().recv()), Err(Elapsed));
    let (tx, rx) = channel::bounded(1);
    tx.send(3).unwrap();
    assert_eq!(time::timeout(SHORT, || rx.recv()), Ok(Ok(3)));
}
