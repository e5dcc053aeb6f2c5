//! Small programs for tests of foreign calls and callbacks that end the process, or are about its end: `foreign NAME` runs one of them.
//!
//! What C would do is done by functions of the ABI `"C"`.

use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::time::Duration;

use sward::ffi::{self, Handle};
use sward::thread::{self, Builder};
use sward::{channel, spawn};
use sward_tests::CThread;

/// The programs, by name.
const PROGRAMS: &[(&str, fn())] = &[
    ("null-function", null_function),
    ("null-function-quickly", null_function_quickly),
    ("null-function-in-a-callback", null_function_in_a_callback),
    ("before-the-start", before_the_start),
    ("out-of-quick", out_of_quick),
    ("stale-handle", stale_handle),
    ("stale-handle-of-another", stale_handle_of_another),
    ("null-handle", null_handle),
    ("handle-of-another-type", handle_of_another_type),
    ("callback-in-a-handler", callback_in_a_handler),
    ("callback-in-a-handler-in-c", callback_in_a_handler_in_c),
    ("callback-in-a-handler-of-a-c-thread", callback_in_a_handler_of_a_c_thread),
    ("call-in-a-handler", call_in_a_handler),
    ("panic-into-c", panic_into_c),
    ("panic-into-a-c-thread", panic_into_a_c_thread),
    ("exit-in-a-callback", exit_in_a_callback),
    ("exit-in-a-callback-of-a-c-thread", exit_in_a_callback_of_a_c_thread),
    ("callbacks-at-exit", callbacks_at_exit),
    ("main-ends-before-c-threads", main_ends_before_c_threads),
    ("overflows", overflows),
    ("waits-for-ever", waits_for_ever),
    ("c-thread-waits-for-ever", c_thread_waits_for_ever),
    ("c-thread-has-ended", c_thread_has_ended),
    ("c-thread-rests", c_thread_rests),
    ("deadlock-with-callbacks-at-exit", deadlock_with_callbacks_at_exit),
    ("quit-with-callbacks-at-exit", quit_with_callbacks_at_exit),
    ("c-threads-one-after-the-other", c_threads_one_after_the_other),
    ("c-threads-call-back-at-their-end", c_threads_call_back_at_their_end),
    ("quit", quit),
];

fn main() {
    sward_tests::chosen(PROGRAMS)();
}

/// What C has: a function that calls the one it is given.
extern "C" fn call_it(function: extern "C" fn()) {
    black_box(function)();
}

extern "C" fn does_nothing() {
    ffi::callback(|| ());
}

/// `park` may return for no reason.
fn wait_for_ever() {
    loop {
        thread::park();
    }
}

/// What C does with a function that it was not given.
#[inline(never)]
fn call_null() {
    // SAFETY: not sound, on purpose: this ends the process.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        std::arch::asm!("call {}", in(reg) 0_usize, clobber_abi("C"));
        #[cfg(target_arch = "aarch64")]
        std::arch::asm!("blr {}", in(reg) 0_usize, clobber_abi("C"));
    }
    black_box(());
}

fn null_function() {
    sward::run(|| ffi::call(call_null));
}

fn null_function_quickly() {
    sward::run(|| ffi::quick(call_null));
}

fn null_function_in_a_callback() {
    extern "C" fn calls_null() {
        ffi::callback(call_null);
    }
    sward::run(|| ffi::call(|| call_it(calls_null)));
}

fn before_the_start() {
    call_it(does_nothing);
}

fn out_of_quick() {
    sward::run(|| ffi::quick(|| call_it(does_nothing)));
}

fn use_handle<T: Send + Sync + 'static>(pointer: *mut c_void) {
    extern "C" fn callback<T: Send + Sync + 'static>(pointer: *mut c_void) {
        ffi::callback(|| Handle::with(pointer, |_: &T| println!("found")));
    }
    // A number may go where a pointer may not.
    let number = pointer.addr();
    sward::run(|| ffi::call(|| callback::<T>(ptr::without_provenance_mut(number))));
}

fn stale_handle() {
    let handle = Handle::new(7_u32);
    let pointer = handle.as_ptr();
    drop(handle);
    use_handle::<u32>(pointer);
}

/// Its place has been taken by another value of the same type.
fn stale_handle_of_another() {
    let handle = Handle::new(7_u32);
    let pointer = handle.as_ptr();
    drop(handle);
    let _others = [(); 100].map(|()| Handle::new(8_u32));
    use_handle::<u32>(pointer);
}

fn null_handle() {
    let _handle = Handle::new(7_u32);
    use_handle::<u32>(ptr::null_mut());
}

fn handle_of_another_type() {
    let handle = Handle::new(7_u32);
    use_handle::<i32>(handle.as_ptr());
}

/// Has SIGUSR1 handled on the alternate stack.
fn handle_signal(handler: extern "C" fn(c_int)) {
    // SAFETY: a sigaction of zeros is valid, and the handler has the type for it.
    unsafe {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_ONSTACK;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut()), 0);
    }
}

fn raise_signal() {
    // SAFETY: the process handles it.
    unsafe { libc::raise(libc::SIGUSR1) };
}

extern "C" fn call_back_in_handler(_: c_int) {
    does_nothing();
}

fn callback_in_a_handler() {
    handle_signal(call_back_in_handler);
    sward::run(raise_signal);
}

fn callback_in_a_handler_in_c() {
    handle_signal(call_back_in_handler);
    sward::run(|| ffi::call(raise_signal));
}

/// A thread with a signal stack of its own, and no callback before.
fn callback_in_a_handler_of_a_c_thread() {
    handle_signal(call_back_in_handler);
    sward::run(|| ());
    // std gives its threads a signal stack.
    std::thread::spawn(raise_signal).join().expect("it does not panic");
}

fn call_in_a_handler() {
    extern "C" fn handler(_: c_int) {
        ffi::call(|| println!("called"));
    }
    handle_signal(handler);
    sward::run(raise_signal);
}

extern "C" fn panics() {
    ffi::callback(|| panic!("into C"));
}

fn panic_into_c() {
    sward::run(|| {
        let _ = std::panic::catch_unwind(|| ffi::call(|| call_it(panics)));
    });
}

fn panic_into_a_c_thread() {
    sward::run(|| CThread::spawn(panics_in_c).join());
}

fn panics_in_c() {
    call_it(panics);
}

/// The exit code is the callback's.
extern "C" fn exits() {
    ffi::callback(|| std::process::exit(7));
}

fn exit_in_a_callback() {
    sward::run(|| ffi::call(|| call_it(exits)));
}

fn exit_in_a_callback_of_a_c_thread() {
    sward::run(|| {
        CThread::spawn(|| call_it(exits)).detach();
        wait_for_ever();
    });
}

extern "C" fn call_back_at_exit() {
    let n = AtomicUsize::new(0);
    ffi::callback(|| {
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    thread::yield_now();
                    n.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
    });
    eprintln!("{} at exit", n.into_inner());
}

/// Handlers run on the main thread, after its thread-locals are gone.
fn callbacks_at_exit() {
    // SAFETY: a function that may be called at any time.
    unsafe { libc::atexit(call_back_at_exit) };
    sward::run(|| assert_eq!(spawn(|| 7).join().expect("it does not panic"), 7));
    std::process::exit(3);
}

fn main_ends_before_c_threads() {
    static CALLBACKS: AtomicUsize = AtomicUsize::new(0);
    for _ in 0..3 {
        CThread::spawn(|| {
            loop {
                if thread_is_ready() {
                    ffi::callback(|| {
                        spawn(thread::yield_now).join().expect("it does not panic");
                        CALLBACKS.fetch_add(1, Ordering::Relaxed);
                    });
                }
            }
        })
        .detach();
    }
    sward::run(|| {
        STARTED.store(true, Ordering::Release);
        while CALLBACKS.load(Ordering::Relaxed) < 100 {
            thread::yield_now();
        }
    });
    std::process::exit(5);
}

static STARTED: AtomicBool = AtomicBool::new(false);

/// Whether the runtime has been started.
fn thread_is_ready() -> bool {
    STARTED.load(Ordering::Acquire) || {
        std::thread::yield_now();
        false
    }
}

/// The callback's own stack is used up.
fn overflows() {
    fn dive(depth: usize) -> usize {
        let frame = black_box([depth; 64]);
        if depth == usize::MAX { 0 } else { dive(depth + 1) + frame[depth % 64] }
    }
    extern "C" fn dives() {
        ffi::callback(|| black_box(dive(0)));
    }
    sward::run(|| ffi::call(|| call_it(dives)));
}

extern "C" fn waits() {
    ffi::callback(wait_for_ever);
}

/// Two callbacks deep.
fn waits_for_ever() {
    sward::run(outer_callback);
}

#[inline(never)]
fn outer_callback() {
    extern "C" fn inner_callback() {
        ffi::callback(|| ffi::call(|| call_it(waits)));
    }
    ffi::call(|| call_it(inner_callback));
}

fn c_thread_waits_for_ever() {
    sward::run(|| {
        CThread::spawn(|| call_it(waits)).detach();
        wait_for_ever();
    });
}

/// The verdict was open as long as the thread rested; nobody else does anything when it ends.
fn c_thread_has_ended() {
    sward::run(|| {
        CThread::spawn(|| {
            does_nothing();
            std::thread::sleep(Duration::from_millis(50));
            eprintln!("last sign of life");
        })
        .detach();
        wait_for_ever();
    });
}

/// A thread that rests for longer than sysmon waits with its second look comes to help.
fn c_thread_rests() {
    let (tx, rx) = channel::bounded(0);
    sward::run(move || {
        let helper = CThread::spawn(move || {
            for n in 0..2 {
                ffi::callback(|| tx.send(n).expect("main listens"));
                std::thread::sleep(Duration::from_millis(1200 * (1 - n)));
            }
        });
        assert!(rx.iter().eq(0..2));
        helper.join();
    });
}

fn deadlock_with_callbacks_at_exit() {
    // SAFETY: a function that may be called at any time.
    unsafe { libc::atexit(call_back_at_exit) };
    sward::run(wait_for_ever);
}

/// Has a dump with the scheduler's Ms written.
fn dump() -> ! {
    // SAFETY: the process handles the signal.
    unsafe { libc::raise(libc::SIGQUIT) };
    loop {
        std::thread::sleep(Duration::MAX);
    }
}

/// The only M there is serves C.
fn quit_with_callbacks_at_exit() {
    // SAFETY: a function that may be called at any time.
    unsafe { libc::atexit(call_back_at_exit) };
    sward::run(|| ffi::call(dump));
}

fn c_threads_one_after_the_other() {
    sward::run(|| {
        for _ in 0..100 {
            ffi::call(|| {
                CThread::spawn(|| {
                    does_nothing();
                    ffi::callback(|| thread::sleep(Duration::from_micros(10)));
                })
                .join();
            });
        }
        ffi::call(dump);
    });
}

/// Their first callback comes when their thread-locals are gone.
fn c_threads_call_back_at_their_end() {
    sward::run(|| {
        for _ in 0..100 {
            ffi::call(|| {
                CThread::spawn(|| CThread::at_end(|| ffi::callback(|| thread::sleep(Duration::from_micros(10)))))
                    .join();
            });
        }
        ffi::call(dump);
    });
}

/// Green threads wait in callbacks, in calls, and C threads in callbacks, when SIGQUIT comes.
fn quit() {
    static WAITING: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn waits_in_callback() {
        ffi::callback(|| {
            WAITING.fetch_add(1, Ordering::Relaxed);
            innermost_wait();
        });
    }
    sward::run(|| {
        let caller = Builder::new().name("caller".into());
        drop(caller.spawn(|| outermost_call(waits_in_callback)));
        let blocked = Builder::new().name("blocked".into());
        drop(blocked.spawn(|| {
            ffi::call(|| {
                WAITING.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::MAX);
            })
        }));
        CThread::spawn(move || call_it(waits_in_callback)).detach();
        while WAITING.load(Ordering::Relaxed) < 3 {
            thread::yield_now();
        }
        // SAFETY: the process handles the signal.
        unsafe { libc::raise(libc::SIGQUIT) };
        wait_for_ever();
    });
}

#[inline(never)]
fn outermost_call(function: extern "C" fn()) {
    ffi::call(|| call_it(function));
    black_box(());
}

#[inline(never)]
fn innermost_wait() {
    static WORD: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
    while WORD.load(Ordering::Relaxed).is_null() {
        thread::park();
    }
}
