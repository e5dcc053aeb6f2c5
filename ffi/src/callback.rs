//! Callbacks into green threads.

use crate::check;

/// Runs `f` as green-thread code and returns its value: what a function does that foreign code calls.
///
/// Within [`call`](fn@crate::call), `f` goes on as the green thread that made the call. On a thread that foreign code has made, it is a green thread of its own.
/// Either way it may wait, spawn, and call out again, and stays on this OS thread until it returns. On a green thread's own stack, this just calls `f`.
///
/// What `f` returns counts as what C gets: the [`check`] looks at it.
///
/// # Panics
/// With the panic of `f`, which then goes through the foreign code. That is for a function of the ABI `"C-unwind"`, called through code that
/// unwinds; the caller of `call` gets the panic. From a function of the ABI `"C"` no panic leaves: the process aborts, with the stacks of both sides.
///
/// # Aborts
/// Before the runtime has been started; when the foreign code was called by [`quick`](crate::quick); in a signal handler.
///
/// ```
/// use std::ffi::{c_int, c_void};
/// use sward::ffi;
///
/// extern "C" fn backwards(a: *const c_void, b: *const c_void) -> c_int {
///     // SAFETY: qsort hands over two elements of the array.
///     let (a, b) = unsafe { (*a.cast::<i32>(), *b.cast::<i32>()) };
///     ffi::callback(|| {
///         sward::yield_now();
///         b.cmp(&a) as c_int
///     })
/// }
///
/// sward::run(|| {
///     let mut numbers = [3, 1, 2];
///     // SAFETY: three elements of four bytes.
///     ffi::call(|| unsafe { libc::qsort(numbers.as_mut_ptr().cast(), 3, 4, Some(backwards)) });
///     assert_eq!(numbers, [3, 2, 1]);
/// });
/// ```
#[inline]
#[track_caller]
pub fn callback<R>(f: impl FnOnce() -> R) -> R {
    let value = sward_sched::callback(f);
    check::result(&value);
    value
}
