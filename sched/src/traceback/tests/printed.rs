//! What a traceback looks like in print: names and lines, the ends of a long one, without the runtime's own frames.

use super::coroutine::{DEPTH, Parked};
use crate::traceback::symbols::of_interest;
use crate::traceback::{Cache, Traceback};

#[test]
fn a_printed_traceback_names_functions_and_lines() {
    let parked = Parked::new();
    let mut frames = [0; 2 * DEPTH];
    let count = parked.walk(&mut Cache::new(), &mut frames);
    let text = Traceback::new(&frames[..count]).to_string();
    parked.finish();

    let lines: Vec<&str> = text.lines().collect();
    let descend =
        lines.iter().position(|line| line.ends_with("descend")).unwrap_or_else(|| panic!("no `descend` in\n{text}"));
    let (number, name) = lines[descend].split_once(": ").expect("a number and a name");
    assert!(number.trim_start().parse::<usize>().is_ok(), "{text}");
    assert!(!name.contains("::h"), "a hash in {name}");
    let place = lines[descend + 1];
    assert!(place.starts_with("             at "), "{text}");
    assert!(place.contains("/traceback/tests/coroutine.rs:"), "{text}");
}

#[test]
fn an_address_of_no_function_is_printed_as_it_is() {
    for address in [0, 0x10, usize::MAX] {
        assert_eq!(Traceback::new(&[address]).to_string(), format!("   0: <unknown> at {address:#x}\n"));
    }
}

#[test]
fn the_runtimes_own_frames_are_left_out_at_both_ends() {
    let parked = [
        "sward_sched::park::park",
        "<sward_sched::g::Guard as core::ops::drop::Drop>::drop",
        "sward::channel::Receiver<T>::recv",
        "sward_samples::sieve::filter",
        "core::ops::function::FnOnce::call_once",
        "<alloc::boxed::Box<F> as core::ops::function::FnOnce<()>>::call_once",
        "std::panicking::catch_unwind",
        "__rust_try",
        "sward::thread::entry",
        "corosensei::coroutine::coroutine_func",
    ];
    assert_eq!(of_interest(&parked), 2..4);
}

#[test]
fn a_traceback_of_the_runtime_alone_is_printed_whole() {
    assert_eq!(of_interest(&["sward_sched::park::park", "std::panic::catch_unwind"]), 0..2);
    assert_eq!(of_interest(&[]), 0..0);
}

#[test]
fn a_long_traceback_is_printed_at_its_ends() {
    let frames: Vec<usize> = (1..=100).collect();
    let text = Traceback::new(&frames).ends(3).to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 7, "{text}");
    assert_eq!(lines[3], "      ... 94 frames left out ...");
    assert!(lines[4].starts_with("  97: "), "{text}");
}
