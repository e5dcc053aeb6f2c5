//! The netpoller: green threads that wait for a file descriptor park, and one `epoll_wait` for all of them costs one OS thread at most.
//!
//! Each descriptor is registered once, edge-triggered, for both directions ([`Registration`]). An operation is tried first; if the
//! kernel says EAGAIN, the G parks at the descriptor, and the next event there wakes it to try again (`netpoll/descriptor.rs`).
//!
//! # Who polls
//! - An M that has run dry asks for what is ready, without waiting, before it steals; one that is busy does so at every 61st slice.
//! - Of the idle Ms, one is the **poller**: it sleeps in `epoll_wait` until something is ready, or the first timer is due. It is woken for
//!   work like any idle M, but by an eventfd beside its note; and it is taken last, so that somebody goes on polling.
//! - sysmon, every 10 ms while all Ps compute.
//!
//! As long as a G waits here there is a poller, or an M that runs and will poll before it sleeps: an M goes to sleep, or gives its P away, only
//! after a look at [`has_waiters`].
//!
//! ```text
//!   poller                               submitter
//!   1. on the list of idle Ms (lock)
//!   2. note set? no: epoll_wait          3. takes it off the list (lock), hands it a P
//!                                        4. sets its note, writes the eventfd
//!   5. returns; note set
//! ```
//! The eventfd is level-triggered and read by the poller alone, which looks at its note afterwards. Another M's look in between leaves it
//! readable, so step 2 returns at once also when step 4 comes before it.
//!
//! There is never a second poller, not even while the first is on its way out: it could take the call that is for the first.
//!
//! # Rejected
//! - *mio*, *polling*: they hide the edges, and what is known of a descriptor between them saves a system call a request.
//! - *A thread that polls* (smol): two switches of OS threads for each wake-up.
//! - *io_uring*: an operation must own its buffer until it is done, which `Read::read(&mut self, &mut [u8])` can promise only by never
//!   being abandoned; many systems forbid it in containers.

mod descriptor;
mod registration;

use std::os::fd::AsFd;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::clock::{self, Nanos};
use crate::futex::Note;
use crate::g::G;
use sward_mem::fatal;

use descriptor::Descriptor;
pub use registration::{Interest, Registration};

/// How many events are taken from the kernel at a time.
const BATCH: usize = 128;
/// The eventfd, among addresses of descriptors.
const WAKE: u64 = 0;

static NETPOLL: OnceLock<Netpoll> = OnceLock::new();

/// Whether there is a poller. Set under the lock of the idle Ms, cleared by the poller itself, when it has left `epoll_wait`.
static HAS_POLLER: AtomicBool = AtomicBool::new(false);

/// How many Gs wait for a descriptor.
static WAITERS: AtomicUsize = AtomicUsize::new(0);

/// Whether any G waits for a descriptor.
#[inline]
pub(crate) fn has_waiters() -> bool {
    // SeqCst: an M that goes to sleep looks after it is on the list; a G counts itself before its M could go to sleep.
    WAITERS.load(Ordering::SeqCst) != 0
}

/// The netpoller, if any G waits for a descriptor.
#[inline]
pub(crate) fn get() -> Option<&'static Netpoll> {
    if has_waiters() { NETPOLL.get() } else { None }
}

/// Whether somebody must poll and nobody does.
pub(crate) fn wants_poller() -> bool {
    // SeqCst: see `has_waiters`.
    has_waiters() && !HAS_POLLER.load(Ordering::SeqCst)
}

/// Makes the caller, which holds the lock of the idle Ms, the poller, if one is wanted.
pub(crate) fn become_poller() -> bool {
    let wanted = wants_poller();
    if wanted {
        HAS_POLLER.store(true, Ordering::SeqCst);
    }
    wanted
}

/// The netpoller, for whom there is a poller.
pub(crate) fn started() -> &'static Netpoll {
    NETPOLL.get().unwrap_or_else(|| fatal!("there is a poller and no netpoller"))
}

#[derive(Debug)]
pub(crate) struct Netpoll {
    epoll: Epoll,
    wake: EventFd,
    /// Somebody asks without waiting: others need not.
    busy: AtomicBool,
}

impl Netpoll {
    /// The netpoller. Its two descriptors are opened when it is first used.
    fn start() -> nix::Result<&'static Netpoll> {
        if let Some(netpoll) = NETPOLL.get() {
            return Ok(netpoll);
        }
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        epoll.add(wake.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, WAKE))?;
        // If another thread was faster, these are closed again.
        Ok(NETPOLL.get_or_init(|| Netpoll { epoll, wake, busy: AtomicBool::new(false) }))
    }

    /// Calls `ready` with each G whose descriptor has had an event. Does not wait.
    pub(crate) fn look(&self, ready: impl FnMut(&'static G)) {
        // Relaxed: a hint; what another M takes, it runs.
        if self.busy.swap(true, Ordering::Relaxed) {
            return;
        }
        self.take(Some(Duration::ZERO), ready);
        self.busy.store(false, Ordering::Relaxed);
    }

    /// For the poller: sleeps until `note` is set and [`wake`](Self::wake) called, or until `deadline`, or until Gs are ready, with which `ready`
    /// is called. Tells whether the note was set, which clears it. Afterwards the caller is no longer the poller.
    pub(crate) fn sleep(&self, note: &Note, deadline: Option<Nanos>, ready: impl FnMut(&'static G)) -> bool {
        let woken = self.sleep_as_poller(note, deadline, ready);
        // SeqCst: the caller, which is awake, polls before it sleeps again, or somebody else has become the poller.
        HAS_POLLER.store(false, Ordering::SeqCst);
        woken
    }

    fn sleep_as_poller(&self, note: &Note, deadline: Option<Nanos>, mut ready: impl FnMut(&'static G)) -> bool {
        let mut any = false;
        loop {
            if note.take() {
                return true;
            }
            let left = deadline.map(|when| Duration::from_nanos(when.saturating_sub(clock::now())));
            if any || left == Some(Duration::ZERO) {
                return false;
            }
            let called = self.take(left, |g| {
                any = true;
                ready(g);
            });
            if called {
                // The note is looked at after this. A call for the poller before this one is answered too, in vain.
                let _ = self.wake.read();
            }
        }
    }

    /// Wakes the M that sleeps here, whose note the caller has set.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.wake.write(1) {
            fatal!("cannot wake the M in epoll_wait: {error}");
        }
    }

    /// Takes a batch of events, waiting for the first at most for `patience`. Tells whether the poller is called.
    fn take(&self, patience: Option<Duration>, mut ready: impl FnMut(&'static G)) -> bool {
        let mut events = [EpollEvent::empty(); BATCH];
        let taken = match wait(&self.epoll, &mut events, patience) {
            Ok(taken) => taken,
            Err(Errno::EINTR) => 0,
            Err(error) => fatal!("epoll_wait: {error}"),
        };
        let mut called = false;
        for event in &events[..taken] {
            if event.data() == WAKE {
                called = true;
            } else {
                let descriptor = ptr::with_exposed_provenance::<Descriptor>(event.data() as usize);
                // SAFETY: what was registered is the address of a descriptor, and descriptors live for ever.
                unsafe { &*descriptor }.on_event(event.events(), &mut ready);
            }
        }
        called
    }
}

/// `epoll_pwait2`, which counts in nanoseconds, or `epoll_wait`, which counts in milliseconds, where the kernel is older than 5.11.
fn wait(epoll: &Epoll, events: &mut [EpollEvent], patience: Option<Duration>) -> nix::Result<usize> {
    static HAS_NO_PWAIT2: AtomicBool = AtomicBool::new(false);
    let Some(patience) = patience.filter(|patience| !patience.is_zero()) else {
        let timeout = if patience.is_some() { EpollTimeout::ZERO } else { EpollTimeout::NONE };
        return epoll.wait(events, timeout);
    };
    // Relaxed: each thread may find out for itself.
    if !HAS_NO_PWAIT2.load(Ordering::Relaxed) {
        let timeout = libc::timespec {
            tv_sec: patience.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: patience.subsec_nanos().into(),
        };
        // SAFETY: `EpollEvent` is an `epoll_event`; the buffer and the time-out outlive the call; no signal mask is given.
        let taken = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                std::os::fd::AsRawFd::as_raw_fd(&epoll.0),
                events.as_mut_ptr(),
                events.len() as libc::c_int,
                &raw const timeout,
                ptr::null::<libc::sigset_t>(),
                0usize,
            )
        };
        match Errno::result(taken) {
            Err(Errno::ENOSYS) => HAS_NO_PWAIT2.store(true, Ordering::Relaxed),
            result => return result.map(|taken| taken as usize),
        }
    }
    // Up, so that what it is for is due when it returns.
    let millis = patience.as_nanos().div_ceil(1_000_000);
    epoll.wait(events, EpollTimeout::try_from(millis).unwrap_or(EpollTimeout::MAX))
}
