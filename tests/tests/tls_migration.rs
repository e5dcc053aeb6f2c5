//! Green threads move from one OS thread to another, and nothing that the runtime says about them is left behind.
//!
//! The danger is in what the compiler may do: it takes the address of a thread-local for a constant of a function, computes it once, and keeps it in
//! a register or on the stack, across a call that returns on another OS thread. What is read there afterwards is the variable of the thread that the
//! function was on before. On aarch64, and in shared libraries on x86_64, a plain `CELL.get()` on both sides of a wait shows it, at any level of
//! optimisation (llvm/llvm-project#98479, rust-lang/unsafe-code-guidelines#602). The runtime therefore finds the running thread by the
//! stack pointer. So run these with `--release` too: they are written to be inlined into one loop around the wait.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sward::channel;
use sward::thread::{self, Builder};
use sward_tests::{hog_until, os_thread, run_on, yield_until};

/// How often a thread must have come back from a wait on another OS thread.
const MOVES: usize = 30;

/// Threads that are moved about.
///
/// There is one P. A shuttle makes one blocking call after the other, and comes back from each only when somebody else has run, so its
/// OS thread has lost the P to another one. All who wait meanwhile go on there.
struct Movement {
    turns: AtomicUsize,
    over: AtomicBool,
}

impl Movement {
    /// Runs `f` in four named threads.
    fn of(f: impl Fn(&Movement, &str) + Sync) {
        run_on(1, || {
            let movement = &Movement { turns: AtomicUsize::new(0), over: AtomicBool::new(false) };
            let f = &f;
            thread::scope(|s| {
                let threads = ["north", "east", "south", "west"].map(|name| {
                    Builder::new().name(name.into()).spawn_scoped(s, move || f(movement, name)).expect("a thread")
                });
                s.spawn(|| movement.shuttle());
                let outcomes = threads.map(|thread| thread.join());
                movement.over.store(true, Ordering::Release);
                outcomes.into_iter().for_each(|outcome| outcome.unwrap());
            });
        });
    }

    fn shuttle(&self) {
        while !self.over.load(Ordering::Acquire) {
            sward::unblock(|| {
                let before = self.turns.load(Ordering::Acquire);
                hog_until(|| self.turns.load(Ordering::Acquire) != before || self.over.load(Ordering::Acquire));
            });
            thread::yield_now();
        }
    }

    /// Waits by `wait` until the caller, which has this name, has moved often enough. Looks each time whether it is still itself.
    #[inline(always)]
    fn stay_oneself(&self, name: &str, mut wait: impl FnMut()) {
        let id = thread::current().id();
        let mut here = os_thread();
        let mut moves = 0;
        while moves < MOVES {
            self.turns.fetch_add(1, Ordering::AcqRel);
            wait();
            assert_eq!(thread::current().id(), id);
            assert_eq!(thread::current().name(), Some(name));
            assert!(!thread::panicking());
            let now = os_thread();
            moves += usize::from(now != here);
            here = now;
        }
    }
}

#[test]
fn across_yields() {
    Movement::of(|movement, name| movement.stay_oneself(name, thread::yield_now));
}

#[test]
fn across_sleeps() {
    Movement::of(|movement, name| movement.stay_oneself(name, || thread::sleep(Duration::from_micros(20))));
}

#[test]
fn across_joins() {
    Movement::of(|movement, name| {
        movement.stay_oneself(name, || thread::spawn(thread::yield_now).join().unwrap());
    });
}

#[test]
fn across_parks() {
    Movement::of(|movement, name| {
        let me = thread::current();
        movement.stay_oneself(name, || {
            let me = me.clone();
            thread::spawn(move || me.unpark());
            thread::park();
        });
    });
}

/// The one who wakes is not a green thread of this P, but an OS thread.
#[test]
fn across_parks_ended_from_outside() {
    Movement::of(|movement, name| {
        let me = thread::current();
        let over = Arc::new(AtomicBool::new(false));
        let waker = {
            let over = over.clone();
            std::thread::spawn(move || {
                hog_until(|| {
                    me.unpark();
                    over.load(Ordering::Acquire)
                });
            })
        };
        movement.stay_oneself(name, thread::park);
        over.store(true, Ordering::Release);
        sward::unblock(|| waker.join().unwrap());
    });
}

#[test]
fn across_channel_operations() {
    Movement::of(|movement, name| {
        let (tx, rx) = channel::bounded(0);
        thread::scope(|s| {
            s.spawn(move || rx.iter().for_each(|()| thread::yield_now()));
            movement.stay_oneself(name, || tx.send(()).unwrap());
            drop(tx);
        });
    });
}

#[test]
fn across_locks() {
    let lock = sward::sync::Mutex::new(());
    Movement::of(|movement, name| {
        movement.stay_oneself(name, || {
            let _held = lock.lock().unwrap();
            thread::yield_now();
        });
    });
}

/// The one P is taken in the blocking call, by a thread that keeps it. So the caller comes back without a P, and goes on where that one is.
#[test]
fn across_blocking_calls() {
    run_on(1, || {
        let movement = &Movement { turns: AtomicUsize::new(0), over: AtomicBool::new(false) };
        thread::scope(|s| {
            s.spawn(|| {
                yield_until(|| {
                    movement.turns.fetch_add(1, Ordering::AcqRel);
                    movement.over.load(Ordering::Acquire)
                });
            });
            movement.stay_oneself("main", || {
                let before = movement.turns.load(Ordering::Acquire);
                sward::unblock(|| hog_until(|| movement.turns.load(Ordering::Acquire) != before));
            });
            movement.over.store(true, Ordering::Release);
        });
    });
}

/// What holds for a program's own thread-locals: read by a function that is not inlined, and that returns the value, they are those of the
/// OS thread that the green thread is on just now.
#[test]
fn a_thread_local_behind_a_call_is_the_present_os_threads() {
    thread_local! {
        #[allow(clippy::disallowed_macros, reason = "what is tested")]
        static OS_THREAD: Cell<i32> = Cell::new(os_thread());
    }
    #[inline(never)]
    fn remembered() -> i32 {
        OS_THREAD.get()
    }
    Movement::of(|movement, name| {
        movement.stay_oneself(name, || {
            assert_eq!(remembered(), os_thread());
            thread::yield_now();
            assert_eq!(remembered(), os_thread());
            sward::unblock(|| assert_eq!(remembered(), os_thread()));
            assert_eq!(remembered(), os_thread());
        });
    });
}
