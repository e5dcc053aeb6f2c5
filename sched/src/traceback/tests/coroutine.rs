//! A coroutine some calls deep, the subject of the other tests.

use core::hint::black_box;
use core::ops::Range;

use corosensei::stack::{DefaultStack, Stack};
use corosensei::{Coroutine, Yielder};

use crate::traceback::symbols::resolve;
use crate::traceback::{Cache, Registers, Unwinder};

/// How many frames of `descend` lie on the stacks walked.
pub(super) const DEPTH: usize = 30;

/// A stack, and the addresses of it that a walk may read. DefaultStack's lowest page is its guard.
pub(super) fn stack() -> (DefaultStack, Range<usize>) {
    let stack = DefaultStack::new(256 << 10).expect("no memory for a stack");
    // Guard and rounding together are less than this, whatever the page size.
    let bounds = stack.limit().get() + (128 << 10)..stack.base().get();
    (stack, bounds)
}

/// Calls `leaf` below `DEPTH` frames of itself.
#[inline(never)]
pub(super) fn descend(depth: usize, leaf: &mut dyn FnMut()) -> usize {
    if depth <= 1 {
        leaf();
        return black_box(depth);
    }
    // Used after the call, so that it is no tail call.
    black_box(descend(depth - 1, leaf)) + 1
}

#[inline(never)]
fn park(yielder: &Yielder<(), Registers>) {
    yielder.suspend(Registers::capture());
    // Behind the suspension, so that this frame is needed after it.
    black_box(yielder);
}

/// A coroutine that has parked below `DEPTH` calls: where, and on which stack.
pub(super) struct Parked {
    pub(super) registers: Registers,
    pub(super) bounds: Range<usize>,
    coroutine: Coroutine<(), Registers, usize>,
}

impl Parked {
    pub(super) fn new() -> Self {
        let (stack, bounds) = stack();
        let mut coroutine = Coroutine::with_stack(stack, |yielder, ()| descend(DEPTH, &mut || park(yielder)));
        let registers = coroutine.resume(()).as_yield().expect("it parks before it ends");
        Self { registers, bounds, coroutine }
    }

    /// The frames, at most as many as fit.
    pub(super) fn walk(&self, cache: &mut Cache, frames: &mut [usize]) -> usize {
        // SAFETY: The stack is parked and alive as long as `self`, and `bounds` has no guard page.
        unsafe { Unwinder::load().walk(cache, self.registers, self.bounds.clone(), frames) }
    }

    /// Lets it return, which it would not if the stack had been disturbed.
    pub(super) fn finish(mut self) {
        assert_eq!(self.coroutine.resume(()).as_return(), Some(DEPTH));
    }
}

/// The names of all functions, and that there are `DEPTH` of `descend`, in one piece, and nothing of who resumed the
/// coroutine.
pub(super) fn assert_complete(frames: &[usize]) -> Vec<String> {
    let names: Vec<String> = resolve(frames).into_iter().map(|function| function.name).collect();
    let is_descend = |name: &String| name.ends_with("descend");
    let first = names.iter().position(is_descend).unwrap_or_else(|| panic!("no `descend` in {names:#?}"));
    let in_one_piece = names[first..].iter().take_while(|&name| is_descend(name));
    assert_eq!(in_one_piece.count(), DEPTH, "{names:#?}");
    let root = names.last().expect("not empty");
    assert!(root.contains("coroutine_func"), "the root is {root}, of {names:#?}");
    names
}
