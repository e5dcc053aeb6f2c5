//! A program with a race, for a build with ThreadSanitizer: two green threads that run at the same time write the same variable.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::thread::Builder;
use sward_tests::hog_until;

/// One round may go by in order: the scheduler takes the P from one of them in the middle, which orders it after whatever has been.
const ROUNDS: usize = 100;

struct Shared(UnsafeCell<u64>);

// SAFETY: not so, which is the point.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(0));
static ARRIVED: AtomicUsize = AtomicUsize::new(0);

/// Waits until both are in this round. That orders nothing.
fn meet(round: usize) {
    // Relaxed, both: see above.
    ARRIVED.fetch_add(1, Ordering::Relaxed);
    hog_until(|| ARRIVED.load(Ordering::Relaxed) >= 2 * round);
}

fn write_one() {
    for round in 1..=ROUNDS {
        meet(round);
        // SAFETY: an aligned word of this program, never freed.
        unsafe { *SHARED.0.get() = 1 };
    }
}

fn write_two() {
    for round in 1..=ROUNDS {
        meet(round);
        // SAFETY: as above.
        unsafe { *SHARED.0.get() = 2 };
    }
}

fn main() {
    sward::run(|| {
        let one = Builder::new().name("one".into()).spawn(write_one).unwrap();
        let two = Builder::new().name("two".into()).spawn(write_two).unwrap();
        one.join().unwrap();
        two.join().unwrap();
        // SAFETY: as above. What nobody reads would not be written.
        println!("{}", unsafe { *SHARED.0.get() });
    });
}
