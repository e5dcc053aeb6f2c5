//! Wiring a green thread to its OS thread: for libraries that keep state by thread, and for panics.
//!
//! While a G is locked to an M, that M runs nothing else. When the G waits, the M gives its P away and sleeps; whoever takes the G
//! from a run queue hands the P over to that M, and looks for another. If the G ends while locked, its OS thread ends with it, as it may
//! be left in a state that nobody else should find.

use std::marker::PhantomData;

use crate::g::{G, GRef};
use crate::m::M;
use crate::section::Section;

/// Keeps the green thread on its OS thread until dropped. Nests.
#[derive(Debug)]
#[must_use = "the lock ends when the guard is dropped"]
pub struct OsThreadGuard {
    /// Whose lock it is. The guard may be dropped where no G can be found, on the M's own stack, or when the thread has ended.
    g: Option<GRef>,
    not_send: PhantomData<*mut ()>,
}

/// Wires the calling green thread to the OS thread that it runs on, until the guard is dropped. Does nothing on a plain OS
/// thread.
pub fn lock_os_thread() -> OsThreadGuard {
    let section = Section::enter();
    if let (Some(g), Some(m)) = (section.g(), section.m()) {
        let depth = g.os_locks.get();
        g.os_locks.set(depth + 1);
        if depth == 0 {
            g.set_locked_m(Some(m));
            m.set_locked_g(Some(g));
        }
    }
    OsThreadGuard { g: section.g().map(GRef::new), not_send: PhantomData }
}

impl Drop for OsThreadGuard {
    fn drop(&mut self) {
        // The guard has not left its thread, which is the G's: nobody else touches the lock.
        let Some(g) = self.g.as_ref().map(GRef::g) else { return };
        // A thread that has ended has no locks: that of a callback may have, and the guard have been carried out of it.
        let Some(depth) = g.os_locks.get().checked_sub(1) else { return };
        g.os_locks.set(depth);
        if depth == 0
            && let Some(m) = g.locked_m()
        {
            g.set_locked_m(None);
            m.set_locked_g(None);
        }
    }
}

/// Ends all locks of a G that has ended.
pub(crate) fn unlock_from_thread(m: &M, g: &G) {
    m.set_locked_g(None);
    g.set_locked_m(None);
    g.os_locks.set(0);
}
