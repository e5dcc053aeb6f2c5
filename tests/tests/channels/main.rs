//! Channels and select, from outside: Go's tests of them (`test/chan`, `runtime/chan_test.go`) in our own words, each with the name of the one it is
//! after; and what crossbeam-channel's tests check, since the names and the semantics are its.

/// Makes two tests of each body: one on OS threads, one on green threads on two Ps. `thread` is what it spawns and yields with.
macro_rules! on_both {
    ($($(#[$doc:meta])* fn $name:ident() $body:block)*) => { $(
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports, reason = "not every body needs all")]
            use super::*;

            #[test]
            fn on_os_threads() {
                #[allow(unused_imports, reason = "for the bodies that spawn")]
                use std::thread;
                let _watchdog = sward_tests::Watchdog::start();
                $body
            }

            #[test]
            fn on_green_threads() {
                #[allow(unused_imports, reason = "for the bodies that spawn")]
                use sward::thread;
                sward_tests::run_on(2, || $body)
            }
        }
    )* };
}

mod choice;
mod crowds;
mod duplicates;
mod end;
mod fairness;
mod grammar;
mod hand_over;
mod mixed;
mod nonblocking;
mod order;
mod power_series;
mod ready;
mod set;
mod timeouts;
mod timers;
mod truth_table;

use std::time::Duration;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Longer than any test takes.
const AGES: Duration = Duration::from_secs(3600);
