//! The caches of all threads: attached at a thread's first allocation, and left to another when it ends.
//!
//! A thread's end is seen by a pthread key, whose destructor runs after those of std's thread-locals, which may still allocate and free. If another
//! key's destructor does so afterwards, the thread gets a cache once more, and the key is asked again.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::cache::{Cache, EMPTY};
use super::mode::Mode;
use super::{profile, scavenger, tls};
use crate::gate::{Closed, Flag, Gate, Passage};
use crate::tagged_stack::TaggedStack;

/// The gate of this heap.
static GATE: Gate = Gate::new();
/// Those without a thread.
static UNUSED: TaggedStack<Cache> = TaggedStack::new();
/// The first of all, which are never freed.
static ALL: AtomicPtr<Cache> = AtomicPtr::new(ptr::null_mut());
static KEY: AtomicU32 = AtomicU32::new(0);

/// Prepares for threads to end. Once, before the first cache.
pub(crate) fn start() {
    let mut key = 0;
    // SAFETY: `key` is written; the destructor has the type that is asked for.
    let error = unsafe { libc::pthread_key_create(&mut key, Some(detach)) };
    if error != 0 {
        crate::fatal!("no pthread key for the heap: error {error}");
    }
    // Relaxed: published with the mode.
    KEY.store(key, Ordering::Relaxed);
}

/// The cache of this thread, which gets one if it has none. `None`: no memory.
pub(crate) fn mine() -> Option<&'static Cache> {
    let cache = tls::cache();
    if ptr::eq(cache, &EMPTY) {
        return attach();
    }
    // SAFETY: the word points to `EMPTY` or to a cache in persistent memory.
    Some(unsafe { &*cache })
}

#[cold]
fn attach() -> Option<&'static Cache> {
    let cache = UNUSED.pop().or_else(make)?;
    tls::set_cache(cache);
    profile::start(cache);
    // Relaxed: published with the mode.
    let key = KEY.load(Ordering::Relaxed);
    // SAFETY: the key is there. If there is no memory for its value, the thread's cache is lost at its end, no more.
    unsafe { libc::pthread_setspecific(key, ptr::from_ref(cache).cast()) };
    Some(cache)
}

fn make() -> Option<&'static Cache> {
    let cache = Cache::make(Mode::get() == Mode::Fast)?;
    // Relaxed: the exchange decides.
    let mut first = ALL.load(Ordering::Relaxed);
    loop {
        cache.next_of_all.store(first, Ordering::Relaxed);
        // Release pairs with the acquire in `all`: the cache and its link are there.
        match ALL.compare_exchange_weak(first, ptr::from_ref(cache).cast_mut(), Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return Some(cache),
            Err(now) => first = now,
        }
    }
}

/// The key's destructor: the thread ends.
unsafe extern "C" fn detach(cache: *mut c_void) {
    // SAFETY: the key's value is a cache in persistent memory, this thread's.
    let cache: &'static Cache = unsafe { &*cache.cast() };
    tls::set_cache(&EMPTY);
    let passage = pass(cache);
    cache.flush_all();
    drop(passage);
    UNUSED.push(cache);
}

/// All caches there are, with a thread or without.
pub(crate) fn all() -> impl Iterator<Item = &'static Cache> {
    // Acquire pairs with the release in `make`; what follows was published before.
    let mut next = ALL.load(Ordering::Acquire);
    std::iter::from_fn(move || {
        // SAFETY: caches are never freed.
        let cache: &'static Cache = unsafe { next.as_ref() }?;
        next = cache.next_of_all.load(Ordering::Relaxed);
        Some(cache)
    })
}

/// Passes the gate, as the thread that has this cache.
pub(crate) fn pass(cache: &'static Cache) -> Passage<'static> {
    GATE.pass(&cache.flag)
}

/// Passes the gate, as the scavenger.
pub(crate) fn pass_as(flag: &'static Flag) -> Passage<'static> {
    GATE.pass(flag)
}

/// Closes the gate: no thread is where the heap changes. The caller must not be there itself.
pub(crate) fn close() -> Closed<'static> {
    // A cache that comes into the list after that look has its own first look at the gate later.
    GATE.close(flags)
}

/// In the child of a fork, while the gate is closed: no thread is on its way to it any more.
pub(crate) fn forget_threads() {
    flags().for_each(Flag::forget);
}

fn flags() -> impl Iterator<Item = &'static Flag> {
    all().map(|cache| &cache.flag).chain([&scavenger::FLAG])
}
