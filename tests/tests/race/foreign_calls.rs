//! The hook that had no P (golang/go#27660): foreign calls that outlast the time after which sysmon takes their P, beside locked increments.

use std::time::Duration;

use sward::race::{self, Cell};
use sward::sync::Mutex;
use sward::thread::scope;
use sward::{Config, ffi};

use super::alone;

const THREADS: usize = 100;
const INCREMENTS: usize = 20;
/// Longer than sysmon leaves a P in a foreign call.
const CALL: Duration = Duration::from_micros(300);

/// Threads that sleep in C, and as many that count under a lock, started one by one, so that some have got their P back when others leave theirs.
fn sleepers_beside_counters() {
    let (total, lock) = (Cell::new(0), Mutex::new(()));
    scope(|s| {
        for _ in 0..THREADS {
            // SAFETY: no preconditions.
            s.spawn(|| ffi::call(|| unsafe { libc::usleep(CALL.as_micros() as libc::useconds_t) }));
            s.spawn(|| {
                for _ in 0..INCREMENTS {
                    let _guard = lock.lock().unwrap();
                    total.set(total.get() + 1);
                }
            });
            sward::thread::sleep(CALL / 10);
        }
    });
    assert_eq!(total.get(), THREADS * INCREMENTS);
}

#[test]
fn hooks_have_a_p_after_foreign_calls() {
    alone::run("foreign_calls::hooks_have_a_p_after_foreign_calls", || {
        Config::new().race(true).procs(2).run(sleepers_beside_counters);
        assert_eq!(race::reports(), 0);
    });
}

/// With the acquire edge before the P, as Go once had it.
#[test]
fn a_hook_before_the_p_is_found_at_once() {
    let finished = alone::finished("foreign_calls::a_hook_before_the_p_is_found_at_once", || {
        sward::rt::use_historical_order();
        Config::new().race(true).procs(2).run(sleepers_beside_counters);
    });
    if let Some(finished) = finished {
        finished.dies_of(libc::SIGABRT).says("a race hook of green thread").says("which has no P");
    }
}
