//! Handles: what C keeps of our values. Go's TestHandle, and its like.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::channel;
use sward::ffi::{self, Handle};
use sward::thread;
use sward_tests::{CThread, run};

use crate::{Function, call_with, from_c};

/// A function for C, with a handle for its data.
extern "C-unwind" fn count(data: *mut c_void) {
    ffi::callback(|| Handle::with(data, |sum: &AtomicUsize| sum.fetch_add(1, Ordering::Relaxed)));
}

#[test]
fn c_passes_them_along() {
    run(|| {
        let sum = Handle::new(AtomicUsize::new(0));
        let function: Function = count;
        (0..10).for_each(|_| ffi::call(|| call_with(function, sum.as_ptr())));
        assert_eq!(Handle::with(sum.as_ptr(), |sum: &AtomicUsize| sum.load(Ordering::Relaxed)), 10);
    });
}

#[test]
fn each_has_its_value() {
    run(|| {
        thread::scope(|s| {
            for thread in 0..4_usize {
                s.spawn(move || {
                    for round in 0..50_usize {
                        let handles: Vec<_> = (0..20_usize).map(|n| Handle::new((thread, round, n))).collect();
                        thread::yield_now();
                        for (n, handle) in handles.iter().enumerate() {
                            Handle::with(handle.as_ptr(), |value: &(usize, usize, usize)| {
                                assert_eq!(*value, (thread, round, n));
                            });
                        }
                    }
                });
            }
        });
    });
}

/// The value waits for the end of its use, in which the user may wait.
#[test]
fn a_value_that_is_in_use_outlives_its_handle() {
    run(|| {
        let value = Arc::new(());
        let handle = Handle::new(Arc::clone(&value));
        let number = handle.as_ptr().addr();
        let (inside, is_inside) = channel::bounded(0);
        let (go, goes) = channel::bounded::<()>(0);
        thread::scope(|s| {
            s.spawn(move || {
                Handle::with(ptr::without_provenance_mut(number), |value: &Arc<()>| {
                    inside.send(()).unwrap();
                    goes.recv().unwrap();
                    assert_eq!(Arc::strong_count(value), 2);
                });
            });
            is_inside.recv().unwrap();
            drop(handle);
            assert_eq!(Arc::strong_count(&value), 2);
            go.send(()).unwrap();
        });
        assert_eq!(Arc::strong_count(&value), 1);
    });
}

/// Neither the making nor the use nor the end of one needs a green thread.
#[test]
fn they_work_on_a_c_thread() {
    run(|| {
        let sum = Handle::new(AtomicUsize::new(0));
        let number = sum.as_ptr().addr();
        let threads = [(); 4].map(|()| {
            CThread::spawn(move || {
                for n in 0..20_usize {
                    call_with(count, ptr::without_provenance_mut(number));
                    let own = Handle::new(n);
                    assert_eq!(Handle::with(own.as_ptr(), |value: &usize| *value), n);
                    from_c(|| drop(own));
                }
            })
        });
        threads.into_iter().for_each(|thread| ffi::call(|| thread.join()));
        assert_eq!(Handle::with(sum.as_ptr(), |sum: &AtomicUsize| sum.load(Ordering::Relaxed)), 80);
    });
}

/// A value's destructor may do what it likes, make and drop handles, too.
#[test]
fn a_value_may_have_handles() {
    struct Outer(Option<Handle<u32>>);
    impl Drop for Outer {
        fn drop(&mut self) {
            let inner = self.0.take().expect("dropped once");
            assert_eq!(Handle::with(inner.as_ptr(), |value: &u32| *value), 7);
            thread::yield_now();
            drop((inner, Handle::new(8)));
        }
    }
    run(|| drop(Handle::new(Outer(Some(Handle::new(7))))));
}
