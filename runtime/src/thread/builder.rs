//! Spawning.

use std::io;

use sward_sched::{Birth, MAX_STACK};

use super::handle::JoinHandle;
use super::scope::{Scope, ScopedJoinHandle};

/// Starts a green thread.
///
/// Up to 64 bytes of closure and of result are kept in the thread's own record, so this allocates nothing; larger ones take one block.
///
/// ```
/// # sward::run(|| {
/// let handle = sward::thread::spawn(|| 6 * 7);
/// assert_eq!(handle.join().unwrap(), 42);
/// # });
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    crate::start::ensure_started();
    // SAFETY: closure and result borrow nothing.
    JoinHandle::new(unsafe { sward_sched::spawn(Birth::default(), f) })
}

/// Starts a green thread with a name, or a stack of another size.
///
/// ```
/// # sward::run(|| {
/// let deep = sward::thread::Builder::new().name("deep".into()).stack_size(8 << 20);
/// assert_eq!(deep.spawn(|| 6 * 7).unwrap().join().unwrap(), 42);
/// # });
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder starts nothing until its spawn is called"]
pub struct Builder {
    birth: Birth,
}

impl Builder {
    /// A thread without a name, with a stack of the usual size.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Names the thread, for panic messages and dumps.
    pub fn name(mut self, name: String) -> Builder {
        self.birth.name = Some(name.into_boxed_str());
        self
    }

    /// Asks for a stack of `bytes`, its guard included; rounded up to a power of two, at least 16 KiB.
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.birth.stack_size = Some(bytes);
        self
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// `InvalidInput` for a stack over 1 GiB.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        crate::start::ensure_started();
        let birth = self.checked()?;
        // SAFETY: closure and result borrow nothing.
        Ok(JoinHandle::new(unsafe { sward_sched::spawn(birth, f) }))
    }

    /// Starts the thread in a [`scope`](super::scope()).
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_scoped<'scope, 'env, F, T>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        Ok(scope.start(self.checked()?, f))
    }

    fn checked(self) -> io::Result<Birth> {
        match self.birth.stack_size {
            Some(bytes) if bytes > MAX_STACK => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("stack_size({bytes}): a green thread's stack has at most {MAX_STACK} bytes"),
            )),
            _ => Ok(self.birth),
        }
    }
}
