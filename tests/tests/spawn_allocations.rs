//! What a spawn asks of the allocator: nothing for closures and results of up to 64 bytes, one block for others.

use sward::thread;
use sward_tests::run_on;

const SPAWNS: usize = 100;

/// The blocks that `SPAWNS` spawns and joins ask for.
fn blocks<T: Send + 'static>(spawn: impl Fn() -> thread::JoinHandle<T> + Send) -> usize {
    run_on(1, move || sward_tests::blocks(SPAWNS, || drop(spawn().join().unwrap())))
}

#[test]
fn a_small_closure_and_result_take_no_block() {
    assert_eq!(blocks(|| thread::spawn(|| ())), 0);
    let words = [1u64; 8];
    assert_eq!(blocks(move || thread::spawn(move || words[0])), 0);
    assert_eq!(blocks(|| thread::spawn(|| [7u64; 7])), 0);
}

#[test]
fn a_large_closure_takes_one_block() {
    let words = [1u64; 9];
    assert_eq!(blocks(move || thread::spawn(move || words[0])), SPAWNS);
}

#[test]
fn a_large_result_takes_one_block() {
    assert_eq!(blocks(|| thread::spawn(|| [7u64; 9])), SPAWNS);
    let words = [1u64; 100];
    assert_eq!(blocks(move || thread::spawn(move || words)), SPAWNS);
}

#[test]
fn an_over_aligned_closure_takes_one_block() {
    #[repr(align(16))]
    #[derive(Clone, Copy)]
    struct Aligned(u8);
    let value = Aligned(1);
    // Not `value.0`, of which the closure would have a copy.
    let spawn = move || thread::spawn(move || { value }.0);
    assert_eq!(blocks(spawn), SPAWNS);
}
