//! Stack overflow: named, traced, and the end of the process; never silent corruption.
//!
//! A green thread that runs into its guard faults. The handler runs on the M's alternate stack, knows from the faulting address whose
//! guard it was, and writes what it can without allocating: which thread, how large its stack, where it was spawned. The traceback
//! needs symbols, hence memory and locks, and is sysmon's work: the handler hands it the registers and waits, but not for ever, since the
//! thread may hold the allocator's lock. Then the process aborts.
//!
//! The stack cannot be unwound instead: the faulting instruction is anywhere, and Rust's unwind tables cover calls only.
//!
//! A call of a null function is named likewise: it is what a missing callback or symbol of foreign code ends in, and on the foreign stack
//! there is nothing else to tell whose call it was.
//!
//! A fault anywhere else goes to the handler that was there before: std's, which names OS threads, or the program's own.

use std::cell::UnsafeCell;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::clock;
use crate::dump;
use crate::futex;
use crate::g::G;
use crate::m::{self, M};
use crate::preempt::install_handler;
use crate::sched::{Backtrace, Sched, sched};
use crate::stack;
use crate::status::State;
use crate::traceback::{Cache, Registers, Traceback, Unwinder};
use sward_mem::RawStderr;
use sward_mem::fatal;

/// Room for a signal frame with wide vector registers, and for a handler that walks a stack.
const ALTERNATE_STACK: usize = 64 << 10;
/// The most frames that are counted.
const MAX_FRAMES: usize = 1 << 20;
/// How long the faulting thread waits for its traceback. Reading the symbols of a large program takes seconds, under an emulator many.
const PATIENCE: u64 = 30_000_000_000;

/// The handlers that were there before, for SIGSEGV and SIGBUS.
static PREVIOUS: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

/// The report that sysmon is asked for.
static REPORT: Report = Report { state: AtomicU32::new(NONE), what: UnsafeCell::new(None) };
const NONE: u32 = 0;
const BEING_WRITTEN: u32 = 1;
const ASKED: u32 = 2;
const DONE: u32 = 3;

struct Report {
    state: AtomicU32,
    what: UnsafeCell<Option<(&'static G, Fault, Option<Registers>)>>,
}

/// What a green thread has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Overflow,
    NullCall,
}

// SAFETY: `what` is written by the one handler that moved `state` from NONE, and read after ASKED.
unsafe impl Sync for Report {}

/// Installs the handlers.
pub(crate) fn install() {
    // Built now, since a handler must not.
    Unwinder::load();
    PREVIOUS.get_or_init(|| [install_handler(libc::SIGSEGV, on_fault), install_handler(libc::SIGBUS, on_fault)]);
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands a handler with SA_SIGINFO valid pointers.
    let (address, interrupted) = unsafe { ((*info).si_addr() as usize, Registers::from_ucontext(&*context.cast())) };
    match stack::g_at(interrupted.sp) {
        // Code without stack probes may jump over the guard's first page, or fault while its stack pointer is in the guard.
        Some(g) if stack::is_guard(address) && stack::g_at(address).is_some_and(|other| ptr::eq(g, other)) => {
            die(g, Fault::Overflow, Some(interrupted))
        }
        // SAFETY: a call has just been made on the interrupted stack.
        Some(g) if interrupted.pc == 0 => die(g, Fault::NullCall, Some(unsafe { interrupted.of_caller() })),
        None if interrupted.pc == 0 => match m::current().and_then(M::current) {
            // In a quick call it has not noted where it is.
            Some(g) => die(g, Fault::NullCall, g.registers().filter(|_| g.status.load() == State::Syscall)),
            None => pass_on(signal, info, context),
        },
        _ => pass_on(signal, info, context),
    }
}

fn die(g: &'static G, fault: Fault, registers: Option<Registers>) -> ! {
    // AcqRel: one handler gets to write; the others wait for the end of the process.
    if REPORT.state.compare_exchange(NONE, BEING_WRITTEN, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
        // std's stderr has a lock that this thread may hold; the descriptor has none.
        let mut stderr = RawStderr;
        let _ = match fault {
            Fault::Overflow => write!(stderr, "\nfatal: stack overflow in green thread {}", g.id()),
            Fault::NullCall => write!(stderr, "\nfatal: a null function was called by green thread {}", g.id()),
        };
        if let Some(name) = g.name() {
            let _ = write!(stderr, " \"{name}\"");
        }
        let _ = match fault {
            Fault::Overflow => {
                writeln!(stderr, ": its stack of {} KiB is used up", (1usize << g.stack_shift()) >> 10)
            }
            Fault::NullCall => writeln!(stderr),
        };
        let _ = dump::write_spawn_site(&mut stderr, g);
        if fault == Fault::Overflow {
            let _ = writeln!(stderr, "a larger one: thread::Builder::stack_size, or SWARD_STACK for all\n");
        }
        // SAFETY: this handler alone moved the state from NONE.
        unsafe { *REPORT.what.get() = Some((g, fault, registers)) };
        // Release pairs with the acquire in `report_if_asked`.
        REPORT.state.store(ASKED, Ordering::Release);
        sched().sysmon.poke();
    }
    let patience = clock::now() + PATIENCE;
    loop {
        // Acquire: nothing is read after it; the report is out.
        let state = REPORT.state.load(Ordering::Acquire);
        if state == DONE || clock::now() >= patience {
            std::process::abort();
        }
        futex::wait(&REPORT.state, state, Some(patience));
    }
}

/// For sysmon: writes the traceback that a handler waits for.
pub(crate) fn report_if_asked(sched: &Sched) {
    // Acquire pairs with the release in `die`.
    if REPORT.state.load(Ordering::Acquire) != ASKED {
        return;
    }
    // SAFETY: written before ASKED, and not after.
    if let Some((g, fault, registers)) = unsafe { *REPORT.what.get() } {
        let mut frames = vec![0; MAX_FRAMES];
        let walked = registers.zip(g.frames()).map_or(0, |(registers, stack)| {
            // SAFETY: the part of the stack above its guard; its owner waits in the handler.
            unsafe { Unwinder::load().walk(&mut Cache::new(), registers, stack, &mut frames) }
        });
        let doing = match fault {
            Fault::Overflow => "running, stack overflow",
            Fault::NullCall => "calling a null function",
        };
        let _ = writeln!(RawStderr, "{}", dump::Header { g, doing: format_args!("{doing}") });
        let _ = writeln!(RawStderr, "{}", Traceback::new(&frames[..walked]).ends(16));
        if sched.options.backtrace != Backtrace::Single {
            let _ = dump::write_all(sched, &mut RawStderr);
        }
    }
    // Release pairs with the acquire in `die`.
    REPORT.state.store(DONE, Ordering::Release);
    futex::wake_one(&REPORT.state);
}

/// Calls the handler that was there before, as the kernel would have.
fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let previous = PREVIOUS.get().map(|[segv, bus]| if signal == libc::SIGSEGV { segv } else { bus });
    match previous.map(|action| (action.sa_sigaction, action.sa_flags & libc::SA_SIGINFO != 0)) {
        None | Some((libc::SIG_DFL | libc::SIG_IGN, _)) => {
            // SAFETY: with the default action back, the instruction faults again and ends the process.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Some((handler, true)) => {
            // SAFETY: SA_SIGINFO says that this is the handler's type.
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        }
        Some((handler, false)) => {
            // SAFETY: without SA_SIGINFO, this is the handler's type.
            let handler: extern "C" fn(libc::c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}

/// The signal stack that the calling thread has.
fn present() -> libc::stack_t {
    let mut present = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: asks only, and a stack_t of zeros is valid.
    unsafe {
        libc::sigaltstack(ptr::null(), present.as_mut_ptr());
        present.assume_init()
    }
}

/// The signal stack of the calling thread, until dropped.
pub(crate) struct AlternateStack {
    start: *mut libc::c_void,
    previous: libc::stack_t,
}

impl AlternateStack {
    /// Maps one, with a guard page below, and makes it the thread's.
    pub(crate) fn install() -> AlternateStack {
        let guard = stack::page_size();
        let size = guard + ALTERNATE_STACK;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let mut previous = MaybeUninit::<libc::stack_t>::zeroed();
        // SAFETY: a new mapping, whose upper part becomes the stack; a stack_t of zeros is valid.
        unsafe {
            let start = libc::mmap(ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            let usable = start.wrapping_byte_add(guard);
            let new = libc::stack_t { ss_sp: usable, ss_flags: 0, ss_size: ALTERNATE_STACK };
            if start == libc::MAP_FAILED
                || libc::mprotect(start, guard, libc::PROT_NONE) != 0
                || libc::sigaltstack(&new, previous.as_mut_ptr()) != 0
            {
                fatal!("cannot set up a signal stack of {size} bytes: {}", io::Error::last_os_error());
            }
            AlternateStack { start, previous: previous.assume_init() }
        }
    }

    /// Whether the caller runs on the signal stack of its thread, whoever set that up: it is in a handler.
    pub(crate) fn is_in_use() -> bool {
        present().ss_flags & libc::SS_ONSTACK != 0
    }

    /// Where it is.
    pub(crate) fn range(&self) -> Range<usize> {
        let start = self.start.addr() + stack::page_size();
        start..start + ALTERNATE_STACK
    }
}

impl Drop for AlternateStack {
    fn drop(&mut self) {
        // Unless somebody has replaced it. std does so when a thread of its ends, before a borrowed M is given back, and the former one is gone then.
        let is_ours = present().ss_sp.addr() == self.range().start;
        // SAFETY: the thread's own former stack comes back, and this one is used by nobody then.
        unsafe {
            if is_ours {
                libc::sigaltstack(&self.previous, ptr::null_mut());
            }
            libc::munmap(self.start, stack::page_size() + ALTERNATE_STACK);
        }
    }
}
