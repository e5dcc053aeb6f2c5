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
    // Not rustix's. It reads all of the auxiliary vector, of which valgrind has taken a part out of the address space; and on kernels before 6.4 it
    // reads it from a file, into a `Vec`: in the first allocation of all, that would wait for itself.
    // SAFETY: it has no conditions; glibc knows this size from the start.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
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
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    rustix::thread::sched_yield();
}

/// Puts `errno` back to what it was, when it is dropped.
pub(crate) struct KeepErrno(i32);

impl KeepErrno {
    pub(crate) fn new() -> KeepErrno {
        // SAFETY: the location is this thread's.
        KeepErrno(unsafe { *libc::__errno_location() })
    }
}

impl Drop for KeepErrno {
    fn drop(&mut self) {
        // SAFETY: as above; nothing has moved to another thread since: the heap does not wait as green threads do.
        unsafe { *libc::__errno_location() = self.0 };
    }
}
