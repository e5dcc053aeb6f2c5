//! Closures and results of every size and alignment get to the thread and back whole.

use std::array;

use sward::thread;
use sward_tests::run;

fn pattern<const N: usize>(seed: u8) -> [u8; N] {
    array::from_fn(|i| seed.wrapping_add(i as u8).wrapping_mul(31))
}

fn there_and_back<const IN: usize, const OUT: usize>() {
    let input = pattern::<IN>(3);
    let handle = thread::spawn(move || (input == pattern::<IN>(3)).then(pattern_out::<OUT>));
    assert_eq!(handle.join().unwrap(), Some(pattern_out::<OUT>()), "closure of {IN}, result of {OUT} bytes");
}

fn pattern_out<const N: usize>() -> [u8; N] {
    pattern(5)
}

macro_rules! every_pair {
    ($($in:literal)*; $out:tt) => {{ $(every_pair!(@ $in $out);)* }};
    (@ $in:literal [$($out:literal)*]) => {{ $(there_and_back::<$in, $out>();)* }};
}

/// 64 bytes is where a packet no longer fits into the thread's record.
#[test]
fn any_size_arrives() {
    run(
        || every_pair!(0 1 8 47 48 55 56 63 64 65 72 1000 1024 1025 4096; [0 1 8 47 48 55 56 63 64 65 72 1000 1025 4096]),
    );
}

#[repr(align(512))]
#[derive(Debug, PartialEq, Clone, Copy)]
struct Sector([u8; 512]);

#[repr(align(128))]
#[derive(Debug, PartialEq, Clone, Copy)]
struct Line(u8);

#[repr(align(256))]
#[derive(Debug, PartialEq, Clone, Copy)]
struct AlignedNothing;

fn is_aligned<T>(value: &T) -> bool {
    std::hint::black_box(std::ptr::from_ref(value)).addr().is_multiple_of(align_of::<T>())
}

#[test]
fn over_aligned_closures_and_results_stay_aligned() {
    fn check<T: PartialEq + std::fmt::Debug + Send + Copy + 'static>(value: T) {
        for _ in 0..20 {
            let back = thread::spawn(move || {
                assert!(is_aligned(&value));
                value
            });
            let back = back.join().unwrap();
            assert!(is_aligned(&back));
            assert_eq!(back, value);
        }
    }
    run(|| {
        check(Line(9));
        check(0x1234_5678_9abc_def0_u128);
        check(Sector(pattern(9)));
        check(AlignedNothing);
    });
}

/// The result goes where the closure was: each may be the larger one.
#[test]
fn a_panic_fits_into_any_packet() {
    run(|| {
        let big = pattern::<2000>(1);
        thread::spawn(move || {
            if big[0] != 0 {
                panic!("on purpose")
            }
        })
        .join()
        .unwrap_err();
        let line = Line(1);
        let payload = thread::spawn(move || -> Sector { panic!("line {}", line.0) }).join().unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&String::from("line 1")));
    });
}

#[test]
fn what_is_on_the_heap_moves_along() {
    run(|| {
        let words: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let back = thread::spawn(move || words.into_iter().rev().collect::<Vec<_>>()).join().unwrap();
        assert_eq!(back[99], "0");
    });
}
