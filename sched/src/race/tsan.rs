//! ThreadSanitizer: tells it of each switch of stacks, and passes the hooks on to it.
//!
//! TSan keeps a clock and a shadow call stack for each OS thread, and for each **fiber** that it is told of. Each green stack in use is a fiber: a G's
//! own, made by its spawner, so that a report shows where, and one more for each callback that the G is in. A fiber ends with the use of its stack.
//! TSan has room for some 8,000 of them at a time.
//!
//! # Switches
//! corosensei, with its feature `sanitizer`, calls three functions of AddressSanitizer's around each switch. Here they are ours. Each switch
//! has a *start*, where the code is still on the old stack, and a *finish*, on the new one. What it calls the bounds of a stack are ours
//! to choose, but for those of a stack that has not begun:
//!
//! | | bottom | size |
//! |---|---|---|
//! | a stack that has not begun | its limit | up to its base, which is where the header is |
//! | any other | its fiber | 0 |
//!
//! A switch orders all that came before it on either side, as TSan sees it: what a G does is ordered after what its M did, and the other way round.
//! So races are found between Gs that run on different Ms with nothing in between that orders them.
//!
//! # Shadow call stacks
//! Each instrumented function reports its entry and its exit, and both must go to the same fiber. Hence
//! - the start hook jumps to TSan's switch from code without instrumentation, which in Rust is a naked function: the compiler instruments
//!   entries and exits even where it is told not to instrument a function;
//! - corosensei's own parts around the hooks must be inlined: opt-level 1 at least;
//! - its `on_parent_stack` enters a function on one fiber and leaves it on the other, which [`across`] makes up for.
//!
//! # Rejected
//! Switches that order nothing (TSan's flag 1) would find races between Gs of one M, too. But then whatever the runtime does on a G's stack races with what its M
//! does, and each word that they share would need annotations.

use std::arch::naked_asm;
use std::cell::Cell;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::io::Write;
use std::ptr;

use crate::g::G;
use crate::header::Header;

unsafe extern "C" {
    fn __tsan_get_current_fiber() -> *mut c_void;
    fn __tsan_create_fiber(flags: c_uint) -> *mut c_void;
    fn __tsan_destroy_fiber(fiber: *mut c_void);
    fn __tsan_switch_to_fiber(fiber: *mut c_void, flags: c_uint);
    fn __tsan_set_fiber_name(fiber: *mut c_void, name: *const c_char);
    fn __tsan_func_entry(caller: *const c_void);
    fn __tsan_func_exit();
    fn __tsan_acquire(object: *mut c_void);
    fn __tsan_release(object: *mut c_void);
    fn __tsan_read_range(place: *const c_void, bytes: usize);
    fn __tsan_write_range(place: *const c_void, bytes: usize);
    fn AnnotateIgnoreSyncBegin(file: *const c_char, line: c_int);
    fn AnnotateIgnoreSyncEnd(file: *const c_char, line: c_int);
}

/// A fiber that belongs to a G or to a stack, or none.
#[derive(Debug, Default)]
pub(crate) struct Fiber(Cell<*mut c_void>);

impl Fiber {
    /// Makes one for `g`, in the place of none.
    fn create(&self, g: &G) {
        // As much as TSan keeps. What is longer is cut off, before the zero.
        let mut name = [0u8; 64];
        let mut room = &mut name[..63];
        let _ = write!(room, "green thread {}", g.id());
        if let Some(own) = g.name() {
            let _ = write!(room, " {own}");
        }
        // SAFETY: no preconditions; the name ends with a zero, and is copied.
        unsafe {
            self.0.set(__tsan_create_fiber(0));
            __tsan_set_fiber_name(self.0.get(), name.as_ptr().cast());
        }
    }

    /// Takes the one that `from` has.
    fn take(&self, from: &Fiber) -> *mut c_void {
        self.0.set(from.0.take());
        self.0.get()
    }

    /// Ends it, on another one.
    pub(crate) fn destroy(&self) {
        // SAFETY: made by `create`, destroyed once, and not the current one.
        unsafe { __tsan_destroy_fiber(self.0.take()) }
    }
}

thread_local! {
    /// The fiber that the switch under way comes from: between its start and its finish, which are on one OS thread.
    #[allow(clippy::disallowed_macros, reason = "used in functions that are not inlined and do not switch")]
    static FROM: Cell<*mut c_void> = const { Cell::new(ptr::null_mut()) };
}

/// Where a switch leads to.
extern "C" fn start(_: *mut *mut c_void, bottom: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: no preconditions.
    FROM.set(unsafe { __tsan_get_current_fiber() });
    if size == 0 {
        return bottom;
    }
    // SAFETY: the stack is about to be used for the first time by its G, which has set the header up.
    let header = unsafe { &*bottom.byte_add(size).cast::<Header>() };
    let Some(g) = header.g() else { sward_mem::fatal!("a stack begins without a green thread") };
    if g.fiber.0.get().is_null() {
        // A further stack, for a callback.
        g.fiber.create(g);
    }
    header.fiber.take(&g.fiber)
}

/// Called by corosensei before each switch.
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn __sanitizer_start_switch_fiber(_: *mut *mut c_void, _bottom: *mut c_void, _size: usize) {
    #[cfg(target_arch = "x86_64")]
    naked_asm!(
        "sub rsp, 8",
        "call {start}",
        "add rsp, 8",
        "mov rdi, rax",
        "xor esi, esi",
        "jmp {switch}",
        start = sym start,
        switch = sym __tsan_switch_to_fiber,
    );
    #[cfg(target_arch = "aarch64")]
    naked_asm!(
        "stp x29, x30, [sp, #-16]!",
        "bl {start}",
        "ldp x29, x30, [sp], #16",
        "mov w1, #0",
        "b {switch}",
        start = sym start,
        switch = sym __tsan_switch_to_fiber,
    );
}

/// Called by corosensei after each switch.
#[unsafe(no_mangle)]
unsafe extern "C" fn __sanitizer_finish_switch_fiber(_: *mut c_void, from: *mut *mut c_void, size: *mut usize) {
    // SAFETY: corosensei's own variables.
    unsafe {
        *from = FROM.get();
        *size = 0;
    }
}

/// Called by corosensei when a stack has come to its end: TSan keeps nothing of the memory of stacks that would have to go.
#[unsafe(no_mangle)]
extern "C" fn __asan_unpoison_memory_region(_: *const c_void, _: usize) {}

/// `f`, to be called by corosensei's `on_parent_stack`, and at once: see the [module](self).
pub(crate) fn across<R>(f: impl FnOnce() -> R) -> impl FnOnce() -> R {
    /// For the function that was entered on this fiber, and will be left on the other.
    struct Exit;
    impl Drop for Exit {
        fn drop(&mut self) {
            // SAFETY: a function has been entered.
            unsafe { __tsan_func_exit() };
        }
    }
    // For that function, on this fiber. The address is seen in no report.
    // SAFETY: an address of code.
    unsafe { __tsan_func_entry(start as *const c_void) };
    move || {
        let _exit = Exit;
        f()
    }
}

/// While it is there, atomic accesses of the caller order nothing.
pub(super) struct Ignored(());

impl Ignored {
    #[inline]
    pub(super) fn begin() -> Ignored {
        // SAFETY: the name of no file is a string.
        unsafe { AnnotateIgnoreSyncBegin(c"".as_ptr(), 0) };
        Ignored(())
    }
}

impl Drop for Ignored {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: begun by `begin`.
        unsafe { AnnotateIgnoreSyncEnd(c"".as_ptr(), 0) };
    }
}

pub(super) fn acquire(object: usize) {
    // SAFETY: TSan reads nothing there.
    unsafe { __tsan_acquire(ptr::without_provenance_mut(object)) };
}

pub(super) fn release(object: usize) {
    // SAFETY: as in `acquire`.
    unsafe { __tsan_release(ptr::without_provenance_mut(object)) };
}

/// TSan forgets no earlier release: it takes more for ordered than is.
pub(super) fn release_store(object: usize) {
    release(object);
}

/// As [`release_store`].
pub(super) fn hand_over(object: usize) {
    release(object);
    acquire(object);
}

/// The lock of the channel has ordered who waits.
pub(super) fn exchange(_: usize, _: usize) {}

pub(super) fn read(place: usize, bytes: usize) {
    // SAFETY: as in `acquire`.
    unsafe { __tsan_read_range(ptr::without_provenance(place), bytes) };
}

pub(super) fn write(place: usize, bytes: usize) {
    // SAFETY: as in `acquire`.
    unsafe { __tsan_write_range(ptr::without_provenance(place), bytes) };
}

/// TSan sees itself what is freed.
pub(super) fn forget(_: usize, _: usize) {}

/// A fiber begins with what its maker has done.
pub(super) fn spawned(g: &'static G) {
    g.fiber.create(g);
}

/// The join word orders the end before the join.
pub(super) fn ended() {}

/// See [`ended`].
pub(super) fn joined(_: &'static G) {}
