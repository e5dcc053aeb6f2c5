//! Go's `chan_test`.
//!
//! A channel is closed by dropping the last handle of a side. So no send meets a close, which in Go is a race in itself (`SendClose`, `SendSelectClose`,
//! `CloseSend`: no race here), and a send that fails, instead of panicking, has found all receivers gone, and comes after what they did (`SyncCloseSend`,
//! `AsyncCloseSend`: no race here). Nor can a variable that holds a channel be overwritten under its users; there, `ChanItself` has a number
//! that says which channel to use.

use std::array;

use sward::channel::{Receiver, Sender, bounded, select};
use sward::race::Cell;
use sward::thread::scope;
use sward::yield_now;
use sward_tests::yield_until;

use super::{Row, Turn, rows};

pub const ROWS: &[Row] = rows![
    no_race_chan_sync,
    no_race_chan_sync_rev,
    no_race_chan_async,
    race_chan_async_rev,
    no_race_chan_async_close_recv,
    no_race_chan_async_close_recv_2,
    no_race_chan_async_close_recv_3,
    no_race_chan_sync_close_recv,
    no_race_chan_sync_close_recv_2,
    no_race_chan_sync_close_recv_3,
    no_race_chan_sync_close_send,
    no_race_chan_async_close_send,
    race_chan_close_close,
    race_chan_send_len,
    race_chan_recv_len,
    race_chan_send_send,
    no_race_chan_ptr,
    race_chan_wrong_send,
    race_chan_wrong_close,
    no_race_chan_send_close,
    no_race_chan_send_select_close,
    race_select_read_write_async,
    race_select_read_write_sync,
    no_race_select_read_write_async,
    race_chan_read_write_async,
    race_chan_read_write_sync,
    no_race_chan_read_write_async,
    no_race_producer_consumer_unbuffered,
    race_chan_itself_send,
    race_chan_itself_recv,
    race_chan_itself_nil,
    race_chan_itself_close,
    race_chan_itself_len,
    race_chan_itself_cap,
    race_chan_close_len,
    no_race_chan_close_send,
    no_race_chan_mutex,
    no_race_select_mutex,
    race_chan_sem,
    no_race_chan_wait_group,
    no_race_blocked_send_sync,
    no_race_blocked_select_send_sync,
    no_race_close_happens_before_read,
    no_race_elem_size_0,
    race_chan_same_place,
];

type Channel<T> = (Sender<T>, Receiver<T>);

/// A send, and what the sender did before, come before the receive.
fn sends_after_writing(channel: Channel<u32>) {
    let (v, (tx, rx)) = (Cell::new(0), channel);
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            tx.send(0).unwrap();
        });
        rx.recv().unwrap();
        v.set(2);
    });
}

fn no_race_chan_sync() {
    sends_after_writing(bounded(0));
}

fn no_race_chan_async() {
    sends_after_writing(bounded(10));
}

/// The receiver writes before it receives, the sender after it has sent.
fn receives_after_writing(channel: Channel<u32>) {
    let (v, (tx, rx)) = (Cell::new(0), channel);
    scope(|s| {
        s.spawn(|| {
            tx.send(0).unwrap();
            v.set(1);
        });
        v.set(2);
        rx.recv().unwrap();
    });
}

fn no_race_chan_sync_rev() {
    receives_after_writing(bounded(0));
}

fn race_chan_async_rev() {
    receives_after_writing(bounded(10));
}

/// Whoever finds the senders gone comes after what they did, in whichever way it finds out.
fn closes_after_writing(channel: Channel<u32>, find_out: impl FnOnce(Receiver<u32>)) {
    let (v, (tx, rx)) = (Cell::new(0), channel);
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            drop(tx);
        });
        find_out(rx);
        v.set(2);
    });
}

fn recv_fails(rx: Receiver<u32>) {
    rx.recv().unwrap_err();
}

fn polling_fails(rx: Receiver<u32>) {
    yield_until(|| rx.try_recv().is_err_and(|error| error.is_disconnected()));
}

fn iteration_ends(rx: Receiver<u32>) {
    assert_eq!(rx.iter().count(), 0);
}

fn no_race_chan_async_close_recv() {
    closes_after_writing(bounded(10), recv_fails);
}

fn no_race_chan_async_close_recv_2() {
    closes_after_writing(bounded(10), polling_fails);
}

fn no_race_chan_async_close_recv_3() {
    closes_after_writing(bounded(10), iteration_ends);
}

fn no_race_chan_sync_close_recv() {
    closes_after_writing(bounded(0), recv_fails);
}

fn no_race_chan_sync_close_recv_2() {
    closes_after_writing(bounded(0), polling_fails);
}

fn no_race_chan_sync_close_recv_3() {
    closes_after_writing(bounded(0), iteration_ends);
}

/// The receiver is dropped; the sender finds that out.
fn sends_until_closed(channel: Channel<u32>) {
    let (v, (tx, rx)) = (Cell::new(0), channel);
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            drop(rx);
        });
        while tx.send(0).is_ok() {}
        v.set(2);
    });
}

fn no_race_chan_sync_close_send() {
    sends_until_closed(bounded(0));
}

fn no_race_chan_async_close_send() {
    sends_until_closed(bounded(10));
}

/// Who drops a handle knows nothing of others that do.
fn race_chan_close_close() {
    let (v, (tx, _rx)) = (Cell::new(0), bounded::<u32>(0));
    let other = tx.clone();
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            drop(tx);
        });
        s.spawn(|| {
            drop(other);
            v.set(2);
        });
    });
}

/// The number of messages tells nobody anything.
fn race_chan_send_len() {
    let (v, (tx, rx)) = (Cell::new(0), bounded(10));
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            tx.send(1).unwrap();
        });
        yield_until(|| !rx.is_empty());
        v.set(2);
    });
}

fn race_chan_recv_len() {
    let (v, (tx, rx)) = (Cell::new(0), bounded(10));
    tx.send(1).unwrap();
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            rx.recv().unwrap();
        });
        yield_until(|| tx.is_empty());
        v.set(2);
    });
}

/// Two sends, of which one fails since the channel is full.
fn race_chan_send_send() {
    let (v1, v2, (tx, _rx)) = (Cell::new(0), Cell::new(0), bounded(1));
    scope(|s| {
        s.spawn(|| {
            v1.set(1);
            if tx.try_send(1).is_err() {
                v2.set(2);
            }
        });
        s.spawn(|| {
            v2.set(1);
            if tx.try_send(1).is_err() {
                v1.set(2);
            }
        });
    });
}

fn no_race_chan_ptr() {
    let (tx, rx) = bounded(0);
    scope(|s| {
        s.spawn(|| {
            let message = Box::new(Cell::new(0));
            message.set(1);
            tx.send(message).unwrap();
        });
        rx.recv().unwrap().set(2);
    });
}

/// What the one sender wrote is written after the message of the other.
fn race_chan_wrong_send() {
    let (v1, v2, (tx, rx)) = (Cell::new(0), Cell::new(0), bounded(2));
    scope(|s| {
        s.spawn(|| {
            v1.set(1);
            tx.send(1).unwrap();
        });
        s.spawn(|| {
            v2.set(2);
            tx.send(2).unwrap();
        });
        yield_until(|| rx.is_full());
        if rx.recv().unwrap() == 1 { v2.set(3) } else { v1.set(3) }
    });
}

/// A message comes before the end of the channel, and says nothing of it.
fn race_chan_wrong_close() {
    let (v, (tx, rx)) = (Cell::new(0), bounded(1));
    let (sends, sent, closed) = (tx.clone(), Turn::default(), Turn::default());
    scope(|s| {
        s.spawn(|| {
            sends.send(1).unwrap();
            sent.come();
        });
        s.spawn(|| {
            sent.wait();
            v.set(1);
            drop(tx);
            closed.come();
        });
        closed.wait();
        rx.recv().unwrap();
        v.set(2);
    });
}

fn no_race_chan_send_close() {
    let (tx, rx) = bounded(1);
    let other = tx.clone();
    scope(|s| {
        s.spawn(|| tx.send(1).unwrap());
        s.spawn(|| drop(other));
    });
    rx.recv().unwrap();
}

fn no_race_chan_send_select_close() {
    let ((tx, rx), (_never, never)) = (bounded(1), bounded::<u32>(0));
    scope(|s| {
        s.spawn(|| {
            select! {
                send(tx, 1) -> _ => {},
                recv(never) -> _ => unreachable!(),
            }
        });
        s.spawn(|| drop(rx));
    });
}

/// Sends `x`, or else 1 to nobody.
fn select_sends(x: &Cell<u32>, tx: &Sender<u32>, nobody: &Sender<u32>) {
    select! {
        send(tx, x.get()) -> sent => sent.unwrap(),
        send(nobody, 1) -> _ => unreachable!(),
    }
}

/// Receives to `x`, or else sends 1 to nobody.
fn select_receives(x: &Cell<u32>, rx: &Receiver<u32>, nobody: &Sender<u32>) {
    select! {
        recv(rx) -> message => x.set(message.unwrap()),
        send(nobody, 1) -> _ => unreachable!(),
    }
}

fn race_select_read_write_async() {
    let (x, (tx1, _rx1), (tx2, rx2), (nobody, _rx3)) = (Cell::new(0), bounded(10), bounded(10), bounded(0));
    tx2.send(1).unwrap();
    scope(|s| {
        s.spawn(|| select_sends(&x, &tx1, &nobody));
        select_receives(&x, &rx2, &nobody);
    });
}

fn race_select_read_write_sync() {
    let (x, (tx1, rx1), (tx2, rx2), (nobody, _rx3)) = (Cell::new(0), bounded(0), bounded(0), bounded(0));
    scope(|s| {
        s.spawn(|| rx1.recv().unwrap());
        s.spawn(|| tx2.send(1).unwrap());
        s.spawn(|| select_sends(&x, &tx1, &nobody));
        select_receives(&x, &rx2, &nobody);
    });
}

/// The message is made when the two have met, and still comes before the receive.
fn no_race_select_read_write_async() {
    let (x, (tx, rx), (nobody, _rx)) = (Cell::new(0), bounded(0), bounded(0));
    scope(|s| {
        s.spawn(|| select_sends(&x, &tx, &nobody));
        select_receives(&x, &rx, &nobody);
    });
}

fn race_chan_read_write_async() {
    let (x, (tx1, _rx1), (tx2, rx2)) = (Cell::new(0), bounded(10), bounded(10));
    tx2.send(10).unwrap();
    scope(|s| {
        s.spawn(|| tx1.send(x.get()).unwrap());
        x.set(rx2.recv().unwrap());
    });
}

fn race_chan_read_write_sync() {
    let (x, (tx1, rx1), (tx2, rx2)) = (Cell::new(0), bounded(0), bounded(0));
    scope(|s| {
        s.spawn(|| rx1.recv().unwrap());
        s.spawn(|| tx2.send(10).unwrap());
        s.spawn(|| tx1.send(x.get()).unwrap());
        x.set(rx2.recv().unwrap());
    });
}

fn no_race_chan_read_write_async() {
    let (x, (tx, rx)) = (Cell::new(0), bounded(10));
    scope(|s| {
        s.spawn(|| tx.send(x.get()).unwrap());
        x.set(rx.recv().unwrap());
    });
}

fn no_race_producer_consumer_unbuffered() {
    type Task<'a> = (Box<dyn FnOnce() + Send + 'a>, Sender<bool>);
    let (x, (queue, tasks)) = (Cell::new(0), bounded::<Task>(0));
    scope(|s| {
        s.spawn(|| {
            let (work, done) = tasks.recv().unwrap();
            work();
            done.send(true).unwrap();
        });
        let (done, finished) = bounded(1);
        queue.send((Box::new(|| x.set(1)), done)).ok().unwrap();
        finished.recv().unwrap();
        assert_eq!(x.get(), 1);
    });
}

/// A thread uses the channel that is in a variable, which is changed meanwhile.
fn itself(uses: impl Fn(&Channel<u32>) + Sync) {
    let (which, channels) = (Cell::new(0), [bounded(10), bounded(20)]);
    channels.iter().for_each(|(tx, _)| tx.send(1).unwrap());
    scope(|s| {
        s.spawn(|| uses(&channels[which.get()]));
        which.set(1);
    });
}

fn race_chan_itself_send() {
    itself(|(tx, _)| tx.send(0).unwrap());
}

fn race_chan_itself_recv() {
    itself(|(_, rx)| assert_eq!(rx.recv(), Ok(1)));
}

fn race_chan_itself_nil() {
    let (is_there, (tx, _rx)) = (Cell::new(true), bounded(10));
    scope(|s| {
        s.spawn(|| {
            if is_there.get() {
                tx.send(0).unwrap();
            }
        });
        is_there.set(false);
    });
}

fn race_chan_itself_close() {
    itself(|(tx, _)| drop(tx.clone()));
}

fn race_chan_itself_len() {
    itself(|(tx, _)| assert_eq!(tx.len(), 1));
}

fn race_chan_itself_cap() {
    itself(|(tx, _)| assert!(tx.capacity().is_some()));
}

fn race_chan_close_len() {
    let (v, (tx, rx), closed) = (Cell::new(0), bounded(10), Turn::default());
    tx.send(0).unwrap();
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            drop(tx);
            closed.come();
        });
        closed.wait();
        assert_eq!(rx.len(), 1);
        v.set(2);
    });
}

fn no_race_chan_close_send() {
    let (tx, rx) = bounded(10);
    scope(|s| {
        s.spawn(|| drop(rx));
        // It succeeds or not.
        let _ = tx.send(0);
    });
}

/// A channel of one place as a lock. The messages have no size.
fn no_race_chan_mutex() {
    let (data, (lock, unlock)) = (Cell::new(0), bounded(1));
    let turn = |value| {
        lock.send(()).unwrap();
        data.set(value);
        unlock.recv().unwrap();
    };
    scope(|s| {
        s.spawn(|| turn(42));
        turn(43);
    });
}

fn no_race_select_mutex() {
    let (data, (lock, unlock), (_never, never)) = (Cell::new(0), bounded(1), bounded::<u32>(0));
    let turn = |value| {
        select! {
            send(lock, ()) -> sent => sent.unwrap(),
            recv(never) -> _ => unreachable!(),
        }
        data.set(value);
        select! {
            recv(unlock) -> message => message.unwrap(),
            recv(never) -> _ => unreachable!(),
        }
    };
    scope(|s| {
        s.spawn(|| turn(42));
        turn(43);
    });
}

/// Two places are a semaphore that lets two in.
fn race_chan_sem() {
    let (data, (enter, leave)) = (Cell::new(0), bounded(2));
    let turn = |value| {
        enter.send(true).unwrap();
        data.set(value);
        leave.recv().unwrap();
    };
    scope(|s| {
        s.spawn(|| turn(42));
        turn(43);
    });
}

/// Whoever gets all places comes after all who have left theirs.
fn no_race_chan_wait_group() {
    const N: usize = 10;
    let (data, (enter, leave)) = (array::from_fn::<_, N, _>(|_| Cell::new(0)), bounded(N / 2));
    scope(|s| {
        for data in &data {
            enter.send(true).unwrap();
            s.spawn(|| {
                data.set(42);
                leave.recv().unwrap();
            });
        }
        (0..N / 2).for_each(|_| enter.send(true).unwrap());
        data.iter().for_each(|data| assert_eq!(data.get(), 42));
    });
}

/// A sender that waits for a place.
fn blocked_send(receive: impl FnOnce(&Receiver<Option<Box<Cell<u32>>>>) -> Option<Box<Cell<u32>>>) {
    let (tx, rx) = bounded(1);
    tx.send(None).unwrap();
    scope(|s| {
        s.spawn(|| {
            let message = Box::new(Cell::new(0));
            message.set(42);
            tx.send(Some(message)).unwrap();
        });
        // Whether it waits already makes no difference.
        yield_now();
        rx.recv().unwrap();
        assert_eq!(receive(&rx).unwrap().get(), 42);
    });
}

fn no_race_blocked_send_sync() {
    blocked_send(|rx| rx.recv().unwrap());
}

fn no_race_blocked_select_send_sync() {
    let (_never, never) = bounded::<u32>(0);
    blocked_send(|rx| {
        select! {
            recv(rx) -> message => message.unwrap(),
            recv(never) -> _ => unreachable!(),
        }
    });
}

/// The end is found by a look that does not wait, too (golang/go#36714).
fn no_race_close_happens_before_read() {
    for _ in 0..100 {
        let (v, (writes, written), (reads, read)) = (Cell::new(0), bounded::<u32>(0), bounded::<u32>(0));
        scope(|s| {
            s.spawn(|| {
                select! {
                    recv(written) -> _ => assert_eq!(v.get(), 1),
                    default => {},
                }
                drop(reads);
            });
            s.spawn(|| {
                v.set(1);
                drop(writes);
            });
            read.recv().unwrap_err();
        });
    }
}

/// Messages without a size leave places, too (golang/go#42598).
fn no_race_elem_size_0() {
    let (x, y, (enter, leave)) = (Cell::new(0), Cell::new(0), bounded(2));
    let turn = |v: &Cell<u32>| {
        v.set(v.get() + 1);
        leave.recv().unwrap();
    };
    (0..2).for_each(|_| enter.send(()).unwrap());
    scope(|s| {
        s.spawn(|| turn(&x));
        s.spawn(|| turn(&y));
        (0..2).for_each(|_| enter.send(()).unwrap());
        assert_eq!((x.replace(2), y.replace(2)), (1, 1));
    });
}

/// The receive comes before the next send to the same place, but the first send does not (golang/go#37355).
fn race_chan_same_place() {
    let (v, (tx, rx), received) = (Cell::new(0), bounded(1), Turn::default());
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            tx.send(1).unwrap();
        });
        s.spawn(|| {
            received.wait();
            tx.send(2).unwrap();
            v.set(2);
        });
        rx.recv().unwrap();
        received.come();
    });
}
