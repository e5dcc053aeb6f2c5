//! Sleeping and waking of OS threads: the futex calls, and the one-shot [`Note`] that an M or an OS thread sleeps on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::clock::{self, Nanos};

/// Sleeps while `*word == expected`, at most until `deadline`. Wakes spuriously too: the caller looks again.
pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Option<Nanos>) {
    let timeout = deadline.map(|when| {
        let left = Duration::from_nanos(when.saturating_sub(clock::now()));
        libc::timespec { tv_sec: left.as_secs() as libc::time_t, tv_nsec: left.subsec_nanos().into() }
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the word outlives the call; the time-out is null or points to a timespec that outlives it too.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, expected, timeout);
    }
}

/// Wakes one thread that sleeps on `word`. The word may be gone by now: the kernel only compares the address.
pub(crate) fn wake_one(word: *const AtomicU32) {
    // SAFETY: FUTEX_WAKE does not touch the word.
    unsafe {
        libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1);
    }
}

/// A one-shot event that one thread waits for.
///
/// `wake` before `sleep` is not lost; two `wake`s before a `sleep` count once.
#[derive(Debug, Default)]
pub(crate) struct Note(AtomicU32);

impl Note {
    /// A note that nobody has set.
    pub(crate) const fn new() -> Self {
        Note(AtomicU32::new(0))
    }

    /// Sets the note and wakes its sleeper. Async-signal-safe.
    pub(crate) fn wake(&self) {
        let word = std::ptr::from_ref(&self.0);
        // Release pairs with the acquire swap in `sleep_until`. After this store the sleeper may be gone with its note, hence
        // the pointer.
        self.0.store(1, Ordering::Release);
        wake_one(word);
    }

    /// Whether the note is set; clears it.
    pub(crate) fn take(&self) -> bool {
        // Acquire pairs with the release store in `wake`.
        self.0.swap(0, Ordering::Acquire) != 0
    }

    /// Sleeps until the note is set, and clears it.
    pub(crate) fn sleep(&self) {
        self.sleep_until(None);
    }

    /// Sleeps until the note is set, and clears it, or until `deadline`. Tells whether the note was set.
    pub(crate) fn sleep_until(&self, deadline: Option<Nanos>) -> bool {
        loop {
            if self.take() {
                return true;
            }
            if deadline.is_some_and(|when| clock::now() >= when) {
                return false;
            }
            wait(&self.0, 0, deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_before_the_sleep_is_kept() {
        let note = Note::new();
        note.wake();
        note.wake();
        note.sleep();
        assert!(!note.sleep_until(Some(clock::now())));
    }

    #[test]
    fn wakes_another_thread() {
        let (ping, pong) = (Note::new(), Note::new());
        std::thread::scope(|s| {
            s.spawn(|| {
                for _ in 0..1000 {
                    ping.sleep();
                    pong.wake();
                }
            });
            for _ in 0..1000 {
                ping.wake();
                pong.sleep();
            }
        });
    }
}
