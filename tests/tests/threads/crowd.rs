//! Many threads, and a number of Ps that changes under them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sward::thread;
use sward_tests::{run, yield_until};

/// As many stacks as this machine is sure to allow: with ordinary guard pages each takes two of the process's memory mappings.
fn many() -> usize {
    // ThreadSanitizer has room for some 8,000.
    if cfg!(feature = "tsan") {
        return 5_000;
    }
    let limit = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse().ok());
    if light_guards() { 100_000 } else { limit.map_or(10_000, |limit: usize| limit / 4).min(100_000) }
}

/// Linux has them since 6.13; emulators pretend to.
fn light_guards() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    cfg!(target_arch = "x86_64") && version >= (6, 13)
}

#[test]
fn a_hundred_thousand_threads_park_and_go_on() {
    run(|| {
        let parked = Arc::new(AtomicUsize::new(0));
        let go = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (0..many())
            .map(|n| {
                let (parked, go) = (parked.clone(), go.clone());
                thread::spawn(move || {
                    parked.fetch_add(1, Ordering::AcqRel);
                    while !go.load(Ordering::Acquire) {
                        thread::park();
                    }
                    n
                })
            })
            .collect();
        yield_until(|| parked.load(Ordering::Acquire) == threads.len());
        go.store(true, Ordering::Release);
        threads.iter().for_each(|thread| thread.thread().unpark());
        for (n, thread) in threads.into_iter().enumerate() {
            assert_eq!(thread.join().unwrap(), n);
        }
    });
}

#[test]
fn set_procs_tells_the_old_number_and_refuses_impossible_ones() {
    run(|| {
        for n in [0, 1025, usize::MAX] {
            let message = std::panic::catch_unwind(|| sward::set_procs(n)).unwrap_err();
            let message = message.downcast_ref::<String>().expect("a formatted message");
            assert!(message.contains(&format!("{n} Ps")), "{message}");
        }
    });
}

/// Ps come and go while threads run, wait for each other, sleep and block. Everything gets done.
#[test]
fn set_procs_up_and_down_under_load() {
    run(|| {
        let stop = AtomicBool::new(false);
        let old = sward::procs();
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    while !stop.load(Ordering::Acquire) {
                        let children: Vec<_> = (0..10).map(|n| s.spawn(move || n)).collect();
                        let sum: usize = children.into_iter().map(|child| child.join().unwrap()).sum();
                        assert_eq!(sum, 45);
                    }
                });
            }
            s.spawn(|| {
                while !stop.load(Ordering::Acquire) {
                    thread::sleep(Duration::from_micros(50));
                }
            });
            s.spawn(|| {
                while !stop.load(Ordering::Acquire) {
                    sward::unblock(|| std::thread::sleep(Duration::from_micros(50)));
                }
            });
            s.spawn(|| {
                while !stop.load(Ordering::Acquire) {
                    thread::yield_now();
                }
            });
            for n in (0..300).flat_map(|_| [8, 1, 3, 2]) {
                sward::set_procs(n);
                thread::yield_now();
            }
            stop.store(true, Ordering::Release);
        });
        sward::set_procs(old);
    });
}
