//! What the tests of the heap share: programs of their own, blocks that know what is in them, threads that look on.
//!
//! Each test file is a program with the heap installed. What depends on the heap's mode, or ends the process, or changes what the kernel allows it, needs a process
//! of its own: the test starts its binary again, for this test alone.

// Each file uses some of it.
#![allow(dead_code)]

pub mod block;
pub mod program;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Numbers that look random, the same in each run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A size of up to `1 << bits` bytes, as likely small as large.
    pub fn size(&mut self, bits: usize) -> usize {
        let bits = self.below(bits) + 1;
        self.below(1 << bits) + 1
    }
}

/// Runs `body` on so many threads, each with a number from 1, and waits until they have ended: as threads, with all their destructors.
pub fn on_threads(threads: u64, body: impl Fn(u64) + Sync) {
    thread::scope(|s| {
        let body = &body;
        let handles: Vec<_> = (1..=threads).map(|number| s.spawn(move || body(number))).collect();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    });
}

/// Runs `body` while so many other threads, each with a number from 1, do something over and over: what `make` makes for each.
pub fn beside_threads<T, F: FnMut() + Send>(threads: u64, make: impl Fn(u64) -> F, body: impl FnOnce() -> T) -> T {
    /// Ends the loops, also when `body` panics.
    struct Ending<'a>(&'a AtomicBool);
    impl Drop for Ending<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let over = AtomicBool::new(false);
    thread::scope(|s| {
        for number in 1..=threads {
            let (over, mut round) = (&over, make(number));
            s.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    round();
                }
            });
        }
        let _ending = Ending(&over);
        body()
    })
}

/// Runs `body` while another thread verifies the heap all the time.
pub fn while_verified<T>(body: impl FnOnce() -> T) -> T {
    let verify = || {
        sward_mem::verify();
        // The gate is not fair: who closes it again at once keeps the others out.
        thread::sleep(Duration::from_micros(200));
    };
    beside_threads(1, |_| verify, body)
}

/// Waits until `value` passes `test`, for as long as nothing but a hang takes, and then fails with the last value.
#[track_caller]
pub fn wait_for<T: std::fmt::Debug>(what: &str, mut value: impl FnMut() -> T, test: impl Fn(&T) -> bool) -> T {
    let start = Instant::now();
    loop {
        let value = value();
        if test(&value) {
            return value;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what}: {value:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The resident memory of this process, in bytes.
pub fn resident() -> usize {
    status("VmRSS:")
}

/// A line of what the kernel has about this process, in bytes.
pub fn status(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}
