//! The thread's cache: the one word of thread-local storage that the heap has.
//!
//! A green thread goes on, after a wait, on another OS thread. The compiler does not know that, and takes a thread-local's address for constant
//! within a function: were `malloc` inlined into one that allocates, waits and allocates again, the second time would use the cache of
//! the first thread, beside its owner. So this word is not a `thread_local!`. It is defined and read in assembly that the compiler takes as it is:
//! two instructions at each use, of which the linker makes the first an immediate when it links an executable (the "initial exec" model).
//!
//! At first it points to [`EMPTY`], a cache that has nothing and takes nothing, so that `malloc` and `free` need not ask whether there is one.

use std::arch::{asm, global_asm};

use super::cache::{Cache, EMPTY};

global_asm!(
    ".pushsection .tdata, \"awT\", @progbits",
    ".globl sward_heap_cache",
    ".hidden sward_heap_cache",
    ".type sward_heap_cache, @object",
    ".size sward_heap_cache, 8",
    ".p2align 3",
    "sward_heap_cache:",
    ".quad {empty}",
    ".popsection",
    empty = sym EMPTY,
);

/// Where the word is, just now: another thread's after the next wait.
#[inline(always)]
fn word() -> *mut *const Cache {
    let word;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reads the address of this thread's variable, by the thread pointer.
    unsafe {
        asm!(
            "mov {word}, qword ptr [rip + sward_heap_cache@GOTTPOFF]",
            "add {word}, qword ptr fs:0",
            word = out(reg) word,
            options(nostack, readonly),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        asm!(
            "adrp {word}, :gottprel:sward_heap_cache",
            "ldr {word}, [{word}, :gottprel_lo12:sward_heap_cache]",
            "mrs {thread}, tpidr_el0",
            "add {word}, {word}, {thread}",
            word = out(reg) word,
            thread = out(reg) _,
            options(nostack, readonly, preserves_flags),
        );
    }
    word
}

/// The cache of the thread that runs this: [`EMPTY`] when it has none.
#[inline(always)]
pub(crate) fn cache() -> *const Cache {
    #[cfg(target_arch = "x86_64")]
    {
        let cache;
        // SAFETY: reads this thread's variable.
        unsafe {
            asm!(
                "mov {cache}, qword ptr [rip + sward_heap_cache@GOTTPOFF]",
                "mov {cache}, qword ptr fs:[{cache}]",
                cache = out(reg) cache,
                options(nostack, readonly, preserves_flags),
            );
        }
        cache
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the word is this thread's variable.
    unsafe {
        word().read()
    }
}

/// Makes `cache` the cache of this thread.
pub(crate) fn set_cache(cache: *const Cache) {
    // SAFETY: the word is this thread's variable, which nobody else uses.
    unsafe { word().write(cache) };
}
