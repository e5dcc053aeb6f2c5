//! What Go's table has no row for: primitives that only we have, and orders that go other ways.

use std::io::{Read, Write};
use std::sync as os_sync;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread as os;
use std::time::Duration;

use sward::cancel::CancelToken;
use sward::channel::{Sender, after, bounded, select, tick, unbounded};
use sward::net::UnixStream;
use sward::race::Cell;
use sward::sync::{Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock, RwLockWriteGuard, Semaphore, mpsc};
use sward::thread::{current, park, scope};
use sward::{io, race, spawn, task, yield_now};
use sward_tests::yield_until;

use super::{Row, Turn, rows};

pub const ROWS: &[Row] = rows![
    no_race_spawn_join,
    no_race_spawn_await,
    no_race_scope_end,
    no_race_unwanted_result,
    race_yield,
    race_sleep,
    race_is_finished,
    no_race_unbounded,
    race_unbounded_rev,
    race_unbounded_other_sender,
    no_race_unbounded_growth,
    no_race_mpsc,
    no_race_unreceived_message,
    no_race_waiting_receiver_leaves_its_place,
    race_waiting_receiver_and_one_send,
    race_waiting_receiver_and_one_select,
    race_waiting_receiver_leaves_one_place,
    no_race_select_makes_message_late,
    no_race_select_is_met,
    no_race_select_finds_end,
    no_race_select_keeps_place,
    race_try_lock_fails,
    race_try_write_fails,
    no_race_downgrade,
    no_race_condvar_signal,
    no_race_once,
    no_race_once_lock,
    no_race_lazy_lock,
    no_race_barrier,
    race_barrier_next_round,
    no_race_semaphore,
    race_semaphore_of_two,
    no_race_park,
    no_race_park_os_thread,
    no_race_cancel,
    no_race_cancelled_wait,
    no_race_waker,
    no_race_recv_future,
    no_race_after,
    no_race_tick,
    no_race_socket,
    race_socket_rev,
    no_race_pipe,
    no_race_unblock,
    no_race_acquire_release,
    race_acquire_without_release,
    no_race_into_inner,
    no_race_moved,
];

/// What one thread does is found by another.
fn passes(by: impl FnOnce(&(dyn Fn() + Sync)) + Send, find_out: impl FnOnce()) {
    let v = Cell::new(0);
    scope(|s| {
        s.spawn(|| by(&|| v.set(1)));
        find_out();
        v.set(2);
    });
}

fn no_race_spawn_join() {
    let v = Cell::new(0);
    v.set(1);
    scope(|s| {
        s.spawn(|| v.set(2)).join().unwrap();
        v.set(3);
    });
}

fn no_race_spawn_await() {
    let v = std::sync::Arc::new(Cell::new(0));
    let other = v.clone();
    task::block_on(spawn(move || other.set(1)).into_future()).unwrap();
    v.set(2);
}

fn no_race_scope_end() {
    let v = Cell::new(0);
    scope(|s| drop(s.spawn(|| v.set(1))));
    v.set(2);
}

/// A thread's result that nobody takes is dropped by the last who could have.
fn no_race_unwanted_result() {
    struct Reads(std::sync::Arc<Cell<u32>>);
    impl Drop for Reads {
        fn drop(&mut self) {
            self.0.get();
        }
    }
    let v = std::sync::Arc::new(Cell::new(0));
    let reads = Reads(v.clone());
    let thread = spawn(move || {
        reads.0.set(1);
        reads
    });
    yield_until(|| thread.is_finished());
    drop(thread);
}

fn race_yield() {
    let (v, done) = (Cell::new(0), Turn::default());
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            done.come();
        });
        yield_now();
        done.wait();
        v.set(2);
    });
}

fn race_sleep() {
    let v = Cell::new(0);
    scope(|s| {
        s.spawn(|| v.set(1));
        sward::thread::sleep(Duration::from_millis(1));
        v.set(2);
    });
}

/// As std's, it promises nothing.
fn race_is_finished() {
    let v = Cell::new(0);
    scope(|s| {
        let thread = s.spawn(|| v.set(1));
        yield_until(|| thread.is_finished());
        v.set(2);
    });
}

fn no_race_unbounded() {
    let (tx, rx) = unbounded();
    passes(
        |write| {
            write();
            tx.send(1).unwrap();
        },
        || assert_eq!(rx.recv(), Ok(1)),
    );
}

/// A send to an unbounded channel waits for nobody.
fn race_unbounded_rev() {
    let (v, (tx, rx), received) = (Cell::new(0), unbounded(), Turn::default());
    tx.send(0).unwrap();
    scope(|s| {
        s.spawn(|| {
            received.wait();
            (0..100).for_each(|n| tx.send(n).unwrap());
            v.set(1);
        });
        v.set(2);
        rx.recv().unwrap();
        received.come();
    });
}

/// Its message is in the channel, behind the one that is received.
fn race_unbounded_other_sender() {
    let (v, (tx, rx), first) = (Cell::new(0), unbounded(), Turn::default());
    scope(|s| {
        s.spawn(|| {
            tx.send(1).unwrap();
            first.come();
        });
        s.spawn(|| {
            first.wait();
            v.set(1);
            tx.send(2).unwrap();
        });
        yield_until(|| rx.len() == 2);
        assert_eq!(rx.recv(), Ok(1));
        v.set(2);
    });
}

/// The buffer grows while messages are in it, at different places.
fn no_race_unbounded_growth() {
    let (tx, rx) = unbounded();
    for _ in 0..10 {
        tx.send(Box::new(Cell::new(0))).unwrap();
        rx.recv().unwrap();
    }
    scope(|s| {
        s.spawn(|| {
            for n in 0..100 {
                let message = Box::new(Cell::new(0));
                message.set(n);
                tx.send(message).unwrap();
            }
        });
        yield_until(|| rx.len() == 100);
        (0..100).for_each(|n| assert_eq!(rx.recv().unwrap().get(), n));
    });
}

fn no_race_mpsc() {
    let (tx, rx) = mpsc::channel();
    passes(
        move |write| {
            write();
            tx.send(1).unwrap();
        },
        || assert_eq!(rx.recv(), Ok(1)),
    );
}

/// A message that nobody has received is dropped with the receiver.
fn no_race_unreceived_message() {
    struct Reads(Cell<u32>);
    impl Drop for Reads {
        fn drop(&mut self) {
            self.0.get();
        }
    }
    for (tx, rx) in [bounded(1), unbounded()] {
        scope(|s| {
            s.spawn(|| {
                let message = Box::new(Reads(Cell::new(0)));
                message.0.set(1);
                tx.send(message).ok().unwrap();
            });
            yield_until(|| !rx.is_empty());
            drop(rx);
        });
    }
}

/// A receive, mostly by a thread that waits already, and as many sends by `send`. Which of them comes after the receive depends on the places.
fn receives_before_sends(places: usize, sends: usize, send: impl Fn(&Sender<usize>, usize)) {
    let (v, (tx, rx)) = (Cell::new(0), bounded(places));
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            rx.recv().unwrap();
        });
        (0..10).for_each(|_| yield_now());
        (0..sends).for_each(|n| send(&tx, n));
        v.set(2);
    });
}

fn plainly(tx: &Sender<usize>, n: usize) {
    tx.send(n).unwrap();
}

fn by_select(tx: &Sender<usize>, n: usize) {
    let (_never, never) = bounded::<u32>(0);
    select! {
        send(tx, n) -> sent => sent.unwrap(),
        recv(never) -> _ => unreachable!(),
    }
}

fn no_race_waiting_receiver_leaves_its_place() {
    receives_before_sends(1, 2, plainly);
    receives_before_sends(2, 3, plainly);
    receives_before_sends(1, 2, by_select);
    receives_before_sends(2, 3, by_select);
}

fn race_waiting_receiver_and_one_send() {
    receives_before_sends(1, 1, plainly);
}

fn race_waiting_receiver_and_one_select() {
    receives_before_sends(1, 1, by_select);
}

fn race_waiting_receiver_leaves_one_place() {
    receives_before_sends(2, 2, plainly);
}

/// The message is made after the two have met.
fn no_race_select_makes_message_late() {
    let (v, w, (tx, rx), (_never, never)) = (Cell::new(0), Cell::new(0), bounded(0), bounded::<u32>(0));
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            select! {
                recv(rx) -> message => assert_eq!(message, Ok(w.get())),
                recv(never) -> _ => unreachable!(),
            }
        });
        (0..10).for_each(|_| yield_now());
        let message = || {
            yield_now();
            w.set(5);
            5
        };
        select! {
            send(tx, message()) -> sent => sent.unwrap(),
            recv(never) -> _ => unreachable!(),
        }
        v.set(2);
    });
}

/// A select waits, to be met by a receiver.
fn no_race_select_is_met() {
    let (v, (tx, rx)) = (Cell::new(0), bounded(0));
    scope(|s| {
        s.spawn(|| {
            by_select(&tx, 1);
            v.set(2);
        });
        (0..10).for_each(|_| yield_now());
        v.set(1);
        assert_eq!(rx.recv(), Ok(1));
    });
}

/// A select waits, until nobody is left on the other side.
fn no_race_select_finds_end() {
    let (v, w, (tx, rx), (full, no_place)) = (Cell::new(0), Cell::new(0), bounded::<u32>(0), bounded(0));
    let (_never, never) = bounded::<u32>(0);
    scope(|s| {
        s.spawn(|| {
            select! {
                recv(rx) -> message => assert!(message.is_err()),
                recv(never) -> _ => unreachable!(),
            }
            v.set(2);
        });
        s.spawn(|| {
            select! {
                send(full, 1) -> sent => assert!(sent.is_err()),
                recv(never) -> _ => unreachable!(),
            }
            w.set(2);
        });
        (0..10).for_each(|_| yield_now());
        v.set(1);
        drop(tx);
        w.set(1);
        drop(no_place);
    });
}

/// A select waits for a place, is kept one, and makes its message late.
fn no_race_select_keeps_place() {
    let (v, w, (tx, rx), (_never, never)) = (Cell::new(0), Cell::new(0), bounded(1), bounded::<u32>(0));
    tx.send(1).unwrap();
    scope(|s| {
        s.spawn(|| {
            let message = || {
                yield_now();
                w.set(5);
                5
            };
            select! {
                send(tx, message()) -> sent => sent.unwrap(),
                recv(never) -> _ => unreachable!(),
            }
            v.set(2);
        });
        (0..10).for_each(|_| yield_now());
        v.set(1);
        assert_eq!(rx.recv(), Ok(1));
        assert_eq!(rx.recv(), Ok(5));
        w.set(6);
    });
}

/// A failed attempt to lock orders nothing, in neither direction.
fn race_try_lock_fails() {
    let (v, lock, failed) = (Cell::new(0), Mutex::new(()), Turn::default());
    scope(|s| {
        let guard = lock.lock().unwrap();
        s.spawn(|| {
            v.set(1);
            assert!(lock.try_lock().is_err());
            failed.come();
        });
        failed.wait();
        drop(guard);
        drop(lock.lock().unwrap());
        v.set(2);
    });
}

fn race_try_write_fails() {
    let (v, lock, failed) = (Cell::new(0), RwLock::new(()), Turn::default());
    scope(|s| {
        let guard = lock.read().unwrap();
        s.spawn(|| {
            v.set(1);
            assert!(lock.try_write().is_err());
            failed.come();
        });
        failed.wait();
        drop(guard);
        drop(lock.write().unwrap());
        v.set(2);
    });
}

/// Readers come after the writer that has become one of them, and it before the next writer.
fn no_race_downgrade() {
    let (v, w, lock, downgraded) = (Cell::new(0), Cell::new(0), RwLock::new(()), Turn::default());
    scope(|s| {
        s.spawn(|| {
            let writer = lock.write().unwrap();
            v.set(1);
            let _reader = RwLockWriteGuard::downgrade(writer);
            downgraded.come();
            w.set(v.get());
        });
        downgraded.wait();
        let reader = lock.read().unwrap();
        assert_eq!(v.get(), 1);
        drop(reader);
        let _writer = lock.write().unwrap();
        w.set(2);
    });
}

/// Who is woken comes after what the notifier did since it had the lock.
fn no_race_condvar_signal() {
    let (v, waits, condvar) = (Cell::new(0), Mutex::new(false), Condvar::new());
    scope(|s| {
        s.spawn(|| {
            yield_until(|| *waits.lock().unwrap());
            v.set(1);
            condvar.notify_one();
        });
        let mut guard = waits.lock().unwrap();
        *guard = true;
        drop(condvar.wait(guard).unwrap());
        v.set(2);
    });
}

fn no_race_once() {
    let once = Once::new();
    passes(|write| once.call_once(write), || once.wait());
}

/// Found done, and waited for.
fn no_race_once_lock() {
    let cell = OnceLock::new();
    let set = |write: &(dyn Fn() + Sync)| {
        write();
        cell.set(1).unwrap();
    };
    passes(set, || yield_until(|| cell.get().is_some()));
    let cell = OnceLock::new();
    let make = |write: &(dyn Fn() + Sync)| {
        cell.get_or_init(write);
    };
    passes(make, || assert_eq!(cell.wait(), &()));
}

fn no_race_lazy_lock() {
    let v = Cell::new(0);
    let lazy = LazyLock::new(|| {
        v.set(1);
        &v
    });
    scope(|s| {
        s.spawn(|| lazy.get());
        assert_eq!(lazy.get(), 1);
    });
}

fn no_race_barrier() {
    let (data, barrier) = ([Cell::new(0), Cell::new(0)], Barrier::new(2));
    scope(|s| {
        for own in 0..2 {
            let (data, barrier) = (&data, &barrier);
            s.spawn(move || {
                for round in 1..=3 {
                    data[own].set(round);
                    barrier.wait();
                    assert_eq!(data[1 - own].get(), round);
                    barrier.wait();
                }
            });
        }
    });
}

/// Another round of the same barrier, between others.
fn race_barrier_next_round() {
    let (v, barrier, next) = (Cell::new(0), Barrier::new(2), Turn::default());
    let wait_next = || {
        next.wait();
        barrier.wait();
    };
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            barrier.wait();
            next.come();
        });
        s.spawn(|| barrier.wait().is_leader());
        s.spawn(wait_next);
        s.spawn(|| {
            wait_next();
            v.set(2);
        });
    });
}

fn no_race_semaphore() {
    let (v, semaphore) = (Cell::new(0), Semaphore::new(1));
    let turn = || {
        let _permit = semaphore.acquire();
        v.set(v.get() + 1);
    };
    scope(|s| {
        s.spawn(turn);
        s.spawn(turn);
        yield_until(|| semaphore.try_acquire().map(|_permit| v.set(v.get() + 1)).is_some());
    });
}

/// Permits that are not given back.
fn race_semaphore_of_two() {
    let (v, semaphore) = (Cell::new(0), Semaphore::new(2));
    let turn = || {
        semaphore.acquire().forget();
        v.set(1);
    };
    scope(|s| {
        s.spawn(turn);
        s.spawn(turn);
    });
}

fn no_race_park() {
    let (main, flag) = (current(), AtomicBool::new(false));
    passes(
        |write| {
            write();
            flag.store(true, Ordering::Release);
            main.unpark();
        },
        || {
            // Once at least: it is the token that the flag comes with.
            park();
            while !flag.load(Ordering::Acquire) {
                park();
            }
        },
    );
}

/// An OS thread parks. It is known to the detector before, as one that is not is taken to come after everything.
fn no_race_park_os_thread() {
    let (v, handle, flag) = (Cell::new(0), std::sync::OnceLock::new(), AtomicBool::new(false));
    os::scope(|s| {
        s.spawn(|| {
            drop(Mutex::new(()).lock());
            handle.set(current()).unwrap();
            park();
            while !flag.load(Ordering::Acquire) {
                park();
            }
            v.set(2);
        });
        yield_until(|| handle.get().is_some());
        // What comes after a release is not what the OS thread was taken to have seen.
        race::release(&flag);
        v.set(1);
        flag.store(true, Ordering::Release);
        handle.get().unwrap().unpark();
    });
}

fn no_race_cancel() {
    let token = CancelToken::new();
    passes(
        |write| {
            write();
            token.cancel();
        },
        || yield_until(|| token.is_cancelled()),
    );
}

/// Also in what unwinds, before anybody looks at the token.
fn no_race_cancelled_wait() {
    struct Writes<'a>(&'a Cell<u32>);
    impl Drop for Writes<'_> {
        fn drop(&mut self) {
            self.0.set(2);
        }
    }
    let (v, token) = (Cell::new(0), CancelToken::new());
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            token.cancel();
        });
        let outcome = token.run_until_cancelled(|| {
            let _writes = Writes(&v);
            park_for_ever();
        });
        assert!(outcome.is_err());
        v.set(3);
    });
}

fn park_for_ever() {
    loop {
        park();
    }
}

fn no_race_waker() {
    let (flag, waker) = (AtomicBool::new(false), std::sync::Mutex::new(None::<std::task::Waker>));
    passes(
        |write| {
            write();
            flag.store(true, Ordering::Release);
            yield_until(|| waker.lock().unwrap().is_some());
            let waker = waker.lock().unwrap().take().unwrap();
            waker.wake();
        },
        || {
            let mut polled = false;
            task::block_on(std::future::poll_fn(|context| {
                if polled {
                    return std::task::Poll::Ready(());
                }
                polled = true;
                *waker.lock().unwrap() = Some(context.waker().clone());
                std::task::Poll::Pending
            }));
            assert!(flag.load(Ordering::Acquire));
        },
    );
}

fn no_race_recv_future() {
    let (tx, rx) = bounded(1);
    passes(
        |write| {
            write();
            tx.send(1).unwrap();
        },
        || assert_eq!(task::block_on(rx.into_future()), Ok(1)),
    );
}

/// A time comes after the channel was made on which it does.
fn no_race_after() {
    let (timer, made) = (std::sync::Mutex::new(None), Turn::default());
    passes(
        |write| {
            write();
            *timer.lock().unwrap() = Some(after(Duration::from_micros(10)));
            made.come();
        },
        || {
            made.wait();
            let timer = timer.lock().unwrap().take().unwrap();
            timer.recv().unwrap();
        },
    );
}

fn no_race_tick() {
    let (ticker, made) = (std::sync::Mutex::new(None), Turn::default());
    passes(
        |write| {
            write();
            *ticker.lock().unwrap() = Some(tick(Duration::from_micros(10)));
            made.come();
        },
        || {
            made.wait();
            let ticker = ticker.lock().unwrap().take().unwrap();
            select! { recv(ticker) -> time => assert!(time.is_ok()) }
        },
    );
}

fn no_race_socket() {
    let (mut writer, mut reader) = UnixStream::pair().unwrap();
    passes(
        |write| {
            write();
            writer.write_all(&[1]).unwrap();
        },
        || reader.read_exact(&mut [0]).unwrap(),
    );
}

/// What is read comes back to nobody.
fn race_socket_rev() {
    let (v, (mut writer, mut reader)) = (Cell::new(0), UnixStream::pair().unwrap());
    scope(|s| {
        s.spawn(|| {
            writer.write_all(&[1]).unwrap();
            v.set(1);
        });
        v.set(2);
        reader.read_exact(&mut [0]).unwrap();
    });
}

fn no_race_pipe() {
    let (mut reader, mut writer) = io::pipe().unwrap();
    passes(
        |write| {
            write();
            writer.write_all(&[1]).unwrap();
        },
        || reader.read_exact(&mut [0]).unwrap(),
    );
}

/// What blocks an OS thread is the green thread's own doing.
fn no_race_unblock() {
    let v = Cell::new(0);
    v.set(1);
    sward::unblock(|| v.set(2));
    v.set(3);
    sward::ffi::quick(|| v.set(4));
    v.set(5);
}

fn no_race_acquire_release() {
    let flag = AtomicBool::new(false);
    passes(
        |write| {
            write();
            race::release(&flag);
            flag.store(true, Ordering::Release);
        },
        || {
            yield_until(|| flag.load(Ordering::Acquire));
            race::acquire(&flag);
        },
    );
}

fn race_acquire_without_release() {
    let flag = AtomicBool::new(false);
    passes(
        |write| {
            write();
            flag.store(true, Ordering::Release);
        },
        || {
            yield_until(|| flag.load(Ordering::Acquire));
            race::acquire(&flag);
        },
    );
}

/// The place of a variable that is gone is another one's.
fn no_race_into_inner() {
    let gone = |value| {
        let cell = Cell::new(0);
        cell.set(value);
        assert_eq!(cell.into_inner(), value);
    };
    scope(|s| {
        s.spawn(|| gone(1));
        s.spawn(|| gone(2));
    });
}

/// So is the place that a variable has been moved from. (std's lock is none that the detector knows of.)
fn no_race_moved() {
    let place = os_sync::Mutex::new(Some(Cell::new(0)));
    let used = Turn::default();
    scope(|s| {
        s.spawn(|| {
            place.lock().unwrap().as_ref().unwrap().set(1);
            used.come();
        });
        s.spawn(|| {
            used.wait();
            let mut place = place.lock().unwrap();
            let moved = place.replace(Cell::new(0));
            place.as_ref().unwrap().set(2);
            assert!(moved.is_some());
        });
    });
}
