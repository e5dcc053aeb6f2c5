//! Calls out of green threads.

/// Calls foreign code that may block: runs `f` on the OS thread's own stack, which has room for it, and lets other green threads run meanwhile.
///
/// In `f`, waits of this runtime block the OS thread. Foreign code may call back, by [`callback`](fn@crate::callback). When `f` returns, the green thread may be on
/// another OS thread; `errno` goes with it. On a plain OS thread, and inside another call, this just calls `f`.
///
/// It costs about as much as an uncontended lock and unlock, see the book's chapter on measuring.
///
/// # Panics
/// With the panic of `f`.
///
/// # Aborts
/// In a signal handler.
///
/// ```
/// use sward::ffi;
///
/// sward::run(|| {
///     // SAFETY: usleep takes a number.
///     let others = sward::spawn(|| 6 * 7);
///     let slept = ffi::call(|| unsafe { libc::usleep(1_000) });
///     assert_eq!((slept, others.join().unwrap()), (0, 42));
/// });
/// ```
#[inline]
pub fn call<R>(f: impl FnOnce() -> R) -> R {
    sward_sched::unblock(f)
}

/// Calls foreign code that soon returns: runs `f` on the OS thread's own stack, and does nothing else.
///
/// For leaf functions of some microseconds at most: until `f` returns, the green threads behind this one wait. It must not call back; if in doubt, use
/// [`call`].
///
/// # Panics
/// With the panic of `f`.
///
/// ```
/// use sward::ffi;
///
/// sward::run(|| {
///     // SAFETY: getpid has no preconditions.
///     let pid = ffi::quick(|| unsafe { libc::getpid() });
///     assert_eq!(pid as u32, std::process::id());
/// });
/// ```
#[inline]
pub fn quick<R>(f: impl FnOnce() -> R) -> R {
    sward_sched::quick(f)
}
