//! Wiring a green thread to its OS thread: for libraries that keep state by thread, and for panics.
//!
//! While a G is locked to an M, that M runs nothing else. When the G waits, the M gives its P away and sleeps; whoever takes the G
//! from a run queue hands the P over to that M, and looks for another. If the G ends while locked, its OS thread ends with it, as it may
//! be left in a state that nobody else should find.

use std::marker::PhantomData;

use crate::g::G;
use crate::section::Section;

/// Keeps the green thread on its OS thread until dropped. Nests.
#[derive(Debug)]
#[must_use = "the lock ends when the guard is dropped"]
pub struct OsThreadGuard {
    /// Whose lock it is. The guard may be dropped where no G can be found, on the M's own stack.
    g: Option<&'static G>,
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
    OsThreadGuard { g: section.g(), not_send: PhantomData }
}

impl Drop for OsThreadGuard {
    fn drop(&mut self) {
        // The guard has not left its thread, which is the G's: nobody else touches the lock.
        let Some(g) = self.g else { return };
        let depth = g.os_locks.get() - 1;
        g.os_locks.set(depth);
        if depth == 0
            && let Some(m) = g.locked_m()
        {
            g.set_locked_m(None);
            m.set_locked_g(None);
        }
    }
}
