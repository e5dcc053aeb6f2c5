//! What is asked of the kernel: address space, memory in it, and taking memory back. The only file that makes these calls.
//!
//! Reservations take no memory and count for no limit but that on address space (`ulimit -v`). Memory is asked for where it is needed,
//! which is when a strict kernel (`vm.overcommit_memory` 2) counts it and may refuse.

use std::ffi::c_void;
use std::ptr::{self, NonNull};

use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};

/// The smallest page that a kernel has on the machines we run on.
pub(crate) const OS_PAGE: usize = 4096;

/// The size of the kernel's pages, in bytes: 4, 16 or 64 KiB.
pub(crate) fn page_size() -> usize {
    rustix::param::page_size()
}

/// Address space without memory, `len` bytes. `None`: there is not as much.
pub(crate) fn reserve(len: usize) -> Option<NonNull<u8>> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: a new anonymous mapping, wherever the kernel likes, touches nobody's memory.
    let start = unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), len, ProtFlags::empty(), flags) };
    NonNull::new(start.ok()?.cast())
}

/// Memory, zeroed, `len` bytes at a multiple of the kernel's page. `None`: the kernel refuses.
pub(crate) fn map(len: usize) -> Option<NonNull<u8>> {
    // SAFETY: as in `reserve`.
    let start = unsafe {
        rustix::mm::mmap_anonymous(ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
    };
    NonNull::new(start.ok()?.cast())
}

/// Gives back what was [`reserve`]d.
///
/// # Safety
/// Nobody uses the range.
pub(crate) unsafe fn unreserve(start: NonNull<u8>, len: usize) {
    // SAFETY: the caller's promise. A failure leaves address space in use, no more.
    let _ = unsafe { rustix::mm::munmap(start.as_ptr().cast::<c_void>(), len) };
}

/// Makes a part of a reservation memory, zeroed at first. Returns whether the kernel agreed.
///
/// # Safety
/// The range lies in what [`reserve`] returned.
pub(crate) unsafe fn commit(start: NonNull<u8>, len: usize) -> bool {
    // SAFETY: the caller's promise; what is memory already stays as it is.
    unsafe {
        rustix::mm::mprotect(start.as_ptr().cast::<c_void>(), len, MprotectFlags::READ | MprotectFlags::WRITE).is_ok()
    }
}

/// Gives the memory of a range back to the kernel; it reads as zeros afterwards. Returns whether that is so.
///
/// # Safety
/// The range is private memory of ours, in whole pages of the kernel, of which nobody needs the contents.
pub(crate) unsafe fn give_back(start: NonNull<u8>, len: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { rustix::mm::madvise(start.as_ptr().cast::<c_void>(), len, Advice::LinuxDontNeed).is_ok() }
}

/// How much address space this process may have (`ulimit -v`), in bytes; `None`: as much as there is.
pub(crate) fn address_space_limit() -> Option<usize> {
    rustix::process::getrlimit(rustix::process::Resource::As).current.map(|limit| limit as usize)
}

/// Lets other threads run.
pub(crate) fn yield_now() {
    rustix::thread::sched_yield();
}
