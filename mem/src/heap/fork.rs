//! `fork`: the child has one thread, and must not find the heap in the middle of what another one was doing.
//!
//! Before the process is duplicated the gate is closed and the locks that are taken elsewhere as well: nobody is behind any. Parent and child open
//! them again. In the child, what the caches of the other threads held stays theirs, for ever: a few hundred kibibytes for each thread there was. A
//! child that goes on to `exec`, as nearly all do, does not care; collecting it would copy pages just for that.
//!
//! `vfork` and `posix_spawn` call no handlers. Their children share the parent's memory and run until they `exec`; the parent's other threads go on.

use std::cell::UnsafeCell;
use std::sync::MutexGuard;

use super::{caches, scavenger};
use crate::gate::Closed;
use crate::persistent::{self, Bump};

/// What is held while the process is duplicated.
struct Held(UnsafeCell<Option<Guards>>);

type Guards = (MutexGuard<'static, Bump>, MutexGuard<'static, bool>, Closed<'static>);

// SAFETY: only used by the thread that holds what is in it: the gate can be closed by one thread at a time.
unsafe impl Sync for Held {}

static HELD: Held = Held(UnsafeCell::new(None));

/// Has the handlers called. Once.
pub(crate) fn start() {
    // SAFETY: the handlers are functions without conditions.
    let error = unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    if error != 0 {
        crate::fatal!("no handlers for fork: error {error}");
    }
}

unsafe extern "C" fn prepare() {
    let closed = caches::close();
    let held = (persistent::lock(), scavenger::lock(), closed);
    // SAFETY: this thread has closed the gate, so the cell is its own.
    unsafe { *HELD.0.get() = Some(held) };
}

unsafe extern "C" fn parent() {
    // SAFETY: this thread closed the gate, or it is the only one of a child.
    drop(unsafe { (*HELD.0.get()).take() });
}

unsafe extern "C" fn child() {
    // SAFETY: as the parent.
    if let Some((_, scavenger, _)) = unsafe { &mut *HELD.0.get() } {
        scavenger::forget(scavenger);
    }
    caches::forget_threads();
    // SAFETY: as above.
    unsafe { parent() };
}
