//! A file descriptor that green threads may wait for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::epoll::{EpollEvent, EpollFlags};

use super::descriptor::{Descriptor, Direction, Waiter};
use super::{Netpoll, WAITERS};
use crate::interrupt::Interrupted;
use crate::park::Ended;
use crate::reason::Reason;
use crate::section::Section;
use crate::sleeper::Sleeper;
use crate::spin::SpinLock;

/// What an operation needs of its descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Something to read or to accept.
    Read,
    /// Room to write, or the end of connecting.
    Write,
}

/// A file descriptor, in non-blocking mode, whose operations block the calling green thread and no OS thread.
///
/// Off the runtime, and in foreign calls, an operation blocks its OS thread.
///
/// The kernel is told of the descriptor when a green thread first has to wait for it. What is ready by then comes as an event.
#[derive(Debug)]
pub struct Registration<F: AsFd> {
    descriptor: &'static Descriptor,
    /// Whether the kernel has been told.
    is_registered: AtomicBool,
    fd: F,
}

// What is reached through it is only what the kernel has said of the descriptor, under a lock.
impl<F: AsFd + UnwindSafe> UnwindSafe for Registration<F> {}
impl<F: AsFd + RefUnwindSafe> RefUnwindSafe for Registration<F> {}

impl<F: AsFd> Registration<F> {
    /// A registration of `fd`, which must be in non-blocking mode.
    pub fn new(fd: F) -> Registration<F> {
        // Early, so that a program which runs out of files later can still wait for those that it has. If it fails, the first wait says so.
        let _ = Netpoll::start();
        let _section = Section::enter();
        Registration { descriptor: Descriptor::take(), is_registered: AtomicBool::new(false), fd }
    }

    /// Tells the kernel of the descriptor.
    ///
    /// # Errors
    /// When the kernel has no room for it (ENOSPC, ENOMEM), or the netpoller cannot be started (EMFILE).
    fn register(&self) -> io::Result<()> {
        // Acquire pairs with the release below: who finds it registered may rely on events.
        if self.is_registered.load(Ordering::Acquire) {
            return Ok(());
        }
        let all = EpollFlags::EPOLLIN
            | EpollFlags::EPOLLOUT
            | EpollFlags::EPOLLRDHUP
            | EpollFlags::EPOLLPRI
            | EpollFlags::EPOLLET;
        let address = ptr::from_ref(self.descriptor).expose_provenance();
        match Netpoll::start()?.epoll.add(self.fd.as_fd(), EpollEvent::new(all, address as u64)) {
            // It exists if another thread was faster.
            Ok(()) | Err(Errno::EEXIST) => {
                self.is_registered.store(true, Ordering::Release);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The descriptor itself.
    pub fn get(&self) -> &F {
        &self.fd
    }

    /// Ends the registration. The descriptor stays in non-blocking mode.
    pub fn into_inner(self) -> F {
        self.end();
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: the field is read once, as the owner is never dropped.
        unsafe { ptr::read(&this.fd) }
    }

    /// Tries `operation` until it returns something else than EAGAIN or EINTR, waiting in between for as long as it takes or until
    /// `deadline`.
    ///
    /// # Errors
    /// What `operation` returns; `WouldBlock` when the time is up, as from a socket with a time-out.
    pub fn wait<T>(
        &self,
        interest: Interest,
        reason: Reason,
        deadline: Option<Instant>,
        mut operation: impl FnMut(&F) -> io::Result<T>,
    ) -> io::Result<T> {
        self.wait_until_dry(interest, reason, deadline, |fd| operation(fd).map(|value| (value, false)))
    }

    /// As [`wait`](Self::wait), for a stream: `operation` also tells whether it has taken all that was there, or filled all the room,
    /// as the kernel shows by moving less than it was asked to.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait).
    pub fn wait_until_dry<T>(
        &self,
        interest: Interest,
        reason: Reason,
        deadline: Option<Instant>,
        mut operation: impl FnMut(&F) -> io::Result<(T, bool)>,
    ) -> io::Result<T> {
        let direction = self.descriptor.direction(interest);
        loop {
            let Some(events) = locked(direction, |direction| direction.begin()) else {
                self.park(direction, interest, reason, deadline)?;
                continue;
            };
            match operation(&self.fd) {
                Ok((value, is_short)) => {
                    if is_short {
                        locked(direction, |direction| {
                            if direction.is_open() {
                                direction.ran_dry(events);
                            }
                        });
                    }
                    return Ok(value);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    locked(direction, |direction| direction.ran_dry(events));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for an event.
    fn park(
        &self,
        direction: &SpinLock<Direction>,
        interest: Interest,
        reason: Reason,
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        let section = Section::enter();
        if section.g().is_none() {
            drop(section);
            poll_alone(self.fd.as_fd(), interest, deadline)?;
            // The event may be taken by nobody for a while.
            locked(direction, |direction| direction.refill());
            return Ok(());
        }
        self.register()?;
        let mut waiters = direction.lock();
        if waiters.begin().is_some() {
            return Ok(());
        }
        let claim = Sleeper::current(&section).claim();
        let waiter = Waiter::new(claim);
        // SAFETY: it stays here until the park has returned: because of an event; or of the time, and then it is removed.
        unsafe { waiters.push(&waiter) };
        // SeqCst: see `has_waiters`.
        WAITERS.fetch_add(1, Ordering::SeqCst);
        let ended = section.park_unlocking_until(reason, deadline, claim, waiters);
        // SeqCst: see `has_waiters`.
        WAITERS.fetch_sub(1, Ordering::SeqCst);
        if ended != Ended::Woken {
            locked(direction, |direction| direction.remove(&waiter));
        }
        match ended {
            Ended::Woken => Ok(()),
            Ended::TimedOut => Err(io::ErrorKind::WouldBlock.into()),
            Ended::Interrupted => Interrupted::unwind(),
        }
    }

    fn end(&self) {
        // Relaxed: it is not shared any more.
        if self.is_registered.load(Ordering::Relaxed) {
            // It fails for a file that has been closed behind our back, and is then no longer registered.
            let _ = super::started().epoll.delete(self.fd.as_fd());
        }
        let _section = Section::enter();
        self.descriptor.give_back();
    }
}

impl<F: AsFd> Drop for Registration<F> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Looks at a direction under its lock.
fn locked<R>(direction: &SpinLock<Direction>, look: impl FnOnce(&mut Direction) -> R) -> R {
    let _section = Section::enter();
    look(&mut direction.lock())
}

/// Blocks the OS thread until `fd` is ready.
fn poll_alone(fd: BorrowedFd<'_>, interest: Interest, deadline: Option<Instant>) -> io::Result<()> {
    let wanted = match interest {
        Interest::Read => PollFlags::POLLIN,
        Interest::Write => PollFlags::POLLOUT,
    };
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()).as_nanos());
        // Up, so that the time is up when it returns.
        let timeout = left.map_or(PollTimeout::NONE, |nanos| {
            PollTimeout::try_from(nanos.div_ceil(1_000_000)).unwrap_or(PollTimeout::MAX)
        });
        match nix::poll::poll(&mut [PollFd::new(fd, wanted)], timeout) {
            Ok(0) if left == Some(0) => return Err(io::ErrorKind::WouldBlock.into()),
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
