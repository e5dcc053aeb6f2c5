//! A cancellation, a time limit and a message race for the same wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sward::cancel::CancelToken;
use sward::{channel, thread, time};
use sward_tests::run_on;

/// Each message is received, or its send has failed, or was cancelled with the message; and nobody waits for ever.
#[test]
fn nothing_is_lost_or_doubled() {
    for procs in [1, 4] {
        run_on(procs, || {
            let (sent, received) = (AtomicUsize::new(0), AtomicUsize::new(0));
            for round in 0..60 {
                let token = CancelToken::new();
                let (tx, rx) = channel::bounded(round % 3);
                thread::scope(|s| {
                    for _ in 0..2 {
                        s.spawn(|| {
                            let _ = token.run_until_cancelled(|| {
                                while tx.send_timeout(1, Duration::from_micros(50)).is_ok() {
                                    sent.fetch_add(1, Ordering::Relaxed);
                                }
                            });
                        });
                        s.spawn(|| {
                            let _ = token.run_until_cancelled(|| {
                                while let Ok(n) = rx.recv() {
                                    received.fetch_add(n, Ordering::Relaxed);
                                }
                            });
                        });
                    }
                    (0..round % 20).for_each(|_| thread::yield_now());
                    token.cancel();
                });
                received.fetch_add(rx.try_iter().sum::<usize>(), Ordering::Relaxed);
            }
            // A send that was cancelled after its message had been taken is not counted as sent.
            let (sent, received) = (sent.into_inner(), received.into_inner());
            assert!(sent <= received && received <= sent + 120, "{sent} sent, {received} received");
        });
    }
}

/// Tokens that come and go while others cancel them.
#[test]
fn tokens_are_made_run_and_cancelled_at_the_same_time() {
    run_on(4, || {
        let root = CancelToken::new();
        let ended = AtomicUsize::new(0);
        thread::scope(|s| {
            for i in 0..200 {
                let (root, ended) = (&root, &ended);
                s.spawn(move || {
                    let token = root.child_token();
                    let result = token.run_until_cancelled(|| {
                        loop {
                            let _ = time::timeout(Duration::from_micros(i * 10), thread::park);
                            let child = token.child_token();
                            let _guard = child.clone().drop_guard();
                            let _ = child.run_until_cancelled(thread::yield_now);
                        }
                    });
                    ended.fetch_add(usize::from(result == Err::<(), _>(sward::cancel::Cancelled)), Ordering::Relaxed);
                });
            }
            thread::sleep(Duration::from_millis(20));
            root.cancel();
        });
        assert_eq!(ended.into_inner(), 200);
    });
}
