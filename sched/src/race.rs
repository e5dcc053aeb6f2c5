//! Race hooks: what the runtime tells a race detector about the order of things.
//!
//! A detector knows two accesses to be ordered when a chain of *edges* leads from one to the other: a **release** of some object (an unlock, a send)
//! and a later **acquire** of the same object (a lock, a receive). Each primitive reports its own: the release before it makes its effect
//! known, the acquire after it has seen the other's.
//!
//! # The rule
//! What a detector keeps of its own, it keeps by P, as Go's does. A hook therefore runs only while its M holds a P: in a [`Section`].
//! A foreign call gives its P away, so its acquire comes after it has got one back:
//!
//! ```text
//!   release edge → the P is left → foreign code → the P, or another one, is held → acquire edge
//! ```
//! Go once had the last two the other way round (issue 27660): a hook used the state of a P that by then was another thread's. Here a hook
//! without a P is a fatal error, by an assertion that is always there in debug builds.
//!
//! # Backends
//! - None: the hooks are empty, and nothing of them is left in the code.
//! - The feature `race`: a detector of happens-before of our own, for accesses that are reported to it ([`Hooks::read`], [`Hooks::write`]). It sleeps until
//!   it is switched on, at the start of the runtime; until then a hook costs the look at a flag.
//! - The feature `tsan`, in a build with `-Zsanitizer=thread`: ThreadSanitizer, which sees the whole program.

#[cfg(feature = "race")]
mod detector;
#[cfg(feature = "tsan")]
mod tsan;

use std::marker::PhantomData;
#[cfg(feature = "race")]
use std::sync::atomic::{AtomicBool, Ordering};

use crate::g::G;
use crate::section::Section;

#[cfg(feature = "race")]
pub use detector::reports;
#[cfg(feature = "race")]
pub(crate) use detector::{OfG, OfP};
#[cfg(feature = "tsan")]
pub(crate) use tsan::{Fiber, across};

/// Whether the built-in detector has been switched on.
#[cfg(feature = "race")]
static ON: AtomicBool = AtomicBool::new(false);

/// Switches the built-in detector on, before anything runs.
#[cfg(feature = "race")]
pub(crate) fn switch_on() {
    // Relaxed: whoever runs green threads has seen the runtime started, which comes after this.
    ON.store(true, Ordering::Relaxed);
}

/// Whether the acquire edge of a foreign call comes before the P, as Go once had it.
#[cfg(feature = "race")]
static HISTORICAL: AtomicBool = AtomicBool::new(false);

/// Has foreign calls report their end before they have a P again, from now on: the bug of Go's issue 27660, for tests and demonstrations that the
/// assertion in each hook finds it.
#[cfg(feature = "race")]
pub fn use_historical_order() {
    // Relaxed: a switch that is set before the calls begin.
    HISTORICAL.store(true, Ordering::Relaxed);
}

/// Whether hooks run in the historical order.
#[inline(always)]
pub(crate) fn is_order_historical() -> bool {
    #[cfg(feature = "race")]
    // Relaxed: as above.
    let historical = HISTORICAL.load(Ordering::Relaxed);
    #[cfg(not(feature = "race"))]
    let historical = false;
    historical
}

/// Whether a detector listens.
#[inline(always)]
pub fn enabled() -> bool {
    #[cfg(feature = "race")]
    // Relaxed: see `switch_on`.
    let is_on = ON.load(Ordering::Relaxed);
    #[cfg(not(feature = "race"))]
    let is_on = false;
    is_on || cfg!(feature = "tsan")
}

/// Runs `access`, an atomic one that the program does not rely on to order anything. ThreadSanitizer would take it to.
#[inline(always)]
pub fn unordered<R>(access: impl FnOnce() -> R) -> R {
    #[cfg(feature = "tsan")]
    let _ignored = tsan::Ignored::begin();
    access()
}

/// Calls `report` with the hooks, if a detector listens. For runtime code outside any section; on a green thread that has lost its P this waits for one.
#[inline(always)]
pub fn hook(report: impl FnOnce(&Hooks<'_>)) {
    if enabled() {
        hook_now(report);
    }
}

/// As [`hook`], when a detector listens: apart, so that all the others pay for is the question.
#[cold]
#[inline(never)]
fn hook_now(report: impl FnOnce(&Hooks<'_>)) {
    report(&Hooks::new(&Section::enter()));
}

/// Calls `report` with the hooks, if a detector listens. For runtime code in a section.
#[inline(always)]
pub fn hook_in(section: &Section, report: impl FnOnce(&Hooks<'_>)) {
    if enabled() {
        hook_now_in(section, report);
    } else if cfg!(debug_assertions) {
        Hooks::new(section);
    }
}

/// As [`hook_in`], when a detector listens.
#[cold]
#[inline(never)]
fn hook_now_in(section: &Section, report: impl FnOnce(&Hooks<'_>)) {
    report(&Hooks::new(section));
}

/// The hooks, for a caller that holds a P or is a plain OS thread.
///
/// Objects and places are known by their addresses. Nothing is read through the pointers.
pub struct Hooks<'a> {
    #[cfg_attr(not(feature = "race"), allow(dead_code))]
    thread: Thread,
    section: PhantomData<&'a Section>,
}

/// Who calls a hook.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "race"), allow(dead_code))]
pub(crate) enum Thread {
    /// A green thread, with the P that its M holds.
    Green(&'static G, &'static crate::p::P),
    /// A plain OS thread, or code on an M's own stack inside a foreign call.
    Os,
}

impl<'a> Hooks<'a> {
    /// # Aborts
    /// If the section is that of a green thread whose M has no P.
    #[inline]
    fn new(section: &'a Section) -> Hooks<'a> {
        let thread = match section.g() {
            None => Thread::Os,
            Some(g) => match g.m().p() {
                Some(p) => Thread::Green(g, p),
                None => sward_mem::fatal!("a race hook of green thread {} on M {}, which has no P", g.id(), g.m().id),
            },
        };
        Hooks { thread, section: PhantomData }
    }
}

/// Each hook, by backend.
macro_rules! hooks {
    ($($(#[$doc:meta])* $visible:vis fn $name:ident $(<$($T:ident),+>)? ($($argument:ident: $type:ty),*) = $erased:ident($($passed:expr),*);)*) => {
        impl Hooks<'_> {$(
            $(#[$doc])*
            $visible fn $name $(<$($T: ?Sized),+>)? (&self $(, $argument: $type)*) {
                #[cfg(feature = "race")]
                // Relaxed: see `switch_on`.
                if !cfg!(feature = "tsan") || ON.load(Ordering::Relaxed) {
                    detector::$erased(self.thread $(, $passed)*);
                }
                #[cfg(feature = "tsan")]
                tsan::$erased($($passed),*);
                #[cfg(not(any(feature = "race", feature = "tsan")))]
                { $(let _ = $argument;)* }
            }
        )*}
    };
}

/// The address of an object, as hooks know it.
#[cfg(any(feature = "race", feature = "tsan"))]
fn address<T: ?Sized>(object: *const T) -> usize {
    object.cast::<()>().addr()
}

hooks! {
    /// What was done before the last releases of `object` is ordered before what the caller does next.
    pub fn acquire<T>(object: *const T) = acquire(address(object));
    /// What the caller did is ordered before what follows the next acquires of `object`, together with what earlier releases ordered.
    pub fn release<T>(object: *const T) = release(address(object));
    /// As [`release`](Hooks::release), but forgets earlier releases: only the caller's past is handed on.
    pub fn release_store<T>(object: *const T) = release_store(address(object));
    /// As [`acquire`](Hooks::acquire) and [`release_store`](Hooks::release_store) at once: the caller's past is handed on without what it acquires here. What goes
    /// through a slot of a channel.
    pub fn hand_over<T>(object: *const T) = hand_over(address(object));
    /// What is known of two objects changes places: a [`hand_over`](Hooks::hand_over) in the name of a thread that waits, which has released one of them,
    /// and will acquire it.
    pub fn exchange<A, B>(one: *const A, other: *const B) = exchange(address(one), address(other));
    /// The caller reads `bytes` bytes at `place`.
    pub fn read<T>(place: *const T, bytes: usize) = read(address(place), bytes);
    /// The caller writes `bytes` bytes at `place`.
    pub fn write<T>(place: *const T, bytes: usize) = write(address(place), bytes);
    /// What lay at `place` is gone, and what was known of it and of the objects in it.
    pub fn forget<T>(place: *const T, bytes: usize) = forget(address(place), bytes);
    /// The caller spawns `g`, which nobody else knows yet.
    pub(crate) fn spawned(g: &'static G) = spawned(g);
    /// The caller, a green thread, is at its end: what it did is ordered before what follows a join.
    pub(crate) fn ended() = ended();
    /// The caller has joined `g`, which has ended.
    pub(crate) fn joined(g: &'static G) = joined(g);
}
