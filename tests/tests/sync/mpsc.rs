//! `mpsc`: std's tests of its own, as far as they say something of a layer over our channels.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sward::sync::mpsc::{
    Receiver, RecvError, RecvTimeoutError, SendError, Sender, SyncSender, TryRecvError, TrySendError, channel,
    sync_channel,
};
use sward::thread;
use sward_tests::{Watchdog, run, run_on};

/// std's stress_shared, of both kinds: every message comes, once, and those of each sender in order.
#[test]
fn many_send_and_one_receives() {
    fn check(rx: Receiver<(usize, usize)>) {
        let mut next = [0; 8];
        for (from, n) in rx {
            assert_eq!(n, next[from]);
            next[from] += 1;
        }
        assert_eq!(next, [300; 8]);
    }
    for procs in [1, 2] {
        run_on(procs, || {
            let (tx, rx) = channel();
            for own in 0..8 {
                let tx = tx.clone();
                thread::spawn(move || (0..300).for_each(|n| tx.send((own, n)).unwrap()));
            }
            drop(tx);
            check(rx);
            for bound in [0, 1, 10] {
                let (tx, rx) = sync_channel(bound);
                for own in 0..8 {
                    let tx = tx.clone();
                    thread::spawn(move || (0..300).for_each(|n| tx.send((own, n)).unwrap()));
                }
                drop(tx);
                check(rx);
            }
        });
    }
}

/// The two kinds of threads, both ways.
#[test]
fn os_threads_and_green_threads_talk() {
    let _watchdog = Watchdog::start();
    let (ping, pings) = sync_channel(0);
    let (pong, pongs) = channel();
    let os_thread = std::thread::spawn(move || {
        for n in &pings {
            pong.send(n).unwrap();
        }
        assert_eq!(pings.recv(), Err(RecvError));
    });
    sward::run(move || {
        for n in 0..1000 {
            ping.send(n).unwrap();
            assert_eq!(pongs.recv(), Ok(n));
        }
    });
    os_thread.join().unwrap();
}

/// std's smoke_port_gone and chan_gone_concurrent: a send fails once the receiver is gone, and gives the message back.
#[test]
fn sends_end_with_the_receiver() {
    run_on(2, || {
        let (tx, rx) = channel();
        let ends = thread::spawn(move || {
            rx.recv().unwrap();
            drop(rx);
        });
        let mut n = 0;
        while tx.send(n).is_ok() {
            n += 1;
            thread::yield_now();
        }
        assert_eq!(tx.send(n), Err(SendError(n)));
        ends.join().unwrap();
        let (tx, rx) = sync_channel(0);
        let waits = thread::spawn(move || tx.send(1));
        thread::yield_now();
        drop(rx);
        assert_eq!(waits.join().unwrap(), Err(SendError(1)));
    });
}

/// std's port_gone_concurrent: receivers get what is left, then the error.
#[test]
fn receives_end_with_the_senders() {
    run(|| {
        let (tx, rx) = channel();
        let tx2 = tx.clone();
        tx.send(1).unwrap();
        drop(tx);
        tx2.send(2).unwrap();
        assert_eq!((rx.try_recv(), rx.try_recv(), rx.try_recv()), (Ok(1), Ok(2), Err(TryRecvError::Empty)));
        let waits = thread::spawn(move || (rx.recv(), rx.recv_timeout(Duration::MAX), rx.try_recv(), rx.iter().next()));
        thread::yield_now();
        drop(tx2);
        let gone = (Err(RecvError), Err(RecvTimeoutError::Disconnected), Err(TryRecvError::Disconnected), None::<i32>);
        assert_eq!(waits.join().unwrap(), gone);
    });
}

/// std's try_send tests.
#[test]
fn trying_does_not_wait() {
    run(|| {
        let (tx, rx) = sync_channel(1);
        assert_eq!(tx.try_send(1), Ok(()));
        assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        drop(rx);
        assert_eq!(tx.try_send(3), Err(TrySendError::Disconnected(3)));
        let (tx, _rx) = sync_channel(0);
        assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
    });
}

/// std's oneshot_single_thread_recv_timeout, recv_timeout_upgrade and their like.
#[test]
fn time_limits_end_waits() {
    let waits = || {
        let (tx, rx) = channel();
        for limit in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(2)] {
            let begin = Instant::now();
            assert_eq!(rx.recv_timeout(limit), Err(RecvTimeoutError::Timeout));
            assert!(begin.elapsed() >= limit);
        }
        tx.send(1).unwrap();
        assert_eq!(rx.recv_timeout(Duration::ZERO), Ok(1));
        tx.send(2).unwrap();
        assert_eq!(rx.recv_timeout(Duration::MAX), Ok(2));
    };
    run(waits);
    waits();
}

/// std's test_recv_iter_break, test_recv_try_iter, test_recv_into_iter_*.
#[test]
fn iterators() {
    run(|| {
        let (tx, rx) = channel();
        (0..10).for_each(|n| tx.send(n).unwrap());
        assert!(rx.try_iter().take(2).eq([0, 1]));
        assert!(rx.iter().take(2).eq([2, 3]));
        assert_eq!((&rx).into_iter().next(), Some(4));
        assert!(rx.try_iter().eq(5..10));
        assert_eq!(rx.try_iter().next(), None);
        tx.send(10).unwrap();
        drop(tx);
        assert!(rx.into_iter().eq([10]));
    });
}

/// std's drop_full: messages that nobody receives are dropped with the channel.
#[test]
fn unreceived_messages_are_dropped() {
    run(|| {
        let message = Arc::new(());
        let (tx, rx) = channel();
        tx.send(message.clone()).unwrap();
        let (sync_tx, sync_rx) = sync_channel(1);
        sync_tx.send(message.clone()).unwrap();
        drop((tx, rx));
        drop((sync_tx, sync_rx));
        assert_eq!(Arc::strong_count(&message), 1);
    });
}

#[test]
fn is_what_stds_is() {
    fn sent<T: Send + UnwindSafe + RefUnwindSafe>(_: &T) {}
    fn shared<T: Sync>(_: &T) {}
    let (tx, rx): (Sender<i32>, Receiver<i32>) = channel();
    let (sync_tx, _): (SyncSender<i32>, Receiver<i32>) = sync_channel(1);
    sent(&tx);
    sent(&rx);
    sent(&sync_tx);
    shared(&tx);
    shared(&sync_tx);
    assert_eq!(format!("{tx:?} {rx:?} {sync_tx:?}"), "Sender { .. } Receiver { .. } SyncSender { .. }");
    assert_eq!(
        format!("{:?} {:?}", rx.iter(), rx.try_iter()),
        "Iter { rx: Receiver { .. } } TryIter { rx: Receiver { .. } }"
    );
    assert_eq!(format!("{:?}", rx.into_iter()), "IntoIter { rx: Receiver { .. } }");
}
