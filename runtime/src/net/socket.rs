//! What all sockets are made of: std's socket in non-blocking mode, registered with the netpoller, and its modes.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::ioctl_fionbio;
use sward_sched::{Interest, Reason, Registration, race};

/// A socket whose operations park.
#[derive(Debug)]
pub(super) struct Socket<S: AsFd> {
    registration: Registration<S>,
    modes: Arc<Modes>,
}

/// All of the kernel's networking together, in race reports. What comes before a write comes before all reads that end later: which of them gets what was
/// written, or what was written because of that, nobody can tell (Go does the same).
static NETWORK: u8 = 0;

/// What the kernel keeps with the open socket, and so for all its clones; kept here as well, since it is needed for each operation.
///
/// All accesses are relaxed: a mode says nothing of any other memory, and who changes it beside an operation cannot know which one that
/// sees.
#[derive(Debug, Default)]
struct Modes {
    /// The caller's mode. The kernel's is always non-blocking.
    nonblocking: AtomicBool,
    /// In nanoseconds; 0 is none.
    read_timeout: AtomicU64,
    write_timeout: AtomicU64,
}

impl Modes {
    fn timeout(&self, interest: Interest) -> &AtomicU64 {
        match interest {
            Interest::Read => &self.read_timeout,
            Interest::Write => &self.write_timeout,
        }
    }

    fn set_timeout(&self, interest: Interest, timeout: Option<Duration>) {
        let nanos = timeout.map_or(0, |timeout| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
        self.timeout(interest).store(nanos, Ordering::Relaxed);
    }

    /// When an operation that begins now is to end. A time that no clock will show is none.
    fn deadline(&self, interest: Interest) -> Option<Instant> {
        match self.timeout(interest).load(Ordering::Relaxed) {
            0 => None,
            nanos => Instant::now().checked_add(Duration::from_nanos(nanos)),
        }
    }
}

impl<S: AsFd> Socket<S> {
    /// Of a socket that is in non-blocking mode, and knows no time-outs.
    pub(super) fn new(inner: S) -> Socket<S> {
        Socket { registration: Registration::new(inner), modes: Arc::default() }
    }

    /// Of a new socket of std's.
    pub(super) fn of_std(inner: S) -> io::Result<Socket<S>> {
        ioctl_fionbio(&inner, true)?;
        Ok(Socket::new(inner))
    }

    /// Of a socket that comes from elsewhere, with the modes that it has, and the time-outs that its own methods told, to read and to write. What
    /// is no socket is found out by its operations.
    pub(super) fn adopt(inner: S, timeouts: [io::Result<Option<Duration>>; 2]) -> Socket<S> {
        let modes = Modes::default();
        let nonblocking = fcntl_getfl(&inner).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK));
        modes.nonblocking.store(nonblocking, Ordering::Relaxed);
        for (interest, timeout) in [Interest::Read, Interest::Write].into_iter().zip(timeouts) {
            modes.set_timeout(interest, timeout.ok().flatten());
        }
        if !nonblocking {
            let _ = ioctl_fionbio(&inner, true);
        }
        Socket { registration: Registration::new(inner), modes: Arc::new(modes) }
    }

    /// std's socket, in the mode that the caller has chosen.
    pub(super) fn release(self) -> S {
        let inner = self.registration.into_inner();
        if !self.modes.nonblocking.load(Ordering::Relaxed) {
            // It fails for what is no socket, and stays as it was.
            let _ = ioctl_fionbio(&inner, false);
        }
        inner
    }

    /// Another descriptor of the same socket.
    pub(super) fn try_clone(&self) -> io::Result<Socket<S>>
    where
        S: From<OwnedFd>,
    {
        let inner = self.get().as_fd().try_clone_to_owned()?.into();
        Ok(Socket { registration: Registration::new(inner), modes: self.modes.clone() })
    }

    /// std's socket.
    pub(super) fn get(&self) -> &S {
        self.registration.get()
    }

    pub(super) fn set_nonblocking(&self, nonblocking: bool) {
        self.modes.nonblocking.store(nonblocking, Ordering::Relaxed);
    }

    pub(super) fn is_nonblocking(&self) -> bool {
        self.modes.nonblocking.load(Ordering::Relaxed)
    }

    /// When an operation that begins now is to end.
    pub(super) fn deadline(&self, interest: Interest) -> Option<Instant> {
        self.modes.deadline(interest)
    }

    /// Sets a time-out by `set`, std's function for it, which checks it and tells the kernel: that is who answers when asked for it.
    pub(super) fn set_timeout(
        &self,
        interest: Interest,
        timeout: Option<Duration>,
        set: impl FnOnce(&S, Option<Duration>) -> io::Result<()>,
    ) -> io::Result<()> {
        set(self.get(), timeout)?;
        self.modes.set_timeout(interest, timeout);
        Ok(())
    }

    /// Reads by `operation`, once there is something.
    pub(super) fn read<T>(&self, operation: impl FnMut(&S) -> io::Result<T>) -> io::Result<T> {
        self.wait(Interest::Read, Reason::NetRead, operation)
    }

    /// Writes by `operation`, once there is room.
    pub(super) fn write<T>(&self, operation: impl FnMut(&S) -> io::Result<T>) -> io::Result<T> {
        self.wait(Interest::Write, Reason::NetWrite, operation)
    }

    /// Runs `operation`, waiting as the modes say for as long as it would block.
    pub(super) fn wait<T>(
        &self,
        interest: Interest,
        reason: Reason,
        mut operation: impl FnMut(&S) -> io::Result<T>,
    ) -> io::Result<T> {
        ordered(interest, || {
            if self.is_nonblocking() {
                return operation(self.get());
            }
            self.registration.wait(interest, reason, self.deadline(interest), operation)
        })
    }

    /// As [`read`](Self::read), of up to `wanted` bytes from a TCP connection, which is empty if it gave less.
    pub(super) fn read_dry(&self, wanted: usize, operation: impl FnMut(&S) -> io::Result<usize>) -> io::Result<usize> {
        self.move_bytes(Interest::Read, Reason::NetRead, wanted, operation)
    }

    /// As [`write`](Self::write), of up to `offered` bytes to a TCP connection, which is full if it took less.
    pub(super) fn write_full(
        &self,
        offered: usize,
        operation: impl FnMut(&S) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.move_bytes(Interest::Write, Reason::NetWrite, offered, operation)
    }

    fn move_bytes(
        &self,
        interest: Interest,
        reason: Reason,
        asked: usize,
        mut operation: impl FnMut(&S) -> io::Result<usize>,
    ) -> io::Result<usize> {
        ordered(interest, || {
            if self.is_nonblocking() {
                return operation(self.get());
            }
            self.registration.wait_until_dry(interest, reason, self.deadline(interest), |inner| {
                // No bytes are the end of the connection, and say nothing of what the next read would find.
                operation(inner).map(|moved| (moved, (1..asked).contains(&moved)))
            })
        })
    }

    /// Runs `operation`, which connects, until it does not say any more that the connection is under way.
    pub(super) fn connect(
        &self,
        deadline: Option<Instant>,
        operation: impl FnMut(&S) -> io::Result<()>,
    ) -> io::Result<()> {
        ordered(Interest::Write, || self.registration.wait(Interest::Write, Reason::Connect, deadline, operation))
    }
}

/// Runs an operation, and tells a race detector what it orders.
#[inline]
fn ordered<T>(interest: Interest, operation: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    if interest == Interest::Write {
        race::hook(|race| race.release(&raw const NETWORK));
    }
    let result = operation();
    if interest == Interest::Read && result.is_ok() {
        race::hook(|race| race.acquire(&raw const NETWORK));
    }
    result
}
