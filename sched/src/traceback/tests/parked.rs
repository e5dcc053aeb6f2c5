//! A coroutine that has suspended: its frames are found from where it left its stack.

use super::coroutine::{DEPTH, Parked, assert_complete};
use crate::traceback::{Cache, Unwinder};

#[test]
fn every_frame_of_a_parked_coroutine_is_found() {
    let parked = Parked::new();
    let mut cache = Cache::new();
    let mut frames = [0; 2 * DEPTH];

    let count = parked.walk(&mut cache, &mut frames);
    let names = assert_complete(&frames[..count]);
    assert!(names.iter().any(|name| name.ends_with("park")));

    // Now from the cache.
    let mut again = [0; 2 * DEPTH];
    assert_eq!(parked.walk(&mut cache, &mut again), count);
    assert_eq!(again, frames);
    parked.finish();
}

#[test]
fn frames_beyond_the_room_for_them_are_left_out() {
    let parked = Parked::new();
    let mut cache = Cache::new();
    let mut frames = [0; 2 * DEPTH];
    let count = parked.walk(&mut cache, &mut frames);

    for room in [0, 1, 2, count - 1, count, count + 1] {
        let mut some = vec![0; room];
        let found = parked.walk(&mut cache, &mut some);
        assert_eq!(some[..found], frames[..room.min(count)]);
    }
    parked.finish();
}

#[test]
fn the_unwinder_is_built_once() {
    let unwinder: *const Unwinder = Unwinder::load();
    // Nothing in these tests loads a library.
    assert!(core::ptr::eq(unwinder, Unwinder::load()));
    assert!(Unwinder::loaded().is_some_and(|loaded| core::ptr::eq(unwinder, loaded)));
}
