//! A program with a race, for a build with ThreadSanitizer: two green threads that run at the same time write the same variable.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::thread::Builder;
use sward_tests::hog_until;

struct Shared(UnsafeCell<u64>);

// SAFETY: not so, which is the point.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(0));
static ARRIVED: AtomicUsize = AtomicUsize::new(0);

/// Waits until both run. That orders nothing.
fn meet() {
    // Relaxed, both: see above.
    ARRIVED.fetch_add(1, Ordering::Relaxed);
    hog_until(|| ARRIVED.load(Ordering::Relaxed) == 2);
}

#[inline(never)]
fn write_one() {
    meet();
    // SAFETY: an aligned word of this program, never freed.
    unsafe { *SHARED.0.get() = 1 };
}

#[inline(never)]
fn write_two() {
    meet();
    // SAFETY: as above.
    unsafe { *SHARED.0.get() = 2 };
}

fn main() {
    sward::run(|| {
        let one = Builder::new().name("one".into()).spawn(write_one).unwrap();
        let two = Builder::new().name("two".into()).spawn(write_two).unwrap();
        one.join().unwrap();
        two.join().unwrap();
    });
}
