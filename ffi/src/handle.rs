//! Handles: what foreign code keeps of a value of ours.
//!
//! C passes a `void *` along to its callbacks. An address there would be trusted by whoever gets it back, however late. A handle is a number that only
//! looks like a pointer: it is looked up, and one that has been dropped, or was never made, is refused. (Go's `cgo.Handle`.)
//!
//! The number is that of a slot, and of the handle's turn in it, so that a stale one does not name the next value. The values are counted: one that is in
//! use while its handle is dropped lives until that use ends.

use std::any::{Any, type_name};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

use sward_mem::fatal;
use sward_sched::{Section, SpinLock};

/// A value that foreign code may name.
///
/// Foreign code gets [`as_ptr`](Handle::as_ptr), and gives it back to a callback, which reaches the value by [`with`](Handle::with). The value goes when the
/// handle is dropped.
///
/// ```
/// use std::ffi::{c_int, c_void};
/// use std::sync::atomic::{AtomicI32, Ordering};
/// use sward::ffi::{self, Handle};
///
/// /// What C would call.
/// extern "C" fn add(n: c_int, user_data: *mut c_void) {
///     ffi::callback(|| Handle::with(user_data, |sum: &AtomicI32| sum.fetch_add(n, Ordering::Relaxed)));
/// }
///
/// sward::run(|| {
///     let sum = Handle::new(AtomicI32::new(0));
///     ffi::call(|| add(42, sum.as_ptr()));
///     assert_eq!(Handle::with(sum.as_ptr(), |sum: &AtomicI32| sum.load(Ordering::Relaxed)), 42);
/// });
/// ```
#[derive(Debug)]
pub struct Handle<T> {
    name: Name,
    value: PhantomData<Arc<T>>,
}

/// What a handle is to foreign code: a slot, and which of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Name {
    slot: u32,
    turn: u32,
}

/// A place for one value after the other.
struct Slot {
    turn: u32,
    value: Option<Arc<dyn Any + Send + Sync>>,
}

/// All slots, and which of them are free.
struct Slots {
    all: Vec<Slot>,
    free: Vec<u32>,
}

static SLOTS: SpinLock<Slots> = SpinLock::new(Slots { all: Vec::new(), free: Vec::new() });

impl<T: Send + Sync + 'static> Handle<T> {
    /// Makes a handle of a value.
    pub fn new(value: T) -> Handle<T> {
        let value: Arc<dyn Any + Send + Sync> = Arc::new(value);
        let _section = Section::enter();
        let mut slots = SLOTS.lock();
        let slot = slots.free.pop().unwrap_or_else(|| {
            slots.all.push(Slot { turn: 1, value: None });
            slots.all.len() as u32 - 1
        });
        let place = &mut slots.all[slot as usize];
        place.value = Some(value);
        Handle { name: Name { slot, turn: place.turn }, value: PhantomData }
    }

    /// What foreign code passes along. It points to nothing.
    pub fn as_ptr(&self) -> *mut c_void {
        ptr::without_provenance_mut(self.name.to_word())
    }

    /// Calls `f` with the value of the handle that `pointer` came from.
    ///
    /// # Aborts
    /// If there is none: the handle has been dropped, or its value is of another type.
    pub fn with<R>(pointer: *mut c_void, f: impl FnOnce(&T) -> R) -> R {
        f(&value_of::<T>(pointer))
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        let section = Section::enter();
        let mut slots = SLOTS.lock();
        let place = &mut slots.all[self.name.slot as usize];
        let value = place.value.take();
        place.turn = place.turn.wrapping_add(1).max(1);
        slots.free.push(self.name.slot);
        drop(slots);
        drop(section);
        // The user's code, so in no section.
        drop(value);
    }
}

/// The value that a handle's pointer names.
fn value_of<T: Send + Sync + 'static>(pointer: *mut c_void) -> Arc<T> {
    let name = Name::from_word(pointer.addr());
    let section = Section::enter();
    let slots = SLOTS.lock();
    let value =
        slots.all.get(name.slot as usize).filter(|slot| slot.turn == name.turn).and_then(|slot| slot.value.clone());
    drop(slots);
    drop(section);
    let wanted = type_name::<T>();
    match value.map(|value| value.downcast::<T>()) {
        Some(Ok(value)) => value,
        Some(Err(_)) => fatal!("a callback has {pointer:?} for the handle of a {wanted}, which is of another type"),
        None => fatal!("a callback has {pointer:?} for the handle of a {wanted}: it has been dropped, or is none"),
    }
}

impl Name {
    /// Never 0, as a turn is not, so no handle is null.
    fn to_word(self) -> usize {
        (self.turn as usize) << 32 | self.slot as usize
    }

    fn from_word(word: usize) -> Name {
        Name { slot: word as u32, turn: (word >> 32) as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for name in [Name { slot: 0, turn: 1 }, Name { slot: 7, turn: u32::MAX }, Name { slot: u32::MAX, turn: 3 }] {
            assert_eq!(Name::from_word(name.to_word()), name);
            assert_ne!(name.to_word(), 0);
        }
    }

    #[test]
    fn a_slot_is_used_again_under_another_name() {
        let first = Handle::new(1_u64);
        let old = first.as_ptr();
        drop(first);
        let others: Vec<_> = (0..100_u64).map(Handle::new).collect();
        assert!(others.iter().all(|handle| handle.as_ptr() != old));
        for (n, handle) in (0..).zip(&others) {
            assert_eq!(Handle::with(handle.as_ptr(), |value: &u64| *value), n);
        }
    }

    #[test]
    fn a_value_lives_while_it_is_used() {
        let value = Arc::new(());
        let handle = Handle::new(Arc::clone(&value));
        let pointer = handle.as_ptr();
        Handle::with(pointer, |inner: &Arc<()>| {
            drop(handle);
            assert_eq!(Arc::strong_count(inner), 2);
        });
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
