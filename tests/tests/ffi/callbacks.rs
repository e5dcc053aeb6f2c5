//! Callbacks within a foreign call: the same green thread goes on, on the same OS thread.

use std::cell::Cell;
use std::ffi::c_void;
use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sward::cancel::{CancelToken, Cancelled};
use sward::sync::Mutex;
use sward::thread::{self, lock_os_thread};
use sward::{channel, ffi, time};
use sward_tests::{hog_until, os_thread, run, run_on, yield_until};

use crate::{PROCS, from_c, through_c};

/// Waits in every way there is.
fn wait_around() {
    thread::yield_now();
    thread::sleep(Duration::from_micros(50));
    assert_eq!(thread::spawn(|| 7).join().unwrap(), 7);
    thread::park_timeout(Duration::from_micros(50));
    ffi::call(|| std::thread::sleep(Duration::from_micros(50)));
    let (tx, rx) = channel::bounded(0);
    let sender = thread::spawn(move || tx.send(8).unwrap());
    assert_eq!(rx.recv(), Ok(8));
    sender.join().unwrap();
    let (_tx, never) = channel::bounded::<()>(0);
    sward::select! {
        recv(never) -> _ => unreachable!("nobody sends"),
        recv(channel::after(Duration::from_micros(50))) -> _ => {}
    }
}

/// Go's TestCallback.
#[test]
fn it_returns_the_value_and_may_borrow() {
    run(|| {
        let words = [String::from("a"), String::from("b")];
        assert_eq!(through_c(|| words.len()), 2);
        assert_eq!(through_c(|| words.concat()), "ab");
        assert_eq!(through_c(|| black_box([7_u8; 5000]))[4999], 7);
        through_c(|| drop(words));
    });
}

#[test]
fn on_a_green_stack_it_only_calls() {
    run(|| {
        let here = os_thread();
        assert_eq!(from_c(|| from_c(os_thread)), here);
        assert_eq!(from_c(|| through_c(|| from_c(|| 7))), 7);
        let payload = panic::catch_unwind(|| from_c(|| panic!("inside"))).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"inside"));
    });
}

#[test]
fn it_waits_in_every_way() {
    for procs in PROCS {
        run_on(procs, || {
            thread::scope(|s| {
                for _ in 0..5 {
                    s.spawn(|| (0..5).for_each(|_| through_c(wait_around)));
                    // Others, to have the OS threads fought for.
                    s.spawn(|| (0..5).for_each(|_| wait_around()));
                }
            });
        });
    }
}

sward::thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Deep down, it is still the thread that made the first call, with what belongs to it.
#[test]
fn it_is_the_green_thread_that_called() {
    fn nest(depth: usize) {
        let (id, home) = (thread::current().id(), ffi::quick(os_thread));
        DEPTH.set(DEPTH.get() + 1);
        if depth > 0 {
            ffi::call(|| {
                let home = os_thread();
                from_c(|| {
                    assert_eq!(thread::current().id(), id);
                    wait_around();
                    assert_eq!(os_thread(), home);
                    nest(depth - 1);
                    assert_eq!(os_thread(), home);
                });
                assert_eq!(os_thread(), home);
            });
        } else {
            // Wired by those around it.
            wait_around();
            assert_eq!(ffi::quick(os_thread), home);
        }
        assert_eq!(thread::current().id(), id);
    }
    run(|| {
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    nest(5);
                    assert_eq!(DEPTH.get(), 6);
                });
            }
        });
        assert_eq!(DEPTH.get(), 0);
    });
}

/// Its `park` is the thread's, and so is the token.
#[test]
fn it_parks_and_is_unparked() {
    for procs in PROCS {
        run_on(procs, || {
            let me = thread::current();
            let woken = AtomicBool::new(false);
            thread::scope(|s| {
                s.spawn(|| {
                    woken.store(true, Ordering::Release);
                    me.unpark();
                });
                through_c(|| {
                    while !woken.load(Ordering::Acquire) {
                        thread::park();
                    }
                });
            });
        });
    }
}

/// Go's TestCallbackStack, and TestReturnAfterGrow: deep, and with large frames; afterwards everything is where it was.
#[test]
fn calls_and_callbacks_nest_deeply() {
    #[inline(never)]
    fn fill(depth: usize) -> usize {
        let frame = black_box([depth; 512]);
        if depth == 0 { frame[0] } else { fill(depth - 1) + frame[depth] - depth }
    }
    fn nest(depth: usize) -> usize {
        let frame = black_box([depth; 64]);
        // A large part of this stack, and of the OS thread's.
        let filled = fill(20) + ffi::call(|| fill(20));
        let deeper = if depth == 0 {
            thread::yield_now();
            0
        } else {
            through_c(|| nest(depth - 1))
        };
        assert_eq!(frame, [depth; 64]);
        filled + fill(20) + deeper + frame[depth]
    }
    run_on(2, || {
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| assert_eq!(nest(40), (0..=40).sum()));
            }
        });
    });
}

/// Go's Test1560, of callbacks: each waits for all others, in C and out of it.
#[test]
fn many_are_in_callbacks_at_once() {
    const THREADS: usize = 12;
    for procs in PROCS {
        run_on(procs, || {
            let (in_c, back) = (std::sync::Barrier::new(THREADS), sward::sync::Barrier::new(THREADS));
            thread::scope(|s| {
                for _ in 0..THREADS {
                    s.spawn(|| {
                        ffi::call(|| {
                            in_c.wait();
                            from_c(|| {
                                back.wait();
                                ffi::call(|| in_c.wait());
                                back.wait();
                            });
                            in_c.wait();
                        });
                    });
                }
            });
        });
    }
}

#[test]
fn they_take_a_contended_lock() {
    for procs in PROCS {
        run_on(procs, || {
            let sum = Mutex::new(0);
            thread::scope(|s| {
                for _ in 0..6 {
                    s.spawn(|| {
                        for _ in 0..20 {
                            through_c(|| {
                                let mut sum = sum.lock().unwrap();
                                thread::yield_now();
                                *sum += 1;
                            });
                        }
                    });
                }
            });
            assert_eq!(sum.into_inner().unwrap(), 120);
        });
    }
}

/// On one P, a callback's turn comes between those of others, and theirs between its own.
#[test]
fn they_take_turns_with_others() {
    run_on(1, || {
        let (others, done) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|s| {
            s.spawn(|| {
                yield_until(|| {
                    others.fetch_add(1, Ordering::AcqRel);
                    done.load(Ordering::Acquire)
                });
            });
            through_c(|| {
                let before = others.load(Ordering::Acquire);
                yield_until(|| others.load(Ordering::Acquire) >= before + 20);
            });
            done.store(true, Ordering::Release);
        });
    });
}

/// A callback gets a P though hogs have them all, and is one itself.
#[test]
fn it_goes_on_among_hogs() {
    for procs in [1, 2] {
        run_on(procs, || {
            let done = AtomicBool::new(false);
            thread::scope(|s| {
                for _ in 0..procs {
                    s.spawn(|| hog_until(|| done.load(Ordering::Acquire)));
                }
                ffi::call(|| {
                    for _ in 0..3 {
                        std::thread::sleep(Duration::from_millis(2));
                        from_c(thread::yield_now);
                    }
                });
                done.store(true, Ordering::Release);
            });
        });
    }
}

/// A hog in a callback loses its P to others, and what comes after it finds all in order: the end of the callback, a wait in it, a call.
#[test]
fn a_hog_in_a_callback_is_preempted() {
    run_on(1, || {
        for after in [|| (), thread::yield_now, || ffi::call(std::thread::yield_now), || through_c(thread::yield_now)] {
            let turns = AtomicUsize::new(0);
            thread::scope(|s| {
                let other = s.spawn(|| (0..3).for_each(|n| turns.store(n + 1, Ordering::Release)));
                through_c(|| {
                    hog_until(|| turns.load(Ordering::Acquire) == 3);
                    after();
                });
                other.join().unwrap();
            });
        }
    });
}

#[test]
fn the_number_of_ps_changes_meanwhile() {
    run_on(2, || {
        let done = AtomicBool::new(false);
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    while !done.load(Ordering::Acquire) {
                        through_c(wait_around);
                    }
                });
            }
            for procs in [1, 4, 2, 3, 1, 4].repeat(4) {
                sward::set_procs(procs);
                through_c(|| {
                    thread::yield_now();
                    sward::set_procs(3);
                    wait_around();
                });
            }
            done.store(true, Ordering::Release);
        });
    });
}

/// Go's TestCallbackGC: an allocation storm in callbacks.
#[test]
fn callbacks_allocate() {
    run_on(2, || {
        thread::scope(|s| {
            for thread in 0..4_usize {
                s.spawn(move || {
                    for round in 0..30 {
                        let words: Vec<String> = through_c(|| {
                            let words = (0..50).map(|n| format!("{thread} {round} {n}"));
                            thread::yield_now();
                            words.collect()
                        });
                        let last = thread::spawn(move || words.last().cloned()).join().unwrap();
                        assert_eq!(last, Some(format!("{thread} {round} 49")));
                    }
                });
            }
        });
    });
}

/// A comparison by qsort that waits.
#[test]
fn the_c_library_calls_back() {
    extern "C" fn compare(a: *const c_void, b: *const c_void) -> i32 {
        // SAFETY: qsort hands over two elements of the array.
        let (a, b) = unsafe { (*a.cast::<i32>(), *b.cast::<i32>()) };
        ffi::callback(|| {
            thread::spawn(thread::yield_now).join().unwrap();
            a.cmp(&b) as i32
        })
    }
    run(|| {
        let mut numbers: Vec<i32> = (0..40).map(|n| n * 37 % 41).collect();
        // SAFETY: an array of so many elements of four bytes.
        ffi::call(|| unsafe { libc::qsort(numbers.as_mut_ptr().cast(), numbers.len(), 4, Some(compare)) });
        assert!(numbers.is_sorted());
    });
}

/// Go's TestCallbackPanic and TestCallbackPanicLoop: the very payload comes out of the call, and nothing is left of the panic.
#[test]
fn a_panic_comes_out_of_the_call() {
    #[derive(Debug, PartialEq)]
    struct Payload(usize);
    for procs in PROCS {
        run_on(procs, || {
            for n in 0..100 {
                let boxed = Box::new(Payload(n));
                let address = (&raw const *boxed).addr();
                let payload = panic::catch_unwind(AssertUnwindSafe(|| {
                    through_c(|| {
                        thread::yield_now();
                        panic::resume_unwind(boxed)
                    })
                }));
                let payload = payload.unwrap_err().downcast::<Payload>().expect("a Payload");
                assert_eq!(((&raw const *payload).addr(), payload.0), (address, n));
                assert!(!thread::panicking());
                thread::yield_now();
            }
        });
    }
}

#[test]
fn a_panic_goes_through_all_levels() {
    struct Count<'a>(&'a AtomicUsize);
    impl Drop for Count<'_> {
        fn drop(&mut self) {
            assert!(thread::panicking());
            // A destructor may have to wait, on either stack.
            thread::spawn(|| ()).join().unwrap();
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    fn nest(depth: usize, dropped: &AtomicUsize) {
        let _here = Count(dropped);
        ffi::call(|| {
            from_c(|| {
                let _there = Count(dropped);
                if depth == 0 { panic!("at the bottom") } else { nest(depth - 1, dropped) }
            });
        });
    }
    run(|| {
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    let dropped = AtomicUsize::new(0);
                    let payload = panic::catch_unwind(AssertUnwindSafe(|| nest(3, &dropped))).unwrap_err();
                    assert_eq!(payload.downcast_ref(), Some(&"at the bottom"));
                    assert_eq!(dropped.into_inner(), 8);
                    assert!(!thread::panicking());
                });
            }
        });
        let joined = thread::spawn(|| through_c(|| panic!("not caught"))).join();
        assert_eq!(joined.unwrap_err().downcast_ref(), Some(&"not caught"));
    });
}

/// A call in a destructor while the thread unwinds, with a callback that waits, and panics and catches.
#[test]
fn a_callback_while_its_thread_unwinds() {
    struct CallsBack;
    impl Drop for CallsBack {
        fn drop(&mut self) {
            through_c(|| {
                thread::spawn(|| ()).join().unwrap();
                assert!(panic::catch_unwind(|| panic!("inner")).is_err());
                thread::sleep(Duration::from_micros(50));
            });
        }
    }
    run_on(1, || {
        for _ in 0..5 {
            let payload = panic::catch_unwind(|| {
                let _calls_back = CallsBack;
                panic!("outer");
            });
            assert_eq!(payload.unwrap_err().downcast_ref(), Some(&"outer"));
            assert!(!thread::panicking());
            wait_around();
        }
    });
}

/// Go's TestCallbackPanicLocked: who is locked to its OS thread still is, who is not is not.
#[test]
fn a_panic_leaves_the_lock_as_it_was() {
    run_on(1, || {
        let locked = lock_os_thread();
        let home = os_thread();
        assert!(panic::catch_unwind(|| through_c(|| panic!("inside"))).is_err());
        for _ in 0..10 {
            wait_around();
            assert_eq!(os_thread(), home);
            assert_ne!(thread::spawn(os_thread).join().unwrap(), home);
        }
        drop(locked);
        assert!(panic::catch_unwind(|| through_c(|| panic!("inside"))).is_err());
        // Free again: on one P, sooner or later it runs where another one did, or another one where it did.
        yield_until(|| thread::spawn(os_thread).join().unwrap() == home || os_thread() != home);
    });
}

/// A lock that is taken in a callback may be kept, one from before may be dropped there.
#[test]
fn a_lock_crosses_the_end_of_a_callback() {
    run_on(1, || {
        let kept = through_c(|| (lock_os_thread(), os_thread()));
        for _ in 0..10 {
            wait_around();
            assert_eq!(os_thread(), kept.1);
        }
        let home = through_c(|| {
            drop(kept);
            let home = os_thread();
            wait_around();
            assert_eq!(os_thread(), home);
            home
        });
        yield_until(|| thread::spawn(os_thread).join().unwrap() == home || os_thread() != home);
    });
}

/// Go's TestLockOSThreadExit, from within a callback.
#[test]
fn the_os_thread_ends_with_a_thread_that_was_locked_in_a_callback() {
    run(|| {
        for _ in 0..5 {
            let home = thread::spawn(|| {
                through_c(|| {
                    std::mem::forget(lock_os_thread());
                    os_thread()
                })
            });
            let home = home.join().unwrap();
            yield_until(|| !Path::new(&format!("/proc/self/task/{home}")).exists());
        }
        wait_around();
    });
}

/// It would unwind into C. So it ends the next wait after the call.
#[test]
fn a_timeout_does_not_end_a_callback() {
    for procs in PROCS {
        run_on(procs, || {
            for _ in 0..5 {
                let mut came_back = false;
                let timed_out = time::timeout(Duration::from_millis(1), || {
                    through_c(|| thread::sleep(Duration::from_millis(2)));
                    came_back = true;
                    thread::park();
                });
                assert!(timed_out.is_err() && came_back);
                let within = through_c(|| time::timeout(Duration::from_millis(1), thread::park));
                assert!(within.is_err());
            }
        });
    }
}

#[test]
fn a_cancellation_waits_for_the_end_of_a_callback() {
    for procs in PROCS {
        run_on(procs, || {
            let token = CancelToken::new();
            let (inside, is_inside) = channel::bounded(1);
            let (go_on, goes_on) = channel::bounded(1);
            let worker = thread::spawn({
                let token = token.clone();
                move || {
                    let mut answer = 0;
                    let ended = token.run_until_cancelled(|| {
                        through_c(|| {
                            inside.send(()).unwrap();
                            answer = goes_on.recv().unwrap();
                        });
                        thread::park();
                    });
                    (answer, ended)
                }
            });
            is_inside.recv().unwrap();
            token.cancel();
            go_on.send(42).unwrap();
            assert_eq!(worker.join().unwrap(), (42, Err(Cancelled)));
        });
    }
}

#[test]
fn a_callback_opens_a_scope() {
    run(|| {
        let sum = AtomicUsize::new(0);
        through_c(|| {
            thread::scope(|s| {
                for n in 0..10 {
                    let sum = &sum;
                    s.spawn(move || through_c(|| sum.fetch_add(n, Ordering::Relaxed)));
                }
            });
        });
        assert_eq!(sum.into_inner(), 45);
    });
}

/// In the foreign code around it, the runtime is that of a plain OS thread.
#[test]
fn a_callback_under_another_run() {
    run(|| {
        let id = thread::current().id();
        let inner = ffi::call(|| sward::run(|| through_c(|| thread::current().id())));
        assert_ne!(inner, id);
        through_c(|| ffi::call(|| sward::run(|| through_c(wait_around))));
        assert_eq!(thread::current().id(), id);
    });
}
