//! Green stacks: fixed reservations, committed by touch, found from any address inside them.
//!
//! # Layout
//!
//! A stack lives in a **slot**: a power of two of bytes, aligned to its size. Slots are cut from **slabs** of 64 MiB (or one
//! slot, where that is larger), aligned to their size.
//!
//! ```text
//!   slot top  ┌──────────────────────────┐ ─ aligned to the slot size
//!             │ header                   │   see `header`
//!   base      ├──────────────────────────┤
//!             │ corosensei's parent link │
//!             │ frames of the G        │ │
//!             │                        ▼ │
//!             │ (untouched: no memory)   │
//!             ├──────────────────────────┤
//!             │ guard                    │   1/16 of the slot, 4 to 64 KiB
//!   limit     └──────────────────────────┘ ─ aligned to the slot size
//! ```
//!
//! One byte for each 64 MiB of address space says whether a slab lies there, and how large its slots are. So the G that runs
//! on a stack is found by one look-up of that byte and a mask ([`g_at`]): no thread-local storage, hence valid in a signal
//! handler, after any migration, and for a faulting address. A thread's own stack lies in no slab.
//!
//! # Guards
//!
//! Two mappings a stack (the stack and its `PROT_NONE` guard) end at `vm.max_map_count`: some 32,000 stacks on a stock kernel,
//! with `malloc` failing next. Linux 6.13 has `MADV_GUARD_INSTALL`, which marks page-table entries and splits no mapping. It is
//! probed by its effect, as emulators accept the call and do nothing. Where it is missing, guards are `PROT_NONE`, and running
//! out of mappings is reported as such.
//!
//! # Pools
//!
//! A dead green thread's stack is warm: its pages are there and in the cache. Each P keeps a few for its next threads, the
//! rest come together here, a pool for each size. [`trim`] gives the memory of those back that nobody asked for in a while.

use std::io;
use std::num::NonZeroUsize;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use corosensei::stack::{Stack, StackPointer};

use crate::g::G;
use crate::header::{HEADER, Header};
use crate::spin::SpinLock;
use sward_mem::fatal;

/// The smallest stack: 16 KiB, guard included.
pub const MIN_STACK: usize = 1 << MIN_SHIFT;
/// The largest stack: 1 GiB, guard included.
pub const MAX_STACK: usize = 1 << MAX_SHIFT;
/// The stack size where nothing else is asked for: 256 KiB, guard included, of which only touched pages are memory.
pub const DEFAULT_STACK: usize = 256 << 10;

/// What a stack has at least: ThreadSanitizer writes its reports on it.
const LEAST: usize = if cfg!(feature = "tsan") { DEFAULT_STACK } else { MIN_STACK };

const MIN_SHIFT: u32 = 14;
const MAX_SHIFT: u32 = 30;
const GRANULE_SHIFT: u32 = 26;
const GRANULE: usize = 1 << GRANULE_SHIFT;
/// Stacks that a pool keeps warm however long nobody asks for them.
const KEPT_WARM: usize = 256;
/// How many stacks one call of [`trim`] handles at the most, so that it never takes long.
const TRIM_BATCH: usize = 4096;

const MADV_GUARD_INSTALL: libc::c_int = 102;

/// For each granule of a 48-bit address space: 0, or the log2 of the size of the slots there.
static SLOT_SHIFT: [AtomicU8; 1 << (48 - GRANULE_SHIFT)] = [const { AtomicU8::new(0) }; 1 << (48 - GRANULE_SHIFT)];

static POOLS: [SpinLock<Pool>; (MAX_SHIFT - MIN_SHIFT + 1) as usize] =
    [const { SpinLock::new(Pool::new()) }; (MAX_SHIFT - MIN_SHIFT + 1) as usize];

/// Slots that have ever been cut from a slab.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// A stack, owned: its top, with the log2 of its size in the low bits, which the alignment leaves free.
#[derive(Debug)]
pub(crate) struct Slot(NonZeroUsize);

const SHIFT_BITS: usize = 0x3f;

// SAFETY: base and limit enclose memory that this slot alone owns, aligned to 16 bytes, with a guard at the lower end.
unsafe impl Stack for Slot {
    #[inline]
    fn base(&self) -> StackPointer {
        // SAFETY: a slot is larger than its header.
        unsafe { NonZeroUsize::new_unchecked(self.top() - HEADER) }
    }

    #[inline]
    fn limit(&self) -> StackPointer {
        // SAFETY: address 0 is never mapped, so no slot begins there.
        unsafe { NonZeroUsize::new_unchecked(self.top() - (1 << self.shift())) }
    }
}

impl Slot {
    fn new(top: usize, shift: u32) -> Slot {
        Slot(NonZeroUsize::new(top | shift as usize).expect("a slab is not at address 0"))
    }

    /// Takes a stack of `1 << shift` bytes from the pool, or makes one.
    pub(crate) fn take(shift: u32) -> io::Result<Slot> {
        let pool = pool(shift);
        if let Some(slot) = pool.lock().reuse() {
            return Ok(slot);
        }
        let slot = pool.lock().cut(shift)?;
        install_guard(&slot)?;
        Ok(slot)
    }

    /// Gives the stacks back, the coldest first.
    pub(crate) fn give_back(slots: impl Iterator<Item = Slot>) {
        for slot in slots {
            pool(slot.shift()).lock().warm.push(slot);
        }
    }

    /// The header. It stays where it is for as long as the slot is used.
    pub(crate) fn header(&self) -> &'static Header {
        // SAFETY: the header lies inside the slot, is aligned, was zero at first, and zeros are a header without a G. Slots are never
        // unmapped.
        unsafe { &*ptr::with_exposed_provenance(self.top() - HEADER) }
    }

    #[inline]
    fn top(&self) -> usize {
        self.0.get() & !SHIFT_BITS
    }

    /// log2 of the size.
    #[inline]
    pub(crate) fn shift(&self) -> u32 {
        (self.0.get() & SHIFT_BITS) as u32
    }

    /// The addresses that code may use: between guard and base.
    pub(crate) fn usable(&self) -> std::ops::Range<usize> {
        self.limit().get() + guard_size(self.shift())..self.base().get()
    }
}

/// The size of the slot that holds `bytes`, and four pages at least, as a log2. `None` when out of range.
pub(crate) fn shift_for(bytes: usize) -> Option<u32> {
    (bytes <= MAX_STACK).then(|| bytes.max(LEAST).max(4 * page_size()).next_power_of_two().trailing_zeros())
}

fn guard_size(shift: u32) -> usize {
    ((1 << shift) >> 4).clamp(4096, 64 << 10).max(page_size())
}

/// The kernel's page: 4 KiB, or on aarch64 16 or 64.
#[inline]
pub(crate) fn page_size() -> usize {
    #[cfg(target_arch = "x86_64")]
    return 4096;
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: a look-up without preconditions, which the C library has cached.
    return unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
}

/// The G on whose stack `address` lies, guard included. `None` when it lies on no green stack, or on one that no G has used.
/// Async-signal-safe.
#[inline]
pub(crate) fn g_at(address: usize) -> Option<&'static G> {
    let top = top_at(address)?;
    // SAFETY: a slot ends there.
    unsafe { header_below(top) }.g()
}

/// The header of the green stack on which `address` lies.
#[inline]
pub(crate) fn header_at(address: usize) -> Option<&'static Header> {
    let top = top_at(address)?;
    // SAFETY: a slot ends there.
    Some(unsafe { header_below(top) })
}

/// Where the slot ends in which `address` lies.
#[inline]
fn top_at(address: usize) -> Option<usize> {
    // Relaxed: an address on a green stack was handed out after its granule was marked, by the thread that asks or by one
    // that synchronised with it; another address reads 0 for ever.
    let shift = SLOT_SHIFT.get(address >> GRANULE_SHIFT)?.load(Ordering::Relaxed);
    (shift != 0).then(|| (address | ((1 << shift) - 1)) + 1)
}

/// The header of the slot that ends at `top`.
///
/// # Safety
/// One does.
#[inline]
unsafe fn header_below(top: usize) -> &'static Header {
    // SAFETY: the slot is mapped for ever, and so is its header, of zeros at first.
    unsafe { &*ptr::with_exposed_provenance(top - HEADER) }
}

/// From guard to base: the frames of the green stack that holds `address`. Async-signal-safe.
pub fn frames_at(address: usize) -> Option<std::ops::Range<usize>> {
    let shift = u32::from(SLOT_SHIFT.get(address >> GRANULE_SHIFT)?.load(Ordering::Relaxed));
    (shift != 0).then(|| {
        let limit = address & !((1 << shift) - 1);
        limit + guard_size(shift)..limit + (1 << shift) - HEADER
    })
}

/// Whether `address` lies in the guard of a green stack. Async-signal-safe.
pub(crate) fn is_guard(address: usize) -> bool {
    frames_at(address).is_some_and(|frames| address < frames.start)
}

/// The current stack pointer.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let sp: usize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reads a register.
    unsafe {
        std::arch::asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: reads a register.
    unsafe {
        std::arch::asm!("mov {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags));
    }
    sp
}

/// The G that the caller runs on; `None` on an OS thread's own stack.
#[inline]
pub(crate) fn current_g() -> Option<&'static G> {
    g_at(stack_pointer())
}

/// The header of the green stack that the caller runs on; `None` on an OS thread's own stack.
#[inline]
pub(crate) fn current_header() -> Option<&'static Header> {
    header_at(stack_pointer())
}

/// How many stacks have been made, of all sizes, used or pooled.
pub(crate) fn made() -> usize {
    // Relaxed: a statistic.
    MADE.load(Ordering::Relaxed)
}

/// Gives the memory of stacks back that have been lying in the pools since the last call.
pub(crate) fn trim() {
    for pool in &POOLS {
        let mut cold = pool.lock().take_cold();
        for slot in &cold {
            let usable = slot.usable();
            // The header goes too: it is read as "no G", and written again before the next use.
            // SAFETY: nobody runs on a stack that this function owns.
            unsafe { libc::madvise(usable.start as *mut _, slot.top() - usable.start, libc::MADV_DONTNEED) };
        }
        if !cold.is_empty() {
            pool.lock().cold.append(&mut cold);
        }
    }
}

/// Whether [`trim`] would find anything.
pub(crate) fn trim_is_due() -> bool {
    POOLS.iter().any(|pool| pool.lock().warm.len() > KEPT_WARM)
}

fn pool(shift: u32) -> &'static SpinLock<Pool> {
    &POOLS[(shift - MIN_SHIFT) as usize]
}

/// The stacks of one size that no thread uses.
struct Pool {
    /// Last in, first out: the last one is the warmest.
    warm: Vec<Slot>,
    /// Without memory.
    cold: Vec<Slot>,
    /// The fewest that `warm` has held since the last [`trim`]: that many were not needed.
    low_water: usize,
    /// What is left of the newest slab.
    uncut: std::ops::Range<usize>,
}

impl Pool {
    const fn new() -> Self {
        Pool { warm: Vec::new(), cold: Vec::new(), low_water: 0, uncut: 0..0 }
    }

    fn reuse(&mut self) -> Option<Slot> {
        let slot = self.warm.pop().or_else(|| self.cold.pop());
        self.low_water = self.low_water.min(self.warm.len());
        slot
    }

    fn cut(&mut self, shift: u32) -> io::Result<Slot> {
        if self.uncut.is_empty() {
            self.uncut = map_slab(shift)?;
        }
        // From the top down, so that the neighbours of a new slab, which the kernel puts below the last, are used together.
        let slot = Slot::new(self.uncut.end, shift);
        self.uncut.end -= 1 << shift;
        // Relaxed: a statistic.
        MADE.fetch_add(1, Ordering::Relaxed);
        Ok(slot)
    }

    fn take_cold(&mut self) -> Vec<Slot> {
        let unused = std::mem::replace(&mut self.low_water, self.warm.len());
        let surplus = unused.saturating_sub(KEPT_WARM).min(TRIM_BATCH);
        self.low_water -= surplus;
        self.warm.drain(..surplus).collect()
    }
}

/// Reserves a slab and marks its granules. Returns its addresses.
fn map_slab(shift: u32) -> io::Result<std::ops::Range<usize>> {
    let size = GRANULE.max(1 << shift);
    let start = map_aligned(size)?;
    // THP would commit 2 MiB for the first page of a stack.
    // SAFETY: advice on a mapping that this function has just made.
    unsafe { libc::madvise(start as *mut _, size, libc::MADV_NOHUGEPAGE) };
    for granule in start >> GRANULE_SHIFT..(start + size) >> GRANULE_SHIFT {
        let Some(entry) = SLOT_SHIFT.get(granule) else {
            fatal!("the kernel mapped green stacks at {start:#x}, above 48 bits");
        };
        // Relaxed: see `g_at`.
        entry.store(shift as u8, Ordering::Relaxed);
    }
    Ok(start..start + size)
}

/// Maps `size` bytes at a multiple of `size`, readable and writable, without reserving swap for them.
fn map_aligned(size: usize) -> io::Result<usize> {
    let map = |len: usize| {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new anonymous mapping at an address that the kernel chooses disturbs nobody.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        if start == libc::MAP_FAILED { Err(exhausted("reserve", len)) } else { Ok(start as usize) }
    };
    let unmap = |start: usize, end: usize| {
        if start < end {
            // SAFETY: the range is part of a mapping made here that nobody has used yet.
            unsafe { libc::munmap(start as *mut _, end - start) };
        }
    };
    // The kernel puts a new mapping next to the last one, so most slabs come out aligned, and merge into one mapping.
    let start = map(size)?;
    if start % size == 0 {
        return Ok(start);
    }
    unmap(start, start + size);
    let wide = map(2 * size)?;
    let start = wide.next_multiple_of(size);
    unmap(wide, start);
    unmap(start + size, wide + 2 * size);
    Ok(start)
}

fn install_guard(slot: &Slot) -> io::Result<()> {
    let (start, len) = (slot.limit().get() as *mut libc::c_void, guard_size(slot.shift()));
    if light_guards_work() {
        // SAFETY: the lower end of a slot that this function has for itself.
        if unsafe { libc::madvise(start, len, MADV_GUARD_INSTALL) } == 0 {
            return Ok(());
        }
    }
    // SAFETY: as above.
    if unsafe { libc::mprotect(start, len, libc::PROT_NONE) } == 0 { Ok(()) } else { Err(exhausted("guard", len)) }
}

/// Whether `MADV_GUARD_INSTALL` makes a page fault: tried once, on a page of its own.
fn light_guards_work() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| probe_light_guard().unwrap_or(false))
}

fn probe_light_guard() -> Option<bool> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new anonymous mapping, used only here.
    let page = unsafe { libc::mmap(ptr::null_mut(), page_size(), libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return None;
    }
    // The kernel reads the page for us: a guard makes that fail with EFAULT instead of killing the process.
    let (reader, writer) = io::pipe().ok()?;
    // SAFETY: the mapping above; write() reads one byte of it and reports where it cannot.
    let works = unsafe {
        libc::madvise(page, page_size(), MADV_GUARD_INSTALL) == 0
            && libc::write(std::os::fd::AsRawFd::as_raw_fd(&writer), page, 1) == -1
            && io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT)
    };
    drop(reader);
    // SAFETY: the mapping above, which nobody else knows.
    unsafe { libc::munmap(page, page_size()) };
    Some(works)
}

/// The error of a failed mapping call, with what to do about it.
fn exhausted(verb: &str, len: usize) -> io::Error {
    let error = io::Error::last_os_error();
    let advice = if error.raw_os_error() != Some(libc::ENOMEM) {
        String::new()
    } else if light_guards_work() {
        "; the limit is the address space (ulimit -v) or the overcommit policy (vm.overcommit_memory)".into()
    } else {
        let limit = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
        format!(
            "; without MADV_GUARD_INSTALL (Linux 6.13) each stack takes two memory mappings, and vm.max_map_count allows {}: \
             raise it with sysctl -w vm.max_map_count=N",
            limit.trim()
        )
    };
    io::Error::new(
        error.kind(),
        format!("cannot {verb} {len} bytes for green stack number {}: {error}{advice}", made() + 1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(feature = "tsan", ignore = "stacks are larger")]
    fn sizes_round_up() {
        assert_eq!(shift_for(1), Some(14));
        assert_eq!(shift_for(16 << 10), Some(14));
        assert_eq!(shift_for((16 << 10) + 1), Some(15));
        assert_eq!(shift_for(MAX_STACK), Some(30));
        assert_eq!(shift_for(MAX_STACK + 1), None);
    }

    #[test]
    fn slots_are_aligned_and_apart() {
        let slots: Vec<_> = (0..600).map(|_| Slot::take(18).unwrap()).collect();
        let mut tops: Vec<_> = slots.iter().map(Slot::top).collect();
        tops.sort_unstable();
        assert!(tops.iter().all(|top| top % (1 << 18) == 0));
        assert!(tops.windows(2).all(|w| w[0] < w[1]));
        Slot::give_back(slots.into_iter());
    }

    #[test]
    fn memory_is_usable_from_guard_to_base() {
        for shift in [MIN_SHIFT, 18, 27] {
            let slot = Slot::take(shift).unwrap();
            let usable = slot.usable();
            for address in [usable.start, usable.end - 1] {
                // SAFETY: inside the usable part of a stack that this test owns.
                unsafe { ptr::write_volatile(address as *mut u8, 7) };
            }
            assert!(g_at(usable.start).is_none(), "no G has run here");
            Slot::give_back(std::iter::once(slot));
        }
    }

    #[test]
    fn an_os_thread_runs_on_no_green_stack() {
        assert!(current_g().is_none());
    }

    #[test]
    fn a_guard_faults() {
        let slot = Slot::take(16).unwrap();
        let (_reader, writer) = io::pipe().unwrap();
        let last = (slot.usable().start - 1) as *const libc::c_void;
        // SAFETY: write() reads one byte and reports EFAULT where it cannot.
        let written = unsafe { libc::write(std::os::fd::AsRawFd::as_raw_fd(&writer), last, 1) };
        assert_eq!((written, io::Error::last_os_error().raw_os_error()), (-1, Some(libc::EFAULT)));
    }

    #[test]
    fn cold_stacks_are_trimmed_and_used_again() {
        let shift = 15;
        let slots: Vec<_> = (0..KEPT_WARM + 10).map(|_| Slot::take(shift).unwrap()).collect();
        Slot::give_back(slots.into_iter());
        trim();
        trim();
        assert!(!pool(shift).lock().cold.is_empty());
        let again: Vec<_> = (0..KEPT_WARM + 10).map(|_| Slot::take(shift).unwrap()).collect();
        assert!(pool(shift).lock().cold.is_empty());
        Slot::give_back(again.into_iter());
    }
}
