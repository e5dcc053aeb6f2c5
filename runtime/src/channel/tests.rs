//! What channels promise, each once on plain OS threads and once on green threads. Many of these are Go's tests of its channels
//! (`runtime/chan_test.go`, `test/chan`), in the semantics of crossbeam-channel.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::ends::Side;
use super::*;

/// Makes a test of its body on OS threads, and another on green ones: `thread` is what they spawn and yield with.
macro_rules! on_both {
    ($($(#[$doc:meta])* fn $name:ident() $body:block)*) => { $(
        $(#[$doc])*
        mod $name {
            use super::*;

            #[test]
            fn on_os_threads() {
                #[allow(unused_imports, reason = "for the bodies that spawn")]
                use std::thread;
                $body
            }

            #[sward::test]
            fn on_green_threads() {
                #[allow(unused_imports, reason = "for the bodies that spawn")]
                use sward::thread;
                $body
            }
        }
    )* };
}

mod end;
mod traffic;
mod waiting;

/// Yields until the condition holds. The caller sees to it that it will.
fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        // On an OS thread, this is std's.
        sward::yield_now();
    }
}

fn wait_for_receivers<T>(r: &Receiver<T>, n: usize) {
    wait_until(|| r.count_waiting() == n);
}

fn wait_for_senders<T>(s: &Sender<T>, n: usize) {
    wait_until(|| s.count_waiting() == n);
}

impl<T> Receiver<T> {
    fn count_waiting(&self) -> usize {
        self.0.as_ref().unwrap().count_waiting(Side::Receive)
    }
}

impl<T> Sender<T> {
    fn count_waiting(&self) -> usize {
        self.0.count_waiting(Side::Send)
    }
}

/// Channels of several sizes, the unbounded one too.
fn channels<T>() -> impl Iterator<Item = (Sender<T>, Receiver<T>)> {
    [0, 1, 2, 3, 10, 128].into_iter().map(bounded).chain([unbounded()])
}

#[test]
fn a_buffer_too_large_is_refused_by_name() {
    let payload = catch_unwind(AssertUnwindSafe(|| bounded::<u64>(usize::MAX))).unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(message.starts_with("no memory for a channel of 18446744073709551615 messages of 8 bytes"), "{message}");
}

#[test]
fn errors_say_what_happened() {
    let (s, r) = bounded(0);
    let full = s.try_send(1).unwrap_err();
    assert_eq!((full.to_string(), format!("{full:?}")), ("sending on a full channel".into(), "Full(..)".into()));
    let timeout = s.send_timeout(1, Duration::ZERO).unwrap_err();
    assert_eq!(timeout.to_string(), "timed out waiting on send operation");
    assert_eq!(r.try_recv().unwrap_err().to_string(), "receiving on an empty channel");
    assert_eq!(r.recv_timeout(Duration::ZERO).unwrap_err().to_string(), "timed out waiting on receive operation");
    let (other, gone) = bounded::<i32>(0);
    drop((s, gone));
    assert_eq!(TrySendError::from(other.send(1).unwrap_err()), TrySendError::Disconnected(1));
    assert_eq!(SendTimeoutError::from(other.send(1).unwrap_err()).into_inner(), 1);
    assert_eq!(TryRecvError::from(r.recv().unwrap_err()), TryRecvError::Disconnected);
    assert_eq!(RecvTimeoutError::from(RecvError), r.recv_timeout(Duration::ZERO).unwrap_err());
    assert_eq!(RecvError.to_string(), "receiving on an empty and disconnected channel");
}

#[test]
fn messages_need_not_be_send() {
    let (s, r) = unbounded();
    s.send(Rc::new(5)).unwrap();
    assert_eq!(*r.recv().unwrap(), 5);
}

#[test]
fn what_may_cross_threads() {
    fn crosses<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    crosses::<Sender<Cell<u8>>>();
    crosses::<Receiver<Cell<u8>>>();
}
