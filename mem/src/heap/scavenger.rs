//! The scavenger: a thread that gives memory back to the kernel which the program does not need any more.
//!
//! It wakes when pages or whole spans become free beyond its goal, and then goes to work ten times a second until nothing more has been freed, or
//! come of it, for a second: spans that are free as a whole give up their pages, and of the free pages beyond a tenth of what is in use, and a
//! little, half go back to the kernel each time. So after everything is freed nearly nothing is left after a second, and a program whose use swings
//! is not given to page faults: which pages have rested is for `pages` to say.
//!
//! It is a thread of its own since a program that has freed everything and waits does not call the allocator any more. It is not one of std's, whose
//! making allocates; it starts when there is something to do first, and takes no signals.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::arena::{self, Region};
use super::caches;
use super::central::Central;
use super::class::Class;
use crate::gate::Flag;
use crate::pages::{Counts, UNIT};

/// How often it works, when it does.
const TICK: Duration = Duration::from_millis(100);

/// After so many rounds in vain, before which nothing was freed either, it goes to sleep. By then all that is free has rested.
const PATIENCE: usize = 10;

/// The most that is given back at once, so that the kernel's lock on the address space is not held for long, in pages: 4 MiB.
const PIECE: usize = 512;

/// What is free is kept up to a tenth of what is in use, and this, in pages: 1 MiB.
const KEPT: usize = 128;

/// It goes round the sets of whose spans one in so many has become free as a whole: going round a large one costs more than a span is worth.
const SHARE: usize = 64;

/// When the kernel refuses the thread, so many calls go by until it is tried again.
const REFUSED: usize = 1000;

/// Its stack, in bytes: enough for static thread-locals and a few small frames.
const STACK: usize = 256 << 10;

/// Its flag at the gate.
pub(crate) static FLAG: Flag = Flag::new();

/// Whether something has been freed, beyond its goal, since its last round began.
static CALLED: AtomicBool = AtomicBool::new(false);

/// Whether there is a thread.
static STARTED: Mutex<bool> = Mutex::new(false);
static CALL: Condvar = Condvar::new();

/// How often it was called in vain, as there is no thread.
static REFUSALS: AtomicUsize = AtomicUsize::new(0);

/// Tells it that there may be something to do.
#[inline]
pub(crate) fn wake() {
    // SeqCst pairs with the swap in `run`: who finds it called already has freed before the round looks.
    if !CALLED.load(Ordering::SeqCst) {
        call();
    }
}

#[cold]
fn call() {
    // SeqCst as in `wake`: of those who come at once one calls.
    if CALLED.swap(true, Ordering::SeqCst) {
        return;
    }
    let mut started = lock();
    if *started {
        CALL.notify_one();
        return;
    }
    // Relaxed: counted under the lock.
    let refused = REFUSALS.load(Ordering::Relaxed);
    *started = refused.is_multiple_of(REFUSED) && start_thread();
    if !*started {
        REFUSALS.store(refused + 1, Ordering::Relaxed);
        // Relaxed: a later call tries again, whenever that is seen.
        CALLED.store(false, Ordering::Relaxed);
    }
}

/// How many threads the heap has for itself. They wake nobody, so who counts threads to tell whether anybody might leaves them out.
pub fn threads() -> usize {
    usize::from(*lock())
}

/// Keeps it from starting, and from going to sleep.
pub(crate) fn lock() -> MutexGuard<'static, bool> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In the child of a fork: the thread has stayed with the parent.
pub(crate) fn forget(started: &mut bool) {
    *started = false;
    // Relaxed: there is no other thread.
    CALLED.store(false, Ordering::Relaxed);
}

/// Starts the thread. Returns whether the kernel agreed; if not, it is tried again another time.
fn start_thread() -> bool {
    let mut thread = MaybeUninit::uninit();
    let mut attributes = MaybeUninit::uninit();
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: each function is given places of its own types, initialised by the one before where that is needed. The thread inherits the mask,
    // which is this thread's own again afterwards.
    unsafe {
        libc::pthread_attr_init(attributes.as_mut_ptr());
        libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), STACK);
        libc::pthread_attr_setdetachstate(attributes.as_mut_ptr(), libc::PTHREAD_CREATE_DETACHED);
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let error = libc::pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), run, ptr::null_mut());
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        if error == 0 {
            libc::pthread_setname_np(thread.assume_init(), c"sward-scavenge".as_ptr());
        }
        error == 0
    }
}

extern "C" fn run(_: *mut c_void) -> *mut c_void {
    let mut vain = 0;
    loop {
        std::thread::sleep(TICK);
        // SeqCst pairs with the load in `wake`: what this round does not see freed calls again.
        let was_called = CALLED.swap(false, Ordering::SeqCst);
        // Before it goes to sleep it goes round all sets.
        let share = if vain + 1 == PATIENCE { usize::MAX } else { SHARE };
        vain = if work(share) || was_called { 0 } else { vain + 1 };
        if vain < PATIENCE {
            continue;
        }
        let mut guard = lock();
        // Relaxed: the lock orders it, which a call takes afterwards.
        while !CALLED.load(Ordering::Relaxed) {
            guard = CALL.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        vain = 0;
    }
}

/// How many pages are free that the kernel might have, beyond the goal.
pub(crate) fn excess(counts: Counts) -> usize {
    (counts.free - counts.released).saturating_sub(counts.in_use / 10 + KEPT)
}

/// One tick's work. Returns whether anything was given back.
fn work(share: usize) -> bool {
    let passage = caches::pass_as(&FLAG);
    Class::all().for_each(|class| Central::of(class).release_free(share));
    drop(passage);
    // All of them, whatever comes of the first.
    arena::regions().map(give_excess_back).fold(false, |some, more| some | more)
}

/// Gives half of what is beyond the goal back, as far as it has rested. Returns whether that was anything.
fn give_excess_back(region: &'static Region) -> bool {
    let passage = caches::pass_as(&FLAG);
    let mut left = region.with(|inner| {
        inner.pages.tick();
        excess(inner.pages.counts()).div_ceil(2)
    });
    drop(passage);
    let mut some = false;
    while left != 0 {
        let _passage = caches::pass_as(&FLAG);
        let Some(run) = region.with(|inner| inner.pages.take_idle(left.clamp(UNIT, PIECE))) else { break };
        if !region.give_back(run) {
            break;
        }
        some = true;
        left = left.saturating_sub(run.count);
    }
    some
}
