//! A cell that is written once.

use std::cell::UnsafeCell;
use std::fmt;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::once::Once;

/// A cell that is written at most once, whoever comes first, and read by all.
///
/// ```
/// # sward::run(|| {
/// use sward::sync::OnceLock;
///
/// static CELL: OnceLock<usize> = OnceLock::new();
/// assert!(CELL.get().is_none());
/// sward::spawn(|| assert_eq!(CELL.get_or_init(|| 12345), &12345)).join().unwrap();
/// assert_eq!(CELL.get(), Some(&12345));
/// # });
/// ```
pub struct OnceLock<T> {
    once: Once,
    /// Written in the one run of `once` that does not panic, and from then on the value.
    value: UnsafeCell<Option<T>>,
}

// SAFETY: many threads may have a reference to the value, and the one that writes it need not be the one that drops it.
unsafe impl<T: Sync + Send> Sync for OnceLock<T> {}
// SAFETY: moving the cell moves the value.
unsafe impl<T: Send> Send for OnceLock<T> {}
impl<T: RefUnwindSafe + UnwindSafe> RefUnwindSafe for OnceLock<T> {}
impl<T: UnwindSafe> UnwindSafe for OnceLock<T> {}

impl<T> OnceLock<T> {
    /// Makes an empty cell.
    #[inline]
    #[must_use]
    pub const fn new() -> OnceLock<T> {
        OnceLock { once: Once::new(), value: UnsafeCell::new(None) }
    }

    /// The value, if it has been written. Never waits.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        if !self.once.is_completed() {
            return None;
        }
        // SAFETY: written by what the load above pairs with, and never again while the cell is shared.
        unsafe { (*self.value.get()).as_ref() }
    }

    /// The value, if it has been written.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    /// Waits until the value has been written.
    ///
    /// ```
    /// # sward::run(|| {
    /// use sward::sync::OnceLock;
    ///
    /// static VALUE: OnceLock<u32> = OnceLock::new();
    /// sward::spawn(|| VALUE.set(1));
    /// assert_eq!(*VALUE.wait(), 1);
    /// # });
    /// ```
    #[track_caller]
    pub fn wait(&self) -> &T {
        self.once.wait_force();
        self.written()
    }

    /// Writes the value. If another thread is about to, waits for that.
    ///
    /// # Errors
    /// If a value has been written before: gives this one back.
    ///
    /// ```
    /// use sward::sync::OnceLock;
    ///
    /// let cell = OnceLock::new();
    /// assert_eq!(cell.set(92), Ok(()));
    /// assert_eq!(cell.set(62), Err(62));
    /// assert_eq!(cell.get(), Some(&92));
    /// ```
    #[inline]
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.initialize(|| value.take().expect("it is called once"));
        value.map_or(Ok(()), Err)
    }

    /// The value, which `f` makes if none has been written. If another thread is about to, waits for that.
    ///
    /// # Panics
    /// With `f`; the cell stays empty then. Also if `f` itself initializes this cell.
    ///
    /// ```
    /// use sward::sync::OnceLock;
    ///
    /// let cell = OnceLock::new();
    /// assert_eq!(cell.get_or_init(|| 92), &92);
    /// assert_eq!(cell.get_or_init(|| unreachable!()), &92);
    /// ```
    #[inline]
    #[track_caller]
    pub fn get_or_init<F>(&self, f: F) -> &T
    where
        F: FnOnce() -> T,
    {
        if let Some(value) = self.get() {
            return value;
        }
        self.initialize(f);
        self.written()
    }

    /// Takes the value out.
    ///
    /// ```
    /// # use sward::sync::OnceLock;
    /// assert_eq!(OnceLock::<String>::new().into_inner(), None);
    /// assert_eq!(OnceLock::from("hello").into_inner(), Some("hello"));
    /// ```
    #[inline]
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out, and leaves the cell empty.
    ///
    /// ```
    /// # use sward::sync::OnceLock;
    /// let mut cell = OnceLock::from("hello");
    /// assert_eq!(cell.take(), Some("hello"));
    /// assert_eq!(cell.get(), None);
    /// ```
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        mem::take(self).into_inner()
    }

    #[cold]
    #[track_caller]
    fn initialize(&self, f: impl FnOnce() -> T) {
        self.once.call_once_force(|_| {
            let value = f();
            // SAFETY: in a run of `once`, and before its end nobody else looks at the value.
            unsafe { *self.value.get() = Some(value) };
        });
    }

    #[inline]
    fn written(&self) -> &T {
        self.get().expect("a run of `once` that returns has written the value")
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_tuple("OnceLock");
        match self.get() {
            Some(value) => f.field(value),
            None => f.field(&format_args!("<uninit>")),
        };
        f.finish()
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> OnceLock<T> {
        self.get().cloned().map_or_else(OnceLock::new, OnceLock::from)
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> OnceLock<T> {
        let cell = OnceLock::new();
        cell.initialize(|| value);
        cell
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}
