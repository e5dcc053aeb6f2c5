//! Foreign calls, callbacks and handles: Go's tests of cgo, for ours, each in our own words, with the name of the one it is after.
//!
//! What C would do is done by functions of C's ABI, and by the C library: threads, their destructors, signals.

mod bad_input;
mod callbacks;
mod calls;
mod foreign_threads;
mod handles;

use std::ffi::c_void;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr;

use sward::ffi;

/// How often whatever waits is tried with: one P, two, more than most machines have CPUs for.
const PROCS: [usize; 3] = [1, 2, 4];

/// A function that C calls with the pointer that it was given along with it.
type Function = extern "C-unwind" fn(*mut c_void);

/// What C does.
#[inline(never)]
extern "C-unwind" fn call_with(function: Function, data: *mut c_void) {
    black_box(function)(black_box(data));
}

/// Runs `f` in a callback, for a caller that is in foreign code already.
fn from_c<R>(f: impl FnOnce() -> R) -> R {
    struct Job<F, R> {
        f: Option<F>,
        result: Option<R>,
    }
    extern "C-unwind" fn run<F: FnOnce() -> R, R>(job: *mut c_void) {
        // SAFETY: the job below.
        let job = unsafe { &mut *job.cast::<Job<F, R>>() };
        let f = job.f.take().expect("it is called once");
        job.result = Some(ffi::callback(f));
    }
    fn of<F: FnOnce() -> R, R>(_: &Job<F, R>) -> Function {
        run::<F, R>
    }
    let mut job = Job { f: Some(f), result: None };
    call_with(of(&job), (&raw mut job).cast());
    job.result.expect("it has been called")
}

/// Calls a foreign function that runs `f` in a callback.
fn through_c<R>(f: impl FnOnce() -> R) -> R {
    ffi::call(|| from_c(f))
}

/// The signal stack of the calling OS thread.
fn signal_stack() -> libc::stack_t {
    let mut now = MaybeUninit::uninit();
    // SAFETY: asks only.
    unsafe {
        assert_eq!(libc::sigaltstack(ptr::null(), now.as_mut_ptr()), 0);
        now.assume_init()
    }
}

/// Has a signal handled, on the alternate stack.
fn handle_signal(signal: i32, handler: extern "C" fn(i32)) {
    // SAFETY: a sigaction of zeros is valid, and the handler has the type for it.
    unsafe {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_ONSTACK | libc::SA_RESTART;
        assert_eq!(libc::sigaction(signal, &action, ptr::null_mut()), 0);
    }
}
