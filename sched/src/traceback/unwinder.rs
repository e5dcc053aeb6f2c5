//! From frame to frame: `framehop` with the stack's bounds around it.

use core::cell::Cell;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};

use framehop::{CacheNative, MustNotAllocateDuringUnwind, UnwindRegsNative, Unwinder as _, UnwinderNative};

use super::Registers;
use super::modules::{self, Generation};
use crate::header::LINK;

/// How far below its stack pointer a leaf function may keep data, by the x86_64 ABI.
const RED_ZONE: usize = 128;

/// The unwind tables of everything loaded. Immutable; any number of threads and handlers may use it at once.
pub struct Unwinder {
    tables: UnwinderNative<&'static [u8], MustNotAllocateDuringUnwind>,
    generation: Generation,
    /// Takes pointer authentication off return addresses.
    #[cfg(target_arch = "aarch64")]
    address_mask: framehop::aarch64::PtrAuthMask,
}

/// One walker's memory: the rules it has already worked out, and room to work out more.
///
/// Make it before a handler needs it: making it allocates (some 30 KiB), using it does not.
pub struct Cache(CacheNative<MustNotAllocateDuringUnwind>);

/// The newest unwinder; null before the first load. What it points to is leaked.
static LOADED: AtomicPtr<Unwinder> = AtomicPtr::new(ptr::null_mut());

impl Unwinder {
    /// The unwinder for all that is loaded now, built on first use and again after a `dlopen`.
    ///
    /// It allocates and takes the loader's lock: never call it in a signal handler, where [`Unwinder::loaded`]
    /// serves. An unwinder reads the tables where they are mapped, so a library that green threads may run in must
    /// not be unloaded.
    pub fn load() -> &'static Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        // Read before the modules: should a library be loaded in between, the next call builds again, once too often.
        let generation = modules::generation();
        match Self::loaded() {
            Some(unwinder) if unwinder.generation == generation => unwinder,
            _ => {
                let unwinder = Box::leak(Box::new(Self::new(generation)));
                // Release: pairs with the load in `loaded`, which then sees what was built.
                LOADED.store(unwinder, Ordering::Release);
                unwinder
            }
        }
    }

    /// What [`Unwinder::load`] returned last, if it was ever called. For handlers.
    pub fn loaded() -> Option<&'static Self> {
        // Acquire: pairs with the store in `load`.
        let unwinder = LOADED.load(Ordering::Acquire);
        // SAFETY: Null or leaked by `load`.
        unsafe { unwinder.as_ref() }
    }

    fn new(generation: Generation) -> Self {
        let mut tables = UnwinderNative::new();
        for module in modules::loaded() {
            tables.add_module(module);
        }
        Self {
            generation,
            // Bits above those of the highest code address are no address. (Without any code, one bit, to have no
            // mask of none.)
            #[cfg(target_arch = "aarch64")]
            address_mask: framehop::aarch64::PtrAuthMask::from_max_known_address(
                tables.max_known_code_address().max(1),
            ),
            tables,
        }
    }

    /// Writes the frames of a green stack into `frames`, leaf first, and returns how many there are.
    ///
    /// The first is `registers.pc` as it is, each further one the address that its callee will return to. `stack` is
    /// the green thread's, from its lowest usable byte to the base its coroutine was given. It stops at the root,
    /// when `frames` is full, or where the tables or the stack make no sense: always with the frames found so far.
    ///
    /// Neither allocates, locks nor faults: usable in a signal handler.
    ///
    /// # Safety
    /// `stack` must be readable throughout (no guard page in it) and stay so. Its owner must not run meanwhile; the
    /// signal handler that has interrupted it on its own thread is fine.
    pub unsafe fn walk(
        &self,
        cache: &mut Cache,
        registers: Registers,
        stack: Range<usize>,
        frames: &mut [usize],
    ) -> usize {
        let link = stack.end.saturating_sub(LINK)..stack.end;
        let live = registers.sp.saturating_sub(RED_ZONE).max(stack.start)..link.start;
        let at_root = Cell::new(false);
        let mut read_word = |address: u64| {
            let address = address as usize;
            at_root.set(link.contains(&address));
            if !live.contains(&address) || !address.is_multiple_of(size_of::<usize>()) {
                return Err(());
            }
            // SAFETY: An aligned word of `stack`, below its last ones: readable by the caller's promise. Volatile, as
            // it is the memory of some other function's frame, of which the compiler knows nothing here.
            Ok(unsafe { ptr::with_exposed_provenance::<u64>(address).read_volatile() })
        };

        let mut walk =
            self.tables.iter_frames(registers.pc as u64, self.start(registers), &mut cache.0, &mut read_word);
        let mut count = 0;
        // A full `frames` still takes the step after its last one, which tells whether that is the root's.
        while let Ok(Some(frame)) = walk.next()
            && let Some(slot) = frames.get_mut(count)
        {
            *slot = frame.address() as usize;
            count += 1;
        }
        if at_root.get() && count > 1 {
            count -= 1;
        }
        count
    }

    #[cfg(target_arch = "x86_64")]
    fn start(&self, registers: Registers) -> UnwindRegsNative {
        let Registers { pc, sp, fp } = registers;
        UnwindRegsNative::new(pc as u64, sp as u64, fp as u64)
    }

    #[cfg(target_arch = "aarch64")]
    fn start(&self, registers: Registers) -> UnwindRegsNative {
        let Registers { sp, fp, lr, .. } = registers;
        UnwindRegsNative::new_with_ptr_auth_mask(self.address_mask, lr as u64, sp as u64, fp as u64)
    }
}

impl Cache {
    /// An empty cache, fit for any unwinder.
    pub fn new() -> Self {
        Self(CacheNative::new_in())
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}
