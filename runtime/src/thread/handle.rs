//! Handles: to a thread, and to its result.

use std::fmt;

use sward_sched::{GRef, Handle, race};

use crate::task;

/// What [`JoinHandle::join`] returns: the thread's value, or the payload of its panic.
pub type Result<T> = std::thread::Result<T>;

/// A thread: a green one, or an OS thread that uses this runtime.
#[derive(Clone)]
pub struct Thread(Kind);

#[derive(Clone)]
enum Kind {
    Green(GRef),
    Os(std::thread::Thread),
}

/// The identity of a thread. No two threads of a process have the same, not even one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ThreadId(Id);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Id {
    Green(u64),
    Os(std::thread::ThreadId),
}

/// The thread that calls this.
///
/// ```
/// # sward::run(|| {
/// let handle = sward::thread::Builder::new().name("miller".into()).spawn(|| {
///     sward::thread::current().name().map(String::from)
/// });
/// assert_eq!(handle.unwrap().join().unwrap().as_deref(), Some("miller"));
/// # });
/// ```
pub fn current() -> Thread {
    Thread(match GRef::current() {
        Some(g) => Kind::Green(g),
        None => Kind::Os(std::thread::current()),
    })
}

impl Thread {
    pub(super) fn green(g: GRef) -> Thread {
        Thread(Kind::Green(g))
    }

    /// Its identity.
    pub fn id(&self) -> ThreadId {
        ThreadId(match &self.0 {
            Kind::Green(g) => Id::Green(g.id()),
            Kind::Os(thread) => Id::Os(thread.id()),
        })
    }

    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Kind::Green(g) => g.name(),
            Kind::Os(thread) => thread.name(),
        }
    }

    /// Lets its [`park`](super::park) return, the present one or the next.
    pub fn unpark(&self) {
        match &self.0 {
            Kind::Green(g) => g.unpark(),
            Kind::Os(thread) => {
                race::hook(|race| race.release(&raw const super::UNPARKED_OS_THREAD));
                thread.unpark();
            }
        }
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").field("id", &self.id()).field("name", &self.name()).finish_non_exhaustive()
    }
}

/// The right to a thread's result. Dropping it detaches the thread, which goes on.
pub struct JoinHandle<T> {
    handle: Handle<T>,
    thread: Thread,
}

impl<T> JoinHandle<T> {
    pub(super) fn new(handle: Handle<T>) -> JoinHandle<T> {
        let thread = Thread::green(handle.thread().clone());
        JoinHandle { handle, thread }
    }

    pub(crate) fn into_handle(self) -> Handle<T> {
        self.handle
    }

    /// Waits until the thread has ended, and returns its value.
    ///
    /// # Errors
    /// With the payload of its panic.
    ///
    /// ```
    /// # sward::run(|| {
    /// let broken = sward::spawn(|| -> u32 { panic!("broke") });
    /// let payload = broken.join().unwrap_err();
    /// assert_eq!(payload.downcast_ref(), Some(&"broke"));
    /// # });
    /// ```
    pub fn join(self) -> Result<T> {
        task::join(self.handle)
    }

    /// Whether the thread has ended; then [`join`](Self::join) does not wait.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// The thread.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").finish_non_exhaustive()
    }
}
