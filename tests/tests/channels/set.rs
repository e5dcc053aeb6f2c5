//! `Select`: a set of operations that is made while the program runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::channel::{
    Receiver, RecvError, Select, SelectTimeoutError, SelectedOperation, SendError, TryReadyError, TrySelectError,
    bounded, never, unbounded,
};

use super::*;

on_both! {
    /// One operation after another, by the same set.
    fn a_set_is_used_again() {
        let ((s1, r1), (s2, r2)) = (bounded(0), unbounded::<String>());
        thread::scope(|scope| {
            scope.spawn(|| (0..300).for_each(|n: usize| s1.send(n).unwrap()));
            let mut set = Select::new();
            let number = set.recv(&r1);
            let send = set.send(&s2);
            let (mut numbers, mut sent) = (0, 0);
            while numbers < 300 {
                let operation = set.select();
                if operation.index() == number {
                    assert_eq!(operation.recv(&r1), Ok(numbers));
                    numbers += 1;
                } else {
                    assert_eq!(operation.index(), send);
                    operation.send(&s2, sent.to_string()).unwrap();
                    sent += 1;
                }
            }
            assert!(r2.try_iter().map(|n| n.parse::<usize>().unwrap()).eq(0..sent));
        });
    }

    /// A set that is cloned, sent away, and used from several threads.
    fn a_set_for_several_threads() {
        let (s, r) = bounded(1);
        let mut set = Select::new();
        set.recv(&r);
        set.recv(&r);
        let sum: u64 = thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| {
                let mut set = set.clone();
                let r = &r;
                scope.spawn(move || std::iter::from_fn(|| set.select().recv(r).ok()).sum::<u64>())
            }).collect();
            (1..=300).for_each(|n| s.send(n).unwrap());
            drop(s);
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(sum, 300 * 301 / 2);
    }

    /// Messages of all sizes, some in memory of their own.
    fn messages_of_all_sizes() {
        #[repr(align(128))]
        #[derive(Clone, PartialEq, Debug)]
        struct Aligned(u8);
        #[repr(align(64))]
        struct AlignedNothing;
        let (s1, r1) = unbounded::<()>();
        let (s2, r2) = unbounded::<Aligned>();
        let (s3, r3) = unbounded::<[u64; 100]>();
        let (s4, r4) = unbounded::<String>();
        let (s5, r5) = unbounded::<AlignedNothing>();
        s1.send(()).unwrap();
        s2.send(Aligned(7)).unwrap();
        s3.send([8; 100]).unwrap();
        s4.send("nine".into()).unwrap();
        s5.send(AlignedNothing).unwrap();
        let mut left = 5;
        let mut set = Select::new();
        let indices = [set.recv(&r1), set.recv(&r2), set.recv(&r3), set.recv(&r4), set.recv(&r5)];
        while let Ok(operation) = set.try_select() {
            left -= 1;
            // Wherever it is moved.
            let operation = *Box::new(operation);
            match operation.index() {
                i if i == indices[0] => assert_eq!(operation.recv(&r1), Ok(())),
                i if i == indices[1] => assert_eq!(operation.recv(&r2), Ok(Aligned(7))),
                i if i == indices[2] => assert_eq!(operation.recv(&r3), Ok([8; 100])),
                i if i == indices[3] => assert_eq!(operation.recv(&r4).as_deref(), Ok("nine")),
                _ => assert!(operation.recv(&r5).is_ok()),
            }
        }
        assert_eq!(left, 0);
        let mut nothing = Select::new();
        nothing.recv(&r5);
        s5.send(AlignedNothing).unwrap();
        assert!(nothing.select().recv(&r5).is_ok());
    }

    fn operations_are_removed() {
        let (s, r) = unbounded();
        s.send(1).unwrap();
        let mut set = Select::new();
        let (first, second, third) = (set.recv(&r), set.send(&s), set.recv(&r));
        set.remove(first);
        set.remove(third);
        assert_eq!(set.ready(), second);
        assert_eq!(set.recv(&r), 3, "indices are not used again");
        set.remove(second);
        let operation = set.select();
        assert_eq!((operation.index(), operation.recv(&r)), (3, Ok(1)));
    }

    fn disconnected_ends() {
        let ((s, gone), (left, r)) = (bounded::<i32>(0), bounded::<i32>(0));
        drop((gone, left));
        let mut set = Select::new();
        set.send(&s);
        assert_eq!(set.select().send(&s, 5), Err(SendError(5)));
        let mut set = Select::new();
        set.recv(&r);
        assert_eq!(set.select_timeout(AGES).unwrap().recv(&r), Err(RecvError));
    }
}

#[test]
fn what_it_is() {
    fn crosses<T: Send + Sync>(_: &T) {}
    let set = Select::default();
    crosses(&set);
    assert_eq!(format!("{set:?}"), "Select { .. }");
    let (s, _r) = unbounded::<()>();
    let mut set = Select::new();
    set.send(&s);
    let operation = set.select();
    assert_eq!(format!("{operation:?}"), "SelectedOperation { .. }");
    operation.send(&s, ()).unwrap();
    assert_eq!(TrySelectError.to_string(), "all operations in select would block");
    assert_eq!(SelectTimeoutError.to_string(), "timed out waiting on select");
    assert_eq!(format!("{TryReadyError:?}"), "TryReadyError");
}

#[test]
#[should_panic(expected = "no operations have been added to `Select`")]
fn a_set_of_nothing() {
    drop(Select::new().select());
}

#[test]
#[should_panic(expected = "index out of bounds; 1 >= 1")]
fn removing_what_was_never_added() {
    let r = never::<()>();
    let mut set = Select::new();
    set.recv(&r);
    set.remove(1);
}

#[test]
#[should_panic(expected = "no operation with this index")]
fn removing_twice() {
    let r = never::<()>();
    let mut set = Select::new();
    set.recv(&r);
    set.remove(0);
    set.remove(0);
}

#[test]
#[should_panic(expected = "passed a receiver that wasn't selected")]
fn completing_with_another_receiver() {
    let (_, r) = unbounded::<()>();
    let mut set = Select::new();
    set.recv(&r);
    let _ = set.select().recv(&r.clone());
}

#[test]
#[should_panic(expected = "passed a sender that wasn't selected")]
fn completing_with_another_sender() {
    let (s, _r) = unbounded();
    let mut set = Select::new();
    set.send(&s);
    let _ = set.select().send(&s.clone(), ());
}

#[test]
#[should_panic(expected = "dropped `SelectedOperation` without completing the operation")]
fn dropping_an_operation() {
    let (s, _r) = unbounded::<()>();
    let mut set = Select::new();
    set.send(&s);
    drop(set.select());
}

/// crossbeam-channel's `panic_on_drop` and its like: a panic that is under way is enough.
#[test]
fn dropping_an_operation_while_panicking() {
    fn panic_with(_operation: SelectedOperation<'_>) {
        std::panic::resume_unwind(Box::new("the first panic"));
    }
    let (s, r) = bounded::<()>(1);
    let payload = std::panic::catch_unwind(|| {
        let mut set = Select::new();
        set.send(&s);
        panic_with(set.select());
    });
    assert_eq!(*payload.unwrap_err().downcast::<&str>().unwrap(), "the first panic");
    s.try_send(()).unwrap();
    r.try_recv().unwrap();
}

/// A message that is not taken is not dropped twice, nor by the wrong thread: it is lost.
#[test]
fn a_message_of_a_dropped_operation() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let (s, r): (_, Receiver<Counted>) = unbounded();
    (0..2).for_each(|_| assert!(s.send(Counted(drops.clone())).is_ok()));
    let mut set = Select::new();
    set.recv(&r);
    assert!(set.select().recv(&r).is_ok());
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(set.select()))).is_err());
    drop((s, r));
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}
