//! Collected objects: what the garbage collector is to be built on, and what the check of foreign calls asks for.
//!
//! There is no collector yet. An object is made by [`alloc`] and ends by [`free`], and whoever makes one says when it ends: tests do. What stays, when
//! the collector takes this over, is how an object is found. It has a span to itself, which is marked and says what it is, so that [`find`] gets
//! from any address within to the object by the table of pages: lock-free, at any time, for any word whatever, be it an object or not. What it reads
//! is the span's record, which is never freed, and the record's generation tells when it has become another's meanwhile.
//!
//! An object may be **pinned**: then it stays, and where it is, so that foreign code may keep its address. Pins are counted.
//!
//! A program without collected objects pays nothing for there being such: [`any`] is one load.

use std::any::type_name;
use std::fmt;
use std::ops::Range;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::mode::Mode;
use super::span::{Kind, Span};
use super::{arena, caches, spans};
use crate::PAGE;

/// How many there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A collected object, as it was when it was [found](find).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Object {
    /// Its address.
    pub start: usize,
    /// In bytes, as was asked for.
    pub size: usize,
    /// The name of its type.
    pub type_name: &'static str,
    /// Where in the program it was allocated.
    pub allocated_at: &'static Location<'static>,
    /// Whether it is pinned.
    pub pinned: bool,
}

impl Object {
    /// Its addresses. That of an object without a size is its own, too.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.size.max(1)
    }
}

/// As `Header, 24 bytes at 0x7f0000000000, allocated at src/main.rs:7:20, not pinned`.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Object { start, size, type_name, allocated_at, pinned } = self;
        let pinned = if *pinned { "pinned" } else { "not pinned" };
        write!(f, "{type_name}, {size} bytes at {start:#x}, allocated at {allocated_at}, {pinned}")
    }
}

/// Whether there are any at all.
#[inline(always)]
pub fn any() -> bool {
    // Relaxed: who has a pointer to an object has it from who counted it before.
    COUNT.load(Ordering::Relaxed) != 0
}

/// Moves a value into a new object. `None`: there is no memory, and the value is dropped.
///
/// ```
/// use sward_mem::collected;
///
/// let object = collected::alloc([1u64, 2, 3]).expect("memory");
/// // SAFETY: nobody else has the object.
/// let third = unsafe { &raw const (*object.as_ptr())[2] };
/// let found = collected::find(third.addr()).expect("an object");
/// assert_eq!((found.start, found.size), (object.addr().get(), 24));
/// assert_eq!(found.type_name, "[u64; 3]");
/// // SAFETY: nobody uses it any more.
/// unsafe { collected::free(object) };
/// ```
#[track_caller]
pub fn alloc<T>(value: T) -> Option<NonNull<T>> {
    let origin = Origin { of: Of::<T>::TYPE, at: Location::caller(), size: size_of::<T>() };
    let start = alloc_pages(origin, align_of::<T>())?.cast();
    // SAFETY: new memory, of the size and at the alignment of a `T`.
    unsafe { start.write(value) };
    Some(start)
}

fn alloc_pages(origin: Origin, align: usize) -> Option<NonNull<u8>> {
    // Starts the heap, if this is its first use.
    Mode::get();
    let cache = caches::mine()?;
    let _passage = caches::pass(cache);
    let pages = origin.size.div_ceil(PAGE).max(1);
    let span = spans::of_object(cache, pages, align.div_ceil(PAGE), origin)?;
    // Relaxed: see `any`.
    COUNT.fetch_add(1, Ordering::Relaxed);
    NonNull::new(ptr::with_exposed_provenance_mut(span.view_held().start))
}

/// Drops the value of an object, and ends it.
///
/// # Safety
/// It comes from [`alloc`], has not been freed, and nobody uses it any more.
///
/// # Panics
/// When the destructor does. The object stays then.
pub unsafe fn free<T>(object: NonNull<T>) {
    // SAFETY: the caller's promise.
    unsafe { object.drop_in_place() };
    let cache = caches::mine().expect("there was one to allocate it");
    let _passage = caches::pass(cache);
    // Relaxed: see `any`.
    COUNT.fetch_sub(1, Ordering::Relaxed);
    spans::release(span_of(object.addr().get()));
}

/// The object that an address is in, any address whatever. It may end at any moment, unless the caller has it.
pub fn find(address: usize) -> Option<Object> {
    let span = arena::span_at(address)?;
    let view = span.view()?;
    let Kind::Collected(Origin { of, at, size }) = view.kind else { return None };
    // Relaxed: what others pin at this moment is not for the caller to know.
    let pinned = span.pins.load(Ordering::Relaxed) != 0;
    let object = Object { start: view.start, size, type_name: (of.name)(), allocated_at: at, pinned };
    object.range().contains(&address).then_some(object)
}

/// Pins the object that an address is in, once more. The caller has it.
///
/// # Panics
/// If the address is in no object.
pub fn pin(address: usize) {
    // Relaxed, here and in `unpin`: who looks whether it is pinned does so for who has pinned it.
    span_of(address).pins.fetch_add(1, Ordering::Relaxed);
}

/// Takes one pin away.
///
/// # Panics
/// If the address is in no object, or it is not pinned.
pub fn unpin(address: usize) {
    let pins = &span_of(address).pins;
    let taken = pins.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |pins| pins.checked_sub(1));
    assert!(taken.is_ok(), "unpin({address:#x}): the object is not pinned");
}

/// The span of an object that the caller has.
#[track_caller]
fn span_of(address: usize) -> &'static Span {
    assert!(find(address).is_some(), "{address:#x} is in no collected object");
    arena::span_at(address).expect("just found")
}

/// What is known of an object but its address, from when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    of: &'static Type,
    at: &'static Location<'static>,
    size: usize,
}

/// What is known of a type.
#[derive(Debug)]
struct Type {
    /// A constant only when it is called.
    name: fn() -> &'static str,
}

impl PartialEq for Type {
    fn eq(&self, other: &Type) -> bool {
        ptr::eq(self, other)
    }
}

impl Eq for Type {}

struct Of<T>(T);

impl<T> Of<T> {
    const TYPE: &'static Type = &Type { name: type_name::<T> };
}

/// An origin in a span's record, which may be read while it becomes another's: what is read then is of no meaning, but each part of it is some
/// origin's.
pub(crate) struct OriginCell {
    of: AtomicPtr<Type>,
    at: AtomicPtr<Location<'static>>,
    size: AtomicUsize,
}

impl OriginCell {
    pub(crate) fn new() -> OriginCell {
        let nothing = Origin { of: Of::<()>::TYPE, at: Location::caller(), size: 0 };
        let cell = OriginCell { of: AtomicPtr::default(), at: AtomicPtr::default(), size: AtomicUsize::new(0) };
        cell.set(nothing);
        cell
    }

    // Relaxed, throughout: the state of the span orders it.
    pub(crate) fn set(&self, origin: Origin) {
        self.of.store(ptr::from_ref(origin.of).cast_mut(), Ordering::Relaxed);
        self.at.store(ptr::from_ref(origin.at).cast_mut(), Ordering::Relaxed);
        self.size.store(origin.size, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Origin {
        // SAFETY: both come from references to statics, from the beginning.
        let (of, at) = unsafe { (&*self.of.load(Ordering::Relaxed), &*self.at.load(Ordering::Relaxed)) };
        Origin { of, at, size: self.size.load(Ordering::Relaxed) }
    }
}
