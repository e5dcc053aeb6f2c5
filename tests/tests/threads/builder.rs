//! `Builder`: names and stacks.

use std::hint;
use std::io::ErrorKind;

use sward::thread::{self, Builder};
use sward_tests::run;

#[test]
fn a_thread_knows_its_name() {
    run(|| {
        let handle =
            Builder::new().name("miller".into()).spawn(|| thread::current().name().map(str::to_owned)).unwrap();
        assert_eq!(handle.thread().name(), Some("miller"));
        assert_eq!(handle.join().unwrap().as_deref(), Some("miller"));
        assert_eq!(thread::current().name(), Some("main"));
        assert_eq!(thread::spawn(|| thread::current().name().map(str::to_owned)).join().unwrap(), None);
    });
}

#[test]
fn a_name_may_be_empty_or_long() {
    run(|| {
        for name in [String::new(), "ü".repeat(10_000)] {
            let handle =
                Builder::new().name(name.clone()).spawn(|| thread::current().name().map(str::to_owned)).unwrap();
            assert_eq!(handle.join().unwrap(), Some(name));
        }
    });
}

#[test]
fn a_stack_that_is_too_large_is_an_error() {
    run(|| {
        for bytes in [(1 << 30) + 1, usize::MAX] {
            let error = Builder::new().stack_size(bytes).spawn(|| ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(&bytes.to_string()), "{error}");
        }
    });
}

#[test]
fn a_tiny_stack_is_rounded_up_to_one_that_works() {
    run(|| {
        for bytes in [0, 1, 4096, 16 << 10] {
            let handle = Builder::new().stack_size(bytes).spawn(|| {
                thread::yield_now();
                thread::spawn(|| 3).join().unwrap()
            });
            assert_eq!(handle.unwrap().join().unwrap(), 3);
        }
    });
}

/// Uses some `kib` KiB of stack.
fn recurse(kib: usize) -> usize {
    let block = hint::black_box([1u8; 1024]);
    if kib == 0 { 0 } else { recurse(kib - 1) + usize::from(hint::black_box(&block)[kib % 1024]) }
}

#[test]
fn a_large_stack_can_be_used() {
    run(|| {
        let handle = Builder::new().stack_size(64 << 20).spawn(|| recurse(16 << 10)).unwrap();
        assert_eq!(handle.join().unwrap(), 16 << 10);
    });
}

#[test]
fn the_largest_stack_starts() {
    run(|| {
        let handle = Builder::new().stack_size(1 << 30).spawn(|| recurse(100)).unwrap();
        assert_eq!(handle.join().unwrap(), 100);
    });
}

/// Stacks of many sizes are used again, each for its own size.
#[test]
fn sizes_are_not_mixed_up() {
    run(|| {
        for _ in 0..20 {
            let threads: Vec<_> = (5..12)
                .map(|shift| {
                    let start = Builder::new().stack_size(1 << (10 + shift));
                    // Half of the stack, as a debug build's frames are larger than what they hold.
                    start.spawn(move || recurse((1 << shift) / 4)).unwrap()
                })
                .collect();
            let depths: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            assert!(depths.into_iter().eq((5..12).map(|shift| (1 << shift) / 4)));
        }
    });
}
