//! A variable that threads may share, and that tells when they do so without order.

use std::fmt;
#[cfg(feature = "race")]
use std::hint;
#[cfg(feature = "race")]
use std::ptr;
#[cfg(feature = "race")]
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_utils::atomic::AtomicCell;
use sward_sched::race::{Hooks, hook, unordered};

/// A variable whose accesses a race detector is told of.
///
/// As [`std::cell::Cell`], but threads may share it, and nothing worse comes of that than a wrong value: each access by itself is atomic. It
/// is *meant*, though, to be protected by something else, a lock for instance. Where an access is not, that is a race, and is reported.
///
/// ```
/// # sward::run(|| {
/// use sward::sync::Mutex;
/// use sward::{race, thread};
///
/// let (total, lock) = (race::Cell::new(0), Mutex::new(()));
/// thread::scope(|s| {
///     for n in 1..=4 {
///         let (total, lock) = (&total, &lock);
///         s.spawn(move || {
///             let _guard = lock.lock().unwrap(); // Without it, `race=1` would have something to say.
///             total.set(total.get() + n);
///         });
///     }
/// });
/// assert_eq!(total.get(), 10);
/// assert_eq!(race::reports(), 0);
/// # });
/// ```
#[derive(Default)]
pub struct Cell<T: Copy> {
    value: AtomicCell<T>,
    /// Where it was when it was last used.
    #[cfg(feature = "race")]
    home: AtomicUsize,
}

/// In the place of an address: what was known of the place is being forgotten.
#[cfg(feature = "race")]
const ARRIVING: usize = 1;

impl<T: Copy> Cell<T> {
    /// Makes a variable with this value.
    #[inline]
    pub const fn new(value: T) -> Cell<T> {
        Cell {
            value: AtomicCell::new(value),
            #[cfg(feature = "race")]
            home: AtomicUsize::new(0),
        }
    }

    /// Has the detector forget what it knows of the place, if the variable has been moved there since its last use.
    #[cfg(feature = "race")]
    fn settle(&self, race: &Hooks<'_>) {
        let here = ptr::from_ref(self).addr();
        loop {
            // Acquire pairs with the release below: an access that goes on from here is not forgotten.
            match self.home.load(Ordering::Acquire) {
                home if home == here => return,
                // Of several who use it first at the same moment, the others wait.
                ARRIVING => hint::spin_loop(),
                home => {
                    // Relaxed: nothing is read of who has it arrive.
                    if self.home.compare_exchange(home, ARRIVING, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                        race.forget(self, size_of::<Self>());
                        self.home.store(here, Ordering::Release);
                        return;
                    }
                }
            }
        }
    }

    /// Only the built-in detector goes by what has been at a place before.
    #[cfg(not(feature = "race"))]
    fn settle(&self, _: &Hooks<'_>) {}

    /// The value.
    #[inline]
    pub fn get(&self) -> T {
        hook(|race| {
            self.settle(race);
            race.read(self, size_of::<T>());
        });
        unordered(|| self.value.load())
    }

    /// Changes the value.
    #[inline]
    pub fn set(&self, value: T) {
        self.replace(value);
    }

    /// Changes the value, and returns the old one.
    ///
    /// ```
    /// let cell = sward::race::Cell::new(1);
    /// assert_eq!(cell.replace(2), 1);
    /// assert_eq!(cell.into_inner(), 2);
    /// ```
    #[inline]
    pub fn replace(&self, value: T) -> T {
        hook(|race| {
            self.settle(race);
            race.write(self, size_of::<T>());
        });
        unordered(|| self.value.swap(value))
    }

    /// Takes the value out. Nobody else has the variable any more, so this is no access.
    #[inline]
    pub fn into_inner(self) -> T {
        self.value.load()
    }
}

impl<T: Copy> Drop for Cell<T> {
    #[inline]
    fn drop(&mut self) {
        hook(|race| race.forget(self, size_of::<T>()));
    }
}

impl<T: Copy> From<T> for Cell<T> {
    fn from(value: T) -> Cell<T> {
        Cell::new(value)
    }
}

/// An access, as [`Cell::get`].
impl<T: Copy + fmt::Debug> fmt::Debug for Cell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cell").field(&self.get()).finish()
    }
}
