//! Values that each thread has of its own: what `sward::thread_local!` is made of.
//!
//! A [`LocalKey`] has a number, given out when it is first used. A thread has a table of its values by these numbers, found through one
//! word; both are made at the first use, so that a thread without such values pays for one look at its end.
//!
//! Values are boxed, and stay where they are as the table grows. Nothing of the table is borrowed while the user's code runs (initialisers,
//! destructors, and what is done with a value), which may use any other key.
//!
//! # The end
//! A green thread ends its values itself, on its own stack, before its end is made known: who has joined it finds them gone. They are dropped one
//! by one, the last to be made first. While one is being dropped it is gone already; others can be used, and
//! even made, and are dropped in their turn. What needs no drop can be used to the last.
//!
//! # Rejected
//! *A map by the key's address*: a hash for each access, where a number costs a comparison. *A register or thread-local that points to
//! the table, set at each switch*: every switch would pay for it, and the compiler keeps addresses of thread-locals across switches.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{self, AssertUnwindSafe};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward_mem::fatal;

/// Which of its values a thread is asked for: one for each variable.
pub struct LocalKey<T: 'static> {
    /// 0 until it is first used.
    number: AtomicUsize,
    value: PhantomData<fn() -> T>,
}

impl<T> LocalKey<T> {
    /// A key that is different from all others.
    pub const fn new() -> LocalKey<T> {
        LocalKey { number: AtomicUsize::new(0), value: PhantomData }
    }

    /// Its number; 0, which is nobody's, before the first use.
    #[inline]
    fn peek(&self) -> usize {
        // Relaxed: a number, no more. A thread that reads 0 finds nothing in its table, and asks again.
        self.number.load(Ordering::Relaxed)
    }

    fn number(&self) -> usize {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        match self.peek() {
            0 => {
                // Relaxed, all: as above. If another thread was faster, the new number stays unused.
                let new = LAST.fetch_add(1, Ordering::Relaxed) + 1;
                match self.number.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => new,
                    Err(number) => number,
                }
            }
            number => number,
        }
    }
}

impl<T> Default for LocalKey<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalKey").field(&self.peek()).finish()
    }
}

/// The value of a key is being dropped, or has been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// The values of one thread.
#[derive(Debug)]
pub struct Locals(Cell<Option<NonNull<Table>>>);

#[derive(Default)]
struct Table {
    /// By number.
    slots: Vec<Slot>,
    /// The values to be dropped, with their numbers, in the order in which they were made.
    with_drop: Vec<(usize, NonNull<dyn Any>)>,
    /// The values whose memory is to be freed, and no more.
    without_drop: Vec<NonNull<dyn Any>>,
}

#[derive(Debug, Clone, Copy, Default)]
enum Slot {
    #[default]
    Empty,
    Value(NonNull<()>),
    Gone,
}

impl Locals {
    /// No values.
    pub const fn new() -> Locals {
        Locals(Cell::new(None))
    }

    /// Calls `f` with the value of `key`, made by `init` if there is none.
    ///
    /// # Errors
    /// If the value is gone.
    #[inline]
    pub fn with<T, R>(&self, key: &LocalKey<T>, init: impl FnOnce() -> T, f: impl FnOnce(&T) -> R) -> Result<R, Gone> {
        let value = match self.slot(key.peek()) {
            Slot::Value(value) => value.cast(),
            _ => self.make(key, init)?,
        };
        // SAFETY: the slot of a key of `T` points to a `T`. It is dropped by `clear` only, which is not called during this; and replaced
        // by `make` only, see there.
        Ok(f(unsafe { value.as_ref() }))
    }

    #[inline]
    fn slot(&self, number: usize) -> Slot {
        // SAFETY: the table is this thread's, and no reference to it lives longer than a look or a change.
        let slots = self.0.get().map(|table| unsafe { &table.as_ref().slots });
        slots.and_then(|slots| slots.get(number)).copied().unwrap_or_default()
    }

    #[cold]
    #[inline(never)]
    fn make<T>(&self, key: &LocalKey<T>, init: impl FnOnce() -> T) -> Result<NonNull<T>, Gone> {
        let number = key.number();
        if matches!(self.slot(number), Slot::Gone) {
            return Err(Gone);
        }
        let new = init();
        match self.slot(number) {
            Slot::Empty => Ok(self.put(number, new)),
            Slot::Value(value) => {
                let value = value.cast::<T>();
                // SAFETY: a `T`, as in `with`. `init` has made it: there was none before. So who borrowed it was called by `init`, and
                // is done with it.
                drop(unsafe { value.replace(new) });
                Ok(value)
            }
            Slot::Gone => Err(Gone),
        }
    }

    fn put<T: 'static>(&self, number: usize, value: T) -> NonNull<T> {
        let value = NonNull::from(Box::leak(Box::new(value)));
        let mut table = self.0.get().unwrap_or_else(|| NonNull::from(Box::leak(Box::<Table>::default())));
        self.0.set(Some(table));
        // SAFETY: as in `slot`; nothing below is the user's code.
        let table = unsafe { table.as_mut() };
        if table.slots.len() <= number {
            table.slots.resize(number + 1, Slot::Empty);
        }
        table.slots[number] = Slot::Value(value.cast());
        if std::mem::needs_drop::<T>() {
            table.with_drop.push((number, value));
        } else {
            table.without_drop.push(value);
        }
        value
    }

    /// Drops all values. One that panics in its drop ends the process.
    ///
    /// # Safety
    /// The thread is not in a [`with`](Self::with) of these.
    #[inline]
    pub unsafe fn clear(&self) {
        if let Some(table) = self.0.get() {
            // SAFETY: by the caller's promise.
            unsafe { self.clear_table(table) };
        }
    }

    #[cold]
    #[inline(never)]
    unsafe fn clear_table(&self, mut table: NonNull<Table>) {
        // SAFETY: as in `slot`.
        while let Some((number, value)) = unsafe { table.as_mut() }.with_drop.pop() {
            // SAFETY: as in `slot`.
            unsafe { table.as_mut() }.slots[number] = Slot::Gone;
            // SAFETY: boxed by `put`; nobody finds it any more, and nobody borrows it.
            let value = unsafe { Box::from_raw(value.as_ptr()) };
            if panic::catch_unwind(AssertUnwindSafe(|| drop(value))).is_err() {
                fatal!("a thread-local value panicked in its drop");
            }
        }
        self.0.set(None);
        // SAFETY: boxed by `put`; nothing points to it any more.
        let table = unsafe { Box::from_raw(table.as_ptr()) };
        for value in table.without_drop {
            // SAFETY: as above.
            drop(unsafe { Box::from_raw(value.as_ptr()) });
        }
    }
}

impl Default for Locals {
    fn default() -> Self {
        Self::new()
    }
}

/// The values of the calling green thread; `None` on a plain OS thread.
#[inline]
pub fn green_locals() -> Option<&'static Locals> {
    crate::stack::current_g().map(|g| &g.locals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    fn read<T: Copy>(locals: &Locals, key: &LocalKey<T>, init: T) -> Result<T, Gone> {
        locals.with(key, || init, |value| *value)
    }

    #[test]
    fn each_table_has_its_own_values() {
        static KEY: LocalKey<u32> = LocalKey::new();
        let (a, b) = (Locals::new(), Locals::new());
        assert_eq!((read(&a, &KEY, 1), read(&b, &KEY, 2)), (Ok(1), Ok(2)));
        assert_eq!((read(&a, &KEY, 3), read(&b, &KEY, 3)), (Ok(1), Ok(2)));
        // SAFETY: nobody is in a `with`.
        unsafe { a.clear() };
        assert_eq!((read(&a, &KEY, 4), read(&b, &KEY, 4)), (Ok(4), Ok(2)));
        // SAFETY: as above.
        unsafe { (a.clear(), b.clear()) };
    }

    #[test]
    fn a_value_stays_in_its_place_while_others_are_made() {
        let keys: [LocalKey<usize>; 100] = std::array::from_fn(|_| LocalKey::new());
        let locals = Locals::new();
        let sum = locals.with(
            &keys[0],
            || 0,
            |first| {
                let rest = keys.iter().enumerate().map(|(n, key)| read(&locals, key, n).unwrap()).sum::<usize>();
                *first + rest
            },
        );
        assert_eq!(sum, Ok(4950));
        // SAFETY: nobody is in a `with`.
        unsafe { locals.clear() };
    }

    /// What is made by its own initialiser is replaced, as std does.
    #[test]
    fn a_recursive_initialiser_has_the_last_word() {
        let key = LocalKey::new();
        let locals = Locals::new();
        let (inner, outer) = (Rc::new(1), Rc::new(2));
        let found = locals.with(
            &key,
            || {
                assert_eq!(locals.with(&key, || inner.clone(), |value| **value), Ok(1));
                outer.clone()
            },
            |value| **value,
        );
        assert_eq!(found, Ok(2));
        assert_eq!((Rc::strong_count(&inner), Rc::strong_count(&outer)), (1, 2));
        // SAFETY: nobody is in a `with`.
        unsafe { locals.clear() };
        assert_eq!(Rc::strong_count(&outer), 1);
    }
}
