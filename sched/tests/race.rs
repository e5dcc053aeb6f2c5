//! The built-in race detector in a runtime that has it switched on. What keeps the threads of a test apart in time the detector does not see: each
//! verdict is that of happens-before, and not of luck.

#![cfg(feature = "race")]

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sward_sched::race::{hook, reports};
use sward_sched::{Backtrace, Birth, Handle, Options, quick, spawn, unblock, yield_now};

#[global_allocator]
static HEAP: sward_mem::Heap = sward_mem::Heap;

/// Starts the runtime. One test at a time: the reports are counted.
fn begin() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    sward_sched::start(&Options {
        procs: 2,
        stack_size: 16 << 10,
        schedtrace: None,
        scheddetail: false,
        backtrace: Backtrace::Single,
        race: true,
    });
    alone
}

/// How many races are reported of what `f` does.
fn races(f: impl FnOnce() + Send + 'static) -> usize {
    let _alone = begin();
    let before = reports();
    let mut outcome = None;
    let printed = printed(|| outcome = Some(go(f).join()));
    assert!(outcome.is_some_and(|outcome| outcome.is_ok()), "{printed}");
    reports() - before
}

#[track_caller]
fn go<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Handle<T> {
    // SAFETY: nothing is borrowed for less than `'static`.
    unsafe { spawn(Birth::default(), f) }
}

/// A place that threads write to, if only for the detector; an object that edges go through; and an order that the detector knows nothing of.
struct Place {
    value: u64,
    object: u8,
    done: AtomicBool,
}

impl Place {
    const fn new() -> Place {
        Place { value: 0, object: 0, done: AtomicBool::new(false) }
    }

    fn leak() -> &'static Place {
        Box::leak(Box::new(Place::new()))
    }

    fn write(&self) {
        hook(|race| race.write(&self.value, 8));
    }

    fn read(&self) {
        hook(|race| race.read(&self.value, 8));
    }

    fn acquire(&self) {
        hook(|race| race.acquire(&self.object));
    }

    fn release(&self) {
        hook(|race| race.release(&self.object));
    }

    fn is_done(&self) {
        self.done.store(true, Ordering::Release);
    }

    fn await_done(&self) {
        while !self.done.load(Ordering::Acquire) {
            yield_now();
        }
    }
}

#[test]
fn a_race_is_one_however_far_apart_in_time() {
    let place = Place::leak();
    let found = races(|| {
        go(|| {
            place.write();
            place.is_done();
        });
        place.await_done();
        place.read();
    });
    assert_eq!(found, 1);
}

#[test]
fn two_places_in_the_code_are_reported_once() {
    let found = races(|| {
        for _ in 0..10 {
            let place = Place::leak();
            go(|| {
                place.write();
                place.is_done();
            });
            place.await_done();
            place.write();
        }
    });
    assert_eq!(found, 1);
}

#[test]
fn edges_order() {
    let place = Place::leak();
    let found = races(|| {
        go(|| {
            place.write();
            place.release();
            place.is_done();
        });
        place.await_done();
        place.acquire();
        place.write();
    });
    assert_eq!(found, 0);
}

#[test]
fn a_birth_orders_what_was_before_it_only() {
    let place = Place::leak();
    let found = races(|| {
        place.write();
        go(|| place.write()).join().expect("the child panicked");
    });
    assert_eq!(found, 0);

    let found = races(|| {
        let child = go(|| {
            place.await_done();
            place.write();
        });
        place.write();
        place.is_done();
        child.join().expect("the child panicked");
    });
    assert_eq!(found, 1);
}

#[test]
fn a_join_orders_and_an_end_does_not() {
    let place = Place::leak();
    let found = races(|| {
        go(|| place.write()).join().expect("the child panicked");
        place.write();
    });
    assert_eq!(found, 0);

    let found = races(|| {
        let child = go(|| place.write());
        while !child.is_finished() {
            yield_now();
        }
        place.read();
    });
    assert_eq!(found, 1);
}

#[test]
fn threads_that_come_and_go_are_told_apart() {
    let place = Place::leak();
    let found = races(|| {
        for _ in 0..1000 {
            go(|| place.write()).join().expect("the child panicked");
        }
        place.write();
    });
    assert_eq!(found, 0);
}

#[test]
fn a_stack_is_the_next_threads_without_a_trace() {
    let found = races(|| {
        for _ in 0..100 {
            let child = go(|| {
                let value = 0u64;
                hook(|race| race.write(&value, 8));
            });
            while !child.is_finished() {
                yield_now();
            }
        }
    });
    assert_eq!(found, 0);
}

#[test]
fn a_foreign_call_is_made_by_its_green_thread() {
    let place = Place::leak();
    let found = races(|| {
        place.write();
        unblock(|| place.write());
        quick(|| place.write());
        place.write();
    });
    assert_eq!(found, 0);

    let found = races(|| {
        go(|| {
            unblock(|| place.write());
            place.is_done();
        });
        place.await_done();
        place.write();
    });
    assert_eq!(found, 1);
}

#[test]
fn an_os_thread_is_ordered_after_what_was_before_it() {
    let place = Place::leak();
    let found = races(|| {
        place.write();
        unblock(|| std::thread::spawn(|| place.write()).join().expect("the OS thread panicked"));
        place.write();
    });
    assert_eq!(found, 0);
}

#[test]
fn an_os_thread_races_with_what_comes_beside_it() {
    let place = Place::leak();
    let found = races(|| {
        let os_thread = std::thread::spawn(|| {
            // Known from here on.
            place.acquire();
            place.is_done();
            while place.done.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            place.write();
        });
        place.await_done();
        go(|| place.write()).join().expect("the child panicked");
        place.done.store(false, Ordering::Release);
        unblock(|| os_thread.join().expect("the OS thread panicked"));
    });
    assert_eq!(found, 1);
}

/// What is printed to standard error while `f` runs: less than a pipe holds.
fn printed(f: impl FnOnce()) -> String {
    let (mut reader, writer) = io::pipe().expect("a pipe");
    let stderr = io::stderr().as_fd().try_clone_to_owned().expect("standard error");
    let replace_stderr = |by: RawFd| {
        // SAFETY: a copy of a descriptor that is open.
        assert_eq!(unsafe { libc::dup2(by, libc::STDERR_FILENO) }, libc::STDERR_FILENO);
    };
    replace_stderr(writer.as_raw_fd());
    drop(writer);
    f();
    replace_stderr(stderr.as_raw_fd());
    let mut printed = String::new();
    reader.read_to_string(&mut printed).expect("text");
    printed
}

/// Has a green thread "main" `read` what its child "writer" has written, in the place that is chosen: its own, or another.
fn race_at(choose: fn(&Place) -> &Place, read: fn(&Place)) {
    let named = |name: &str| Birth { name: Some(name.into()), stack_size: None };
    let main = move || {
        let local = Place::new();
        let place = choose(&local);
        let write = || {
            place.write();
            place.is_done();
        };
        // SAFETY: it is joined below.
        let writer = unsafe { spawn(named("writer"), write) };
        place.await_done();
        read(place);
        writer.join().expect("the writer panicked");
    };
    // SAFETY: it is joined.
    unsafe { spawn(named("main"), main) }.join().expect("the reader panicked");
}

#[track_caller]
fn check_report(choose: fn(&Place) -> &Place, read: fn(&Place), whereabouts: &str) {
    let _alone = begin();
    let printed = printed(|| race_at(choose, read));
    let mut lines = printed.lines();
    for expected in [
        "==================",
        "WARNING: DATA RACE",
        "Read of 8 bytes at 0x* by green thread * \"main\":",
        "   0: race::Place::read::",
        "tests/race.rs:",
        ": race::race_at::{{closure}}",
        "Previous write of 8 bytes at 0x* by green thread * \"writer\":",
        "   0: race::Place::write::",
        "tests/race.rs:",
        ": race::race_at::{{closure}}",
        "green thread * \"main\" was spawned at sched/tests/race.rs:* by OS thread ",
        "green thread * \"writer\" was spawned at sched/tests/race.rs:* by green thread * \"main\"",
        whereabouts,
        "==================",
    ] {
        let is_expected = |line: &str| expected.split('*').all(|part| line.contains(part));
        assert!(lines.any(is_expected), "no line {expected:?} in its place in:\n{printed}");
    }
}

#[test]
fn a_report_names_calls_threads_births_and_the_place() {
    static SHARED: Place = Place::new();
    // Each has a place in the code of its own, without which it would not be reported again.
    check_report(|_| &SHARED, |place| place.read(), " is in the static race::*::SHARED");
    check_report(|_| Place::leak(), |place| place.read(), " bytes into the heap's block of * bytes at 0x");
    check_report(|local| local, |place| place.read(), " is on the stack of green thread * \"main\"");
}
