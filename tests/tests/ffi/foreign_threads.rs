//! Callbacks on threads that C has made: each a green thread of its own, on an M that the thread borrows.

use std::cell::{Cell, RefCell};
use std::panic;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sward::sync::Mutex;
use sward::thread::{self, lock_os_thread};
use sward::{channel, ffi};
use sward_tests::{CThread, hog_until, os_thread, run, run_on, yield_until};

use crate::{PROCS, from_c, handle_signal, signal_stack, through_c};

/// Runs `f` on a thread made by C, and blocks the caller until it has ended.
fn on_c_thread(f: impl FnOnce() + Send + 'static) {
    let thread = CThread::spawn(f);
    ffi::call(|| thread.join());
}

/// Runs `f` on so many threads made by C at once.
fn on_c_threads(threads: usize, f: impl Fn(usize) + Send + Sync + 'static) {
    let f = Arc::new(f);
    let start = |n| {
        let f = f.clone();
        CThread::spawn(move || f(n))
    };
    let threads: Vec<_> = (0..threads).map(start).collect();
    ffi::call(|| threads.into_iter().for_each(CThread::join));
}

fn wait_around() {
    thread::yield_now();
    thread::sleep(Duration::from_micros(50));
    assert_eq!(thread::spawn(|| 7).join().unwrap(), 7);
    ffi::call(|| std::thread::sleep(Duration::from_micros(50)));
    let (tx, rx) = channel::bounded(0);
    let sender = thread::spawn(move || tx.send(8).unwrap());
    assert_eq!(rx.recv(), Ok(8));
    sender.join().unwrap();
    through_c(thread::yield_now);
}

fn exists(os_thread: i32) -> bool {
    Path::new(&format!("/proc/self/task/{os_thread}")).exists()
}

/// Go's Test5337, TestCthread.
#[test]
fn many_threads_call_back() {
    for procs in PROCS {
        run_on(procs, || {
            let sum = Arc::new(AtomicUsize::new(0));
            let own = sum.clone();
            on_c_threads(20, move |n| {
                for _ in 0..10 {
                    from_c(|| own.fetch_add(n, Ordering::Relaxed));
                }
            });
            assert_eq!(sum.load(Ordering::Relaxed), 1900);
        });
    }
}

#[test]
fn callbacks_wait_in_every_way() {
    for procs in PROCS {
        run_on(procs, || on_c_threads(6, |_| (0..4).for_each(|_| from_c(wait_around))));
    }
}

/// One thread of ours and one of C's feed each other.
#[test]
fn a_c_thread_talks_to_a_green_one() {
    for procs in PROCS {
        run_on(procs, || {
            let (ping, pings) = channel::bounded(0);
            let (pong, pongs) = channel::bounded(0);
            let thread = CThread::spawn(move || {
                while let Ok(ball) = from_c(|| pings.recv()) {
                    from_c(|| pong.send(ball).unwrap());
                }
            });
            for ball in 0..100 {
                ping.send(ball).unwrap();
                assert_eq!(pongs.recv(), Ok(ball));
            }
            drop(ping);
            ffi::call(|| thread.join());
        });
    }
}

sward::thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Each callback is another green thread, on the OS thread that calls back.
#[test]
fn each_callback_is_a_thread_of_its_own() {
    run(|| {
        on_c_thread(|| {
            let home = os_thread();
            let mut seen = Vec::new();
            for _ in 0..10 {
                let id = from_c(|| {
                    let id = thread::current().id();
                    COUNT.set(COUNT.get() + 1);
                    wait_around();
                    assert_eq!(os_thread(), home);
                    through_c(|| {
                        assert_eq!(thread::current().id(), id);
                        COUNT.set(COUNT.get() + 1);
                        wait_around();
                        assert_eq!(os_thread(), home);
                    });
                    assert_eq!(COUNT.get(), 2);
                    id
                });
                assert!(!seen.contains(&id));
                seen.push(id);
            }
        });
    });
}

/// What a callback leaves in thread-locals is dropped at its end, where that may wait.
#[test]
fn thread_locals_end_with_the_callback() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            thread::yield_now();
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
    sward::thread_local! {
        static KEPT: RefCell<Option<Counted>> = const { RefCell::new(None) };
    }
    run(|| {
        on_c_thread(|| {
            for n in 0..5 {
                from_c(|| KEPT.with_borrow_mut(|kept| *kept = Some(Counted)));
                assert_eq!(DROPPED.load(Ordering::Relaxed), n + 1);
            }
        });
    });
}

/// A handle to the green thread of a callback outlives it, and names nobody else.
#[test]
fn a_handle_to_it_outlives_the_callback() {
    run(|| {
        on_c_thread(|| {
            let kept: Vec<_> = (0..20).map(|_| from_c(thread::current)).collect();
            for (n, thread) in kept.iter().enumerate() {
                thread.unpark();
                assert!(kept[..n].iter().all(|other| other.id() != thread.id()));
            }
            from_c(|| {
                // None of those tokens is this thread's.
                thread::park_timeout(Duration::from_micros(50));
                drop(kept);
            });
        });
        wait_around();
    });
}

/// Go's TestExternalThreadPanic, where somebody catches it.
#[test]
fn a_panic_comes_out_of_the_callback() {
    run(|| {
        on_c_threads(3, |_| {
            for _ in 0..20 {
                let caught = panic::catch_unwind(|| {
                    from_c(|| {
                        thread::yield_now();
                        panic!("inside")
                    })
                });
                assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"inside"));
                assert!(!std::thread::panicking());
            }
            from_c(wait_around);
        });
    });
}

/// A std thread is as much a stranger to the runtime as one of C's.
#[test]
fn a_std_thread_calls_back() {
    run(|| {
        let thread =
            std::thread::spawn(|| (0..10).map(|_| from_c(|| thread::spawn(|| 1).join().unwrap())).sum::<u32>());
        assert_eq!(ffi::call(|| thread.join().unwrap()), 10);
    });
}

/// Go's TestEnsureBindM: what a thread has borrowed it keeps, its signal stack among it, and gives back at its end.
#[test]
fn a_thread_keeps_its_m_between_callbacks() {
    run(|| {
        on_c_thread(|| {
            let before = signal_stack();
            let first = from_c(|| ffi::quick(signal_stack)).ss_sp;
            assert_ne!(first, before.ss_sp);
            for _ in 0..10 {
                assert_eq!((signal_stack().ss_sp, from_c(|| ffi::quick(signal_stack)).ss_sp), (first, first));
            }
        });
    });
}

/// Whatever a thread had for a signal stack it has when its M is gone: never one that has been unmapped.
#[test]
fn a_signal_finds_a_stack_at_the_threads_end() {
    static SIGNALS: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn handler(_: i32) {
        SIGNALS.fetch_add(1, Ordering::Relaxed);
    }
    struct Raises;
    impl Drop for Raises {
        fn drop(&mut self) {
            // SAFETY: the process handles it.
            unsafe { libc::raise(libc::SIGUSR2) };
        }
    }
    thread_local! {
        static LAST: RefCell<Option<Raises>> = const { RefCell::new(None) };
    }
    handle_signal(libc::SIGUSR2, handler);
    run(|| {
        let calls_back = || {
            // Made before what a callback makes, so gone after it.
            LAST.with_borrow_mut(|last| *last = Some(Raises));
            CThread::at_end(|| drop(Raises));
            from_c(wait_around);
        };
        on_c_thread(calls_back);
        let thread = std::thread::spawn(calls_back);
        ffi::call(|| thread.join().unwrap());
        assert_eq!(SIGNALS.load(Ordering::Relaxed), 4);
    });
}

/// Go's TestDestructorCallback: Rust's thread-locals are gone, the M with them, or there never was one.
#[test]
fn a_destructor_calls_back() {
    static CALLED: AtomicUsize = AtomicUsize::new(0);
    run(|| {
        for before in [|| (), || from_c(wait_around)] {
            on_c_threads(5, move |_| {
                before();
                CThread::at_end(|| {
                    for _ in 0..3 {
                        from_c(wait_around);
                        CALLED.fetch_add(1, Ordering::Relaxed);
                    }
                });
            });
        }
        assert_eq!(CALLED.load(Ordering::Relaxed), 30);
    });
}

/// The thread of a scheduler's M ends with a green thread that was locked to it. What C has left there calls back.
#[test]
fn a_destructor_calls_back_at_the_end_of_one_of_our_os_threads() {
    for procs in [1, 2] {
        run_on(procs, || {
            let (tx, rx) = channel::unbounded();
            let mut homes: Vec<_> = (0..10)
                .map(|_| {
                    let tx = tx.clone();
                    let ends = thread::spawn(move || {
                        std::mem::forget(lock_os_thread());
                        ffi::call(|| CThread::at_end(move || from_c(|| tx.send(os_thread()).unwrap())));
                        os_thread()
                    });
                    // Others, whose Ms take over what it has left.
                    let others = [(); 3].map(|()| thread::spawn(wait_around));
                    others.into_iter().for_each(|other| other.join().unwrap());
                    ends.join().unwrap()
                })
                .collect();
            drop(tx);
            let mut from: Vec<_> = rx.iter().collect();
            from.sort_unstable();
            homes.sort_unstable();
            assert_eq!(from, homes);
            yield_until(|| !homes.iter().any(|&home| exists(home)));
            wait_around();
        });
    }
}

/// The green thread ends with the callback, and what it was locked to is not its heir's.
#[test]
fn a_lock_that_was_forgotten_ends_with_the_callback() {
    for procs in [1, 2] {
        run_on(procs, || {
            on_c_thread(|| {
                for _ in 0..10 {
                    from_c(|| std::mem::forget(lock_os_thread()));
                }
            });
            // More than there are records of dead threads to use again.
            let others: Vec<_> = (0..300).map(|_| thread::spawn(wait_around)).collect();
            others.into_iter().for_each(|other| other.join().unwrap());
        });
    }
}

/// It is no use, but does no harm.
#[test]
fn a_lock_outlives_its_callback() {
    run_on(1, || {
        on_c_thread(|| {
            let locks: Vec<_> = (0..10).map(|_| from_c(lock_os_thread)).collect();
            from_c(wait_around);
            drop(locks);
            from_c(wait_around);
        });
        let others: Vec<_> = (0..300).map(|_| thread::spawn(thread::yield_now)).collect();
        others.into_iter().for_each(|other| other.join().unwrap());
        wait_around();
    });
}

/// Callbacks from threads of C's get a P though hogs have them all.
#[test]
fn callbacks_go_on_among_hogs() {
    for procs in [1, 2] {
        run_on(procs, || {
            let done = AtomicBool::new(false);
            thread::scope(|s| {
                for _ in 0..procs {
                    s.spawn(|| hog_until(|| done.load(Ordering::Acquire)));
                }
                on_c_threads(3, |_| (0..2).for_each(|_| from_c(thread::yield_now)));
                done.store(true, Ordering::Release);
            });
        });
    }
}

/// On one P, a hog in a callback is in nobody's way.
#[test]
fn a_hog_on_a_c_thread_is_preempted() {
    run_on(1, || {
        let go = Arc::new(AtomicBool::new(false));
        let (inside, is_inside) = channel::bounded(1);
        let thread = CThread::spawn({
            let go = go.clone();
            move || {
                from_c(|| {
                    inside.send(()).unwrap();
                    hog_until(|| go.load(Ordering::Acquire));
                });
                from_c(wait_around);
            }
        });
        is_inside.recv().unwrap();
        wait_around();
        go.store(true, Ordering::Release);
        ffi::call(|| thread.join());
    });
}

/// As libraries do with threads of theirs, lest they get signals that are meant for others.
#[test]
fn a_hog_on_a_c_thread_that_blocks_signals_is_preempted() {
    run_on(1, || {
        let go = Arc::new(AtomicBool::new(false));
        let (inside, is_inside) = channel::bounded(1);
        let thread = CThread::spawn({
            let go = go.clone();
            move || {
                // SAFETY: blocks all signals of this thread.
                unsafe {
                    let mut all = std::mem::MaybeUninit::uninit();
                    libc::sigfillset(all.as_mut_ptr());
                    libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), std::ptr::null_mut());
                }
                from_c(|| {
                    inside.send(()).unwrap();
                    hog_until(|| go.load(Ordering::Acquire));
                });
            }
        });
        is_inside.recv().unwrap();
        go.store(true, Ordering::Release);
        ffi::call(|| thread.join());
    });
}

/// Go's Test3250 and Test9400: signals come at any time, in C, in callbacks and in between, and their handlers run on the signal stack.
#[test]
#[cfg_attr(feature = "tsan", ignore = "ThreadSanitizer has handlers called later, on whichever stack")]
fn signals_come_meanwhile() {
    static SIGNALS: AtomicUsize = AtomicUsize::new(0);
    static ELSEWHERE: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn handler(_: i32) {
        // SAFETY: the flag of the thread that runs this.
        if signal_stack().ss_flags & libc::SS_ONSTACK == 0 {
            ELSEWHERE.fetch_add(1, Ordering::Relaxed);
        }
        SIGNALS.fetch_add(1, Ordering::Relaxed);
    }
    handle_signal(libc::SIGUSR1, handler);
    run_on(2, || {
        let (ready, is_ready) = channel::bounded(0);
        let done = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (done, ready) = (done.clone(), ready.clone());
                CThread::spawn(move || {
                    from_c(|| ready.send(()).unwrap());
                    while !done.load(Ordering::Acquire) {
                        from_c(wait_around);
                    }
                })
            })
            .collect();
        // From now on each has an M, and so a signal stack.
        threads.iter().for_each(|_| is_ready.recv().unwrap());
        while SIGNALS.load(Ordering::Relaxed) < 100 {
            for thread in &threads {
                for signal in [libc::SIGUSR1, libc::SIGURG] {
                    // SAFETY: the thread has not been joined, and the process handles the signal.
                    assert_eq!(unsafe { libc::pthread_kill(thread.id(), signal) }, 0);
                }
            }
            thread::yield_now();
        }
        done.store(true, Ordering::Release);
        ffi::call(|| threads.into_iter().for_each(CThread::join));
        assert_eq!(ELSEWHERE.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn the_number_of_ps_changes_meanwhile() {
    run_on(2, || {
        let done = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let done = done.clone();
                CThread::spawn(move || {
                    while !done.load(Ordering::Acquire) {
                        from_c(wait_around);
                    }
                })
            })
            .collect();
        for procs in [1, 4, 2, 3, 1, 4].repeat(5) {
            sward::set_procs(procs);
            wait_around();
        }
        done.store(true, Ordering::Release);
        ffi::call(|| threads.into_iter().for_each(CThread::join));
    });
}

#[test]
fn c_threads_share_a_lock_with_green_ones() {
    for procs in PROCS {
        run_on(procs, || {
            let sum = Arc::new(Mutex::new(0));
            let add = |sum: &Mutex<u32>| {
                let mut sum = sum.lock().unwrap();
                thread::yield_now();
                *sum += 1;
            };
            let green: Vec<_> = (0..3)
                .map(|_| {
                    let sum = sum.clone();
                    thread::spawn(move || (0..30).for_each(|_| add(&sum)))
                })
                .collect();
            let theirs = sum.clone();
            on_c_threads(3, move |_| (0..30).for_each(|_| from_c(|| add(&theirs))));
            green.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(*sum.lock().unwrap(), 180);
        });
    }
}

/// Threads come and go while others are in callbacks.
#[test]
fn threads_come_and_go() {
    run_on(2, || {
        let ended = Arc::new(AtomicUsize::new(0));
        for _ in 0..50 {
            let ended = ended.clone();
            CThread::spawn(move || {
                from_c(thread::yield_now);
                from_c(|| ended.fetch_add(1, Ordering::Release));
            })
            .detach();
            thread::spawn(wait_around).join().unwrap();
        }
        yield_until(|| ended.load(Ordering::Acquire) == 50);
    });
}

/// Inside a call, a callback's code is that of any OS thread.
#[test]
fn a_callback_runs_another_main() {
    run(|| {
        let (tx, rx) = channel::bounded(1);
        on_c_thread(move || {
            let outer = from_c(|| ffi::call(|| sward::run(|| through_c(|| thread::spawn(|| 7).join().unwrap()))));
            tx.send(outer).unwrap();
        });
        assert_eq!(rx.recv(), Ok(7));
    });
}
