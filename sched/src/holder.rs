//! Who holds a lock, told at the price of two stores.
//!
//! The word is an address on the holder's stack: its stack pointer, which costs nothing to get. Whose stack that is gets looked up when somebody
//! asks. Two do: a thread that finds the lock held, lest it wait for itself, and a dump that comes across one that waits.
//!
//! A holder writes its address right after it has locked, and 0 right before it unlocks. Both are relaxed: the lock puts all that one
//! holder writes before all that the next one writes. So no thread ever takes itself for a holder that it no longer is:
//!
//! ```text
//!   T                              U
//!   1. locks
//!   2. writes an address of T's
//!   3. writes 0
//!   4. unlocks (release)
//!                                  5. locks (acquire)
//!                                  6. writes an address of U's
//!   7. finds the lock held, reads
//! ```
//! T reads after its own write 3, so it finds the 0 or something later, an address of U's; never write 2. Without 3 it could read 2, if 6 is
//! still on its way. With 3 after 4, the 0 could wipe out what U has written.
//!
//! A lock that is handed to a waiter, held all the while, is no exception: who hands it on has written 0 before, and the waiter
//! writes its address once it has been woken. In between, the holder is not known.
//!
//! A guard that was forgotten leaves the address of a stack that may serve another thread later. That one then takes itself for the
//! holder, of a lock that nobody will ever unlock.
//!
//! A guard that was made in a callback, and outlives it in foreign hands, leaves such an address, too, and is alive. So of locks that were taken on a
//! stack that has ever served a callback, nothing is known.

use std::cell::OnceCell;
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::g::{G, GRef};
use crate::header::Header;
use crate::stack::{current_g, g_at, header_at, stack_pointer};

/// The holder of a lock, for messages and dumps: set right after locking, cleared right before unlocking.
#[derive(Debug)]
pub struct Holder(AtomicUsize);

impl Holder {
    /// Nobody.
    pub const fn nobody() -> Holder {
        Holder(AtomicUsize::new(0))
    }

    /// Notes that the caller has just locked.
    #[inline(always)]
    pub fn set(&self) {
        // Relaxed: see the module.
        self.0.store(stack_pointer(), Ordering::Relaxed);
    }

    /// Notes that the caller is about to unlock.
    #[inline(always)]
    pub fn clear(&self) {
        // Relaxed: see the module.
        self.0.store(0, Ordering::Relaxed);
    }

    /// Checks that the caller may wait for the lock: that it does not hold it itself. `deed` is what it is about to do.
    ///
    /// A lock taken inside [`unblock`](crate::unblock) has no known holder.
    ///
    /// # Panics
    /// If the caller holds the lock, with its name and the deed.
    #[track_caller]
    pub fn check_not_caller(&self, deed: &str) {
        if self.is_caller() {
            match GRef::current() {
                Some(g) => panic!("{} {deed}", Who::Green(g)),
                None => panic!("thread {:?} {deed}", std::thread::current().name().unwrap_or("<unnamed>")),
            }
        }
    }

    fn is_caller(&self) -> bool {
        // Relaxed: see the module.
        let address = self.0.load(Ordering::Relaxed);
        address != 0
            && match current_g() {
                Some(g) => owner_of(address).is_some_and(|holder| ptr::eq(holder, g)),
                None => is_on_own_stack(address),
            }
    }

    /// Who it is, if that can be told.
    pub(crate) fn who(&self) -> Option<Who> {
        // Relaxed: see the module.
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            address if g_at(address).is_none() => Some(Who::OsThread),
            address => owner_of(address).and_then(GRef::try_new).map(Who::Green),
        }
    }
}

/// The G that an address on a green stack is of, if the stack is only of one at a time.
fn owner_of(address: usize) -> Option<&'static G> {
    g_at(address).filter(|_| !header_at(address).is_some_and(Header::was_lent))
}

/// A holder.
#[derive(Debug)]
pub(crate) enum Who {
    Green(GRef),
    OsThread,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Green(g) => g.write_title(f),
            Who::OsThread => f.write_str("an OS thread"),
        }
    }
}

thread_local! {
    /// The addresses of the OS thread's stack, if that stack is of one thread only.
    #[allow(clippy::disallowed_macros, reason = "used on OS threads, which never change under the code")]
    static OWN_STACK: OnceCell<Range<usize>> = const { OnceCell::new() };
}

/// Whether `address` is on the stack of the OS thread that calls this, on its own stack.
#[inline(never)]
fn is_on_own_stack(address: usize) -> bool {
    OWN_STACK.with(|stack| stack.get_or_init(|| bounds().unwrap_or_default()).contains(&address))
}

/// Notes that the stack of the calling OS thread serves one green thread after the other: no address on it tells who wrote it.
pub(crate) fn share_stack() {
    OWN_STACK.with(|stack| drop(stack.set(Range::default())));
}

/// Asks the C library where the calling OS thread's stack is.
fn bounds() -> Option<Range<usize>> {
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: a question about the calling thread; initializes the attributes when it returns 0.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut start, mut len) = (ptr::null_mut(), 0);
    // SAFETY: initialized above, and destroyed once.
    let answer = unsafe {
        let answer = libc::pthread_attr_getstack(attributes.as_ptr(), &mut start, &mut len);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        answer
    };
    (answer == 0).then(|| start.addr()..start.addr() + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_os_thread_knows_itself_only() {
        let holder = Holder::nobody();
        assert!(!holder.is_caller() && holder.who().is_none());
        holder.set();
        assert!(holder.is_caller());
        assert!(matches!(holder.who(), Some(Who::OsThread)));
        std::thread::scope(|s| {
            s.spawn(|| assert!(!holder.is_caller()));
        });
        holder.clear();
        assert!(!holder.is_caller() && holder.who().is_none());
    }

    #[test]
    fn a_shared_stack_tells_nothing() {
        std::thread::scope(|s| {
            s.spawn(|| {
                share_stack();
                let holder = Holder::nobody();
                holder.set();
                assert!(!holder.is_caller());
                assert!(matches!(holder.who(), Some(Who::OsThread)));
            });
        });
    }
}
