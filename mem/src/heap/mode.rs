//! How the heap works in this process, decided once, at the first allocation.
//!
//! `SWARD_DEBUG` may hold `heapcheck=0`, `1` or `2` among other things; without it, builds with debug assertions check, others do not. Where a tool
//! is in charge of the process's memory, the heap steps aside for libc's `malloc`, which the tool has replaced: a sanitizer, or one of valgrind's
//! tools that watch memory. Those know what libc's blocks are, and nothing of ours.

use std::arch::asm;
use std::ffi::CStr;
use std::io::Write;
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

use super::{arena, caches, fork};
use crate::RawStderr;

/// See the [module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mode {
    /// As fast as can be.
    Fast = 1,
    /// Each free is checked, and freed memory is poisoned.
    Checked,
    /// And there are canaries behind the blocks.
    Canaries,
    /// libc's allocator is used.
    Aside,
}

static MODE: AtomicU8 = AtomicU8::new(0);

impl Mode {
    /// The mode of this process. The first call starts the heap.
    #[inline]
    pub(crate) fn get() -> Mode {
        // Acquire pairs with the release in `start`: the heap has been started.
        match MODE.load(Ordering::Acquire) {
            1 => Mode::Fast,
            2 => Mode::Checked,
            3 => Mode::Canaries,
            4 => Mode::Aside,
            _ => start(),
        }
    }

    /// Whether each `malloc` and `free` is looked at.
    pub(crate) fn checks(self) -> bool {
        matches!(self, Mode::Checked | Mode::Canaries)
    }
}

#[cold]
fn start() -> Mode {
    static START: Once = Once::new();
    START.call_once(|| {
        let mode = if is_watched() { Mode::Aside } else { configured() };
        // Collected objects are ours in any mode.
        caches::start();
        if mode != Mode::Aside {
            if let Err(error) = arena::HEAP[0].reserve() {
                refuse(format_args!("{error}"));
            }
            fork::start();
        }
        // Release pairs with the acquire in `get`.
        MODE.store(mode as u8, Ordering::Release);
    });
    Mode::get()
}

/// Ends a process that cannot have a heap, or has been told nonsense: exit code 2.
fn refuse(why: std::fmt::Arguments<'_>) -> ! {
    // Nothing is left to do about a stderr that takes no more.
    let _ = writeln!(RawStderr, "sward: {why}");
    // SAFETY: ends the process; nothing of it is needed any more.
    unsafe { libc::_exit(2) }
}

/// What `SWARD_DEBUG` says, or what the build does.
fn configured() -> Mode {
    let unchecked = if cfg!(debug_assertions) { Mode::Checked } else { Mode::Fast };
    let list = environment(c"SWARD_DEBUG").unwrap_or_default();
    // As everywhere in such a list, the last one counts.
    let value = list.rsplit(|&byte| byte == b',').find_map(|entry| entry.strip_prefix(b"heapcheck="));
    match value {
        None => unchecked,
        Some(b"0") => Mode::Fast,
        Some(b"1") => Mode::Checked,
        Some(b"2") => Mode::Canaries,
        Some(other) => refuse(format_args!(
            "SWARD_DEBUG=heapcheck={}: not a level of checks; accepted: 0, 1 (checks frees, poisons freed memory), 2 (canaries, too)",
            std::str::from_utf8(other).unwrap_or("not text"),
        )),
    }
}

/// Whether a function is linked into the program.
macro_rules! is_linked {
    ($name:literal) => {{
        let address: usize;
        #[cfg(target_arch = "x86_64")]
        // SAFETY: reads a word of the linker's, which is null if there is no such function.
        unsafe {
            asm!(
                concat!(".weak ", $name),
                concat!("mov {}, qword ptr [rip + ", $name, "@GOTPCREL]"),
                out(reg) address,
                options(nostack, readonly, preserves_flags),
            );
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        unsafe {
            asm!(
                concat!(".weak ", $name),
                concat!("adrp {0}, :got:", $name),
                concat!("ldr {0}, [{0}, :got_lo12:", $name, "]"),
                out(reg) address,
                options(nostack, readonly, preserves_flags),
            );
        }
        address != 0
    }};
}

/// Whether a tool watches the memory of this process that must see each `malloc`.
fn is_watched() -> bool {
    // rustc links a sanitizer into the program, where the dynamic linker does not see it; others are libraries, where it does.
    let is_built_in = is_linked!("__asan_init")
        || is_linked!("__tsan_init")
        || is_linked!("__msan_init")
        || is_linked!("__hwasan_init");
    // Looked for last: it takes the loader's lock.
    let has = |name: &CStr| {
        // SAFETY: the name is a string.
        !unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.is_null()
    };
    // valgrind's tools come by this variable; those that leave memory alone (callgrind, cachegrind) have another library.
    let preloaded = environment(c"LD_PRELOAD").unwrap_or_default();
    let preloads = |name: &[u8]| preloaded.windows(name.len()).any(|part| part == name);
    is_built_in
        || [&b"vgpreload_memcheck"[..], b"vgpreload_helgrind", b"vgpreload_drd", b"vgpreload_massif", b"vgpreload_dhat"]
            .into_iter()
            .any(preloads)
        || [c"__asan_init", c"__tsan_init", c"__msan_init", c"__hwasan_init"].into_iter().any(has)
}

/// A variable of the environment, without an allocation.
fn environment(name: &CStr) -> Option<&'static [u8]> {
    // SAFETY: the name is a string. This is the first allocation of the process, nearly always before `main`: nobody changes the environment
    // meanwhile.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    // SAFETY: what getenv returns is a string.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_bytes())
}
