//! A coroutine that a signal has interrupted in the middle of its code: its frames are found from the registers in the handler.

use core::ops::Range;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use core::{mem, ptr};
use std::thread;
use std::time::Instant;

use corosensei::Coroutine;
use libc::{c_int, c_void, siginfo_t, ucontext_t};

use super::coroutine::{DEPTH, assert_complete, descend, stack};
use crate::traceback::{Cache, Registers, Unwinder};

/// How often the coroutine is interrupted.
const SAMPLES: usize = 200;

/// What the handler works with.
struct Sampler {
    cache: Cache,
    bounds: Range<usize>,
    samples: Vec<Vec<usize>>,
}

static SAMPLER: AtomicPtr<Sampler> = AtomicPtr::new(ptr::null_mut());
/// How many signals were handled.
static HANDLED: AtomicUsize = AtomicUsize::new(0);
/// The pthread_t of the thread to send them to, once it is ready.
static TARGET: AtomicUsize = AtomicUsize::new(0);

extern "C" fn sample(_signal: c_int, _info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: Set before `TARGET`, without which no signal is sent. Only this handler uses it until the last is
    // handled.
    let sampler = unsafe { &mut *SAMPLER.load(Ordering::Acquire) };
    // SAFETY: The kernel passes the interrupted context.
    let registers = Registers::from_ucontext(unsafe { &*context.cast::<ucontext_t>() });
    let unwinder = Unwinder::loaded().expect("loaded by the test");
    let handled = HANDLED.load(Ordering::Relaxed);
    let frames = &mut sampler.samples[handled];
    let bounds = sampler.bounds.clone();
    // SAFETY: The signal has interrupted the coroutine, on whose stack `bounds` is, without its guard page.
    let count = unsafe { unwinder.walk(&mut sampler.cache, registers, bounds, frames) };
    frames.truncate(count);
    // Release: pairs with the sending thread's load, which sends the next signal after this one is done.
    HANDLED.store(handled + 1, Ordering::Release);
}

/// Interrupts a coroutine `SAMPLES` times, while it repeats `work` below `DEPTH` calls; returns what the handler found.
fn interrupt(work: fn(u64) -> u64) -> Vec<Vec<usize>> {
    Unwinder::load();
    let (stack, bounds) = stack();
    let mut sampler = Sampler { cache: Cache::new(), bounds, samples: vec![vec![0; 3 * DEPTH]; SAMPLES] };
    SAMPLER.store(&mut sampler, Ordering::Release);
    HANDLED.store(0, Ordering::Release);
    TARGET.store(0, Ordering::Release);

    let target = thread::spawn(move || {
        let _alternate = install(sample);
        let mut coroutine = Coroutine::<(), (), usize>::with_stack(stack, move |_, ()| {
            descend(DEPTH, &mut || {
                // SAFETY: No condition.
                TARGET.store(unsafe { libc::pthread_self() } as usize, Ordering::Release);
                let mut value = 1;
                while HANDLED.load(Ordering::Acquire) < SAMPLES {
                    value = work(value);
                }
            })
        });
        assert_eq!(coroutine.resume(()).as_return(), Some(DEPTH));
    });
    while TARGET.load(Ordering::Acquire) == 0 {
        thread::yield_now();
    }
    for sent in 0..SAMPLES {
        // SAFETY: The thread runs until it has handled `SAMPLES` signals.
        unsafe { libc::pthread_kill(TARGET.load(Ordering::Acquire) as libc::pthread_t, signal()) };
        while HANDLED.load(Ordering::Acquire) == sent {
            thread::yield_now();
        }
    }
    target.join().expect("it ends once all signals are handled");
    sampler.samples
}

/// A signal that nothing else in this process uses.
fn signal() -> c_int {
    libc::SIGRTMIN() + 5
}

/// The alternate signal stack of a thread: gone when this is.
struct AlternateStack(Vec<u8>);

fn install(handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void)) -> AlternateStack {
    let mut alternate = AlternateStack(vec![0; 64 << 10]);
    let stack = libc::stack_t { ss_sp: alternate.0.as_mut_ptr().cast(), ss_flags: 0, ss_size: alternate.0.len() };
    // SAFETY: All-zero is a valid sigaction; its handler and flags follow. The stack stays until `AlternateStack` is
    // dropped.
    unsafe {
        assert_eq!(libc::sigaltstack(&stack, ptr::null_mut()), 0);
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        assert_eq!(libc::sigaction(signal(), &action, ptr::null_mut()), 0);
    }
    alternate
}

impl Drop for AlternateStack {
    fn drop(&mut self) {
        let none = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        // SAFETY: No handler is running on it, or this would not be.
        unsafe { libc::sigaltstack(&none, ptr::null_mut()) };
    }
}

#[inline(never)]
fn compute(value: u64) -> u64 {
    (0..1_000).fold(value, |value, step| core::hint::black_box(value.rotate_left(5) ^ step))
}

#[inline(never)]
fn call_libc(value: u64) -> u64 {
    // SAFETY: No condition.
    value ^ unsafe { libc::getppid() } as u64
}

/// Most of its time in the kernel's vDSO.
#[inline(never)]
fn read_clock(value: u64) -> u64 {
    value ^ core::hint::black_box(Instant::now()).elapsed().as_nanos() as u64
}

/// One test, as the handler is the process's.
#[test]
fn every_frame_of_an_interrupted_coroutine_is_found() {
    for work in [compute, call_libc, read_clock] {
        for frames in interrupt(work) {
            assert_complete(&frames);
        }
    }
}
