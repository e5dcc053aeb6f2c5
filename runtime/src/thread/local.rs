//! `thread_local!` for green threads.
//!
//! On a green thread the values are in a table that the thread's record points to; on an OS thread in one like it, which a
//! thread-local of std's holds. What is in the table, and how it ends, is the scheduler's part.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;

use sward_sched::{Gone, Locals, green_locals};

/// Declares variables of which each thread has its own: `std::thread_local!` for green threads.
///
/// The form is that of [`std::thread_local!`]; the variables are [`LocalKey`]s. A value is made when its thread first
/// uses it, and dropped when that thread ends.
///
/// A value of std's belongs to the OS thread, and all green threads that happen to run there share it. One of these belongs to the green
/// thread, which finds it again wherever it goes on, so it may be borrowed across waits. Plain OS threads have values of their
/// own; so has code in [`unblock`](crate::unblock), which is an OS thread's.
///
/// ```
/// # sward::run(|| {
/// use std::cell::{Cell, RefCell};
///
/// sward::thread_local! {
///     static STEPS: Cell<u32> = const { Cell::new(0) };
///     pub static PATH: RefCell<Vec<String>> = RefCell::default();
/// }
///
/// STEPS.set(1);
/// PATH.with_borrow_mut(|path| path.push("home".into()));
/// sward::spawn(|| {
///     assert_eq!(STEPS.get(), 0);
///     assert!(PATH.take().is_empty());
/// }).join().unwrap();
/// assert_eq!(STEPS.get(), 1);
/// # });
/// ```
#[macro_export]
macro_rules! thread_local {
    () => {};
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = const $init:block; $($rest:tt)*) => {
        $crate::thread_local!($(#[$attr])* $vis static $name: $t = const $init);
        $crate::thread_local!($($rest)*);
    };
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = const $init:block) => {
        $crate::thread_local!($(#[$attr])* $vis static $name: $t = { const $init });
    };
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = $init:expr; $($rest:tt)*) => {
        $crate::thread_local!($(#[$attr])* $vis static $name: $t = $init);
        $crate::thread_local!($($rest)*);
    };
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = $init:expr) => {
        $(#[$attr])*
        $vis static $name: $crate::thread::LocalKey<$t> = {
            fn init() -> $t {
                $init
            }
            $crate::thread::LocalKey::new(init)
        };
    };
}

/// A variable of which each thread has its own: what [`thread_local!`](crate::thread_local!) declares. As [`std::thread::LocalKey`].
pub struct LocalKey<T: 'static> {
    key: sward_sched::LocalKey<T>,
    init: fn() -> T,
}

/// The value of a [`LocalKey`] is being dropped, or has been, since its thread ends.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessError;

impl From<Gone> for AccessError {
    fn from(Gone: Gone) -> AccessError {
        AccessError
    }
}

impl fmt::Debug for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessError").finish()
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("already destroyed")
    }
}

impl Error for AccessError {}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn new(init: fn() -> T) -> LocalKey<T> {
        LocalKey { key: sward_sched::LocalKey::new(), init }
    }

    /// Calls `f` with this thread's value, which is made first if need be.
    ///
    /// # Panics
    /// If the value is being dropped or has been, since the thread ends.
    #[inline]
    #[track_caller]
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        or_panic(self.try_with(f))
    }

    /// Calls `f` with this thread's value, which is made first if need be.
    ///
    /// # Errors
    /// If the value is being dropped or has been, since the thread ends.
    ///
    /// ```
    /// # sward::run(|| {
    /// sward::thread_local!(static NAME: String = String::from("green"));
    /// assert_eq!(NAME.try_with(String::len), Ok(5));
    /// # });
    /// ```
    #[inline]
    pub fn try_with<F, R>(&'static self, f: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        self.with_init(self.init, f)
    }

    #[inline]
    fn with_init<R>(&'static self, init: impl FnOnce() -> T, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        match green_locals() {
            Some(locals) => Ok(locals.with(&self.key, init, f)?),
            None => os_thread::with(|locals| Ok(locals.with(&self.key, init, f)?))?,
        }
    }

    /// Calls `f` with this thread's value; where there is none, `value` becomes it, and `f` gets nothing to put there.
    #[track_caller]
    fn put(&'static self, value: T, f: impl FnOnce(&T, T)) {
        let value = Cell::new(Some(value));
        let take = || value.take().expect("only one of the two takes the value");
        or_panic(self.with_init(take, |old| {
            if let Some(new) = value.take() {
                f(old, new);
            }
        }));
    }
}

#[track_caller]
fn or_panic<R>(result: Result<R, AccessError>) -> R {
    match result {
        Ok(result) => result,
        Err(error) => {
            panic!("cannot access a Thread Local Storage value during or after destruction: {error:?}")
        }
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// Sets this thread's value, without making it first.
    ///
    /// # Panics
    /// As [`with`](Self::with).
    #[track_caller]
    pub fn set(&'static self, value: T) {
        self.put(Cell::new(value), |cell, value| cell.set(value.into_inner()));
    }

    /// A copy of this thread's value.
    ///
    /// # Panics
    /// As [`with`](Self::with).
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Takes this thread's value, and leaves the default.
    ///
    /// # Panics
    /// As [`with`](Self::with).
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Sets this thread's value, and returns what it was.
    ///
    /// # Panics
    /// As [`with`](Self::with).
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Calls `f` with this thread's value.
    ///
    /// # Panics
    /// As [`with`](Self::with), and if the value is borrowed mutably.
    #[track_caller]
    pub fn with_borrow<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Calls `f` with this thread's value, to be changed.
    ///
    /// # Panics
    /// As [`with`](Self::with), and if the value is borrowed.
    #[track_caller]
    pub fn with_borrow_mut<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Sets this thread's value, without making it first.
    ///
    /// # Panics
    /// As [`with`](Self::with), and if the value is borrowed.
    #[track_caller]
    pub fn set(&'static self, value: T) {
        self.put(RefCell::new(value), |cell, value| *cell.borrow_mut() = value.into_inner());
    }

    /// Takes this thread's value, and leaves the default.
    ///
    /// # Panics
    /// As [`with`](Self::with), and if the value is borrowed.
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// Sets this thread's value, and returns what it was.
    ///
    /// # Panics
    /// As [`with`](Self::with), and if the value is borrowed.
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// The values of plain OS threads.
mod os_thread {
    use super::{AccessError, Cell, Locals};

    std::thread_local! {
        /// Without a destructor, so that it is there for the destructors of the values.
        static VALUES: Values = const { Values { locals: Locals::new(), over: Cell::new(false) } };
        /// Whose destructor ends the values.
        static END: End = const { End };
    }

    struct Values {
        locals: Locals,
        /// No more values: the thread is past the end of its first ones.
        over: Cell<bool>,
    }

    struct End;

    impl Drop for End {
        fn drop(&mut self) {
            VALUES.with(|values| {
                // SAFETY: the thread runs the destructors of thread-locals, so nothing of its own is under way.
                unsafe { values.locals.clear() };
                values.over.set(true);
            });
        }
    }

    /// Calls `f` with the values of the calling OS thread. Not inlined: see the traps of thread-locals on green threads.
    #[inline(never)]
    pub(super) fn with<R>(f: impl FnOnce(&Locals) -> R) -> Result<R, AccessError> {
        VALUES.with(|values| {
            if values.over.get() {
                return Err(AccessError);
            }
            // Makes sure of the destructor. While that runs it is refused, and not needed.
            let _ = END.try_with(|End| ());
            Ok(f(&values.locals))
        })
    }
}
