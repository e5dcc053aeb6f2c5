//! A stack whose registers or contents make no sense: the walk ends, and stays within the stack.

use core::ptr;

use super::coroutine::{Parked, descend};
use crate::traceback::{Cache, Registers, Unwinder};

const PAGE: usize = 64 << 10;

/// Readable memory between two parts that fault.
struct Island(*mut u8);

impl Island {
    fn new() -> Self {
        // SAFETY: A new mapping, then access to its middle part alone.
        unsafe {
            let map =
                libc::mmap(ptr::null_mut(), 3 * PAGE, libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
            assert_ne!(map, libc::MAP_FAILED);
            let island = map.cast::<u8>().add(PAGE);
            assert_eq!(libc::mprotect(island.cast(), PAGE, libc::PROT_READ | libc::PROT_WRITE), 0);
            Self(island)
        }
    }

    fn start(&self) -> usize {
        self.0.expose_provenance()
    }

    fn end(&self) -> usize {
        self.start() + PAGE
    }

    fn words(&mut self) -> &mut [usize] {
        // SAFETY: The readable part, aligned, zeroed by the kernel, borrowed with `self`.
        unsafe { core::slice::from_raw_parts_mut(self.0.cast(), PAGE / size_of::<usize>()) }
    }

    fn walk(&self, cache: &mut Cache, registers: Registers, frames: &mut [usize]) -> usize {
        // SAFETY: The island is readable, and nobody's stack.
        unsafe { Unwinder::load().walk(cache, registers, self.start()..self.end(), frames) }
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        // SAFETY: The mapping made in `new`.
        unsafe { libc::munmap(self.0.sub(PAGE).cast(), 3 * PAGE) };
    }
}

fn registers(pc: usize, sp: usize, fp: usize) -> Registers {
    Registers {
        pc,
        sp,
        fp,
        #[cfg(target_arch = "aarch64")]
        lr: 0,
    }
}

fn here() -> usize {
    descend as *const () as usize
}

#[test]
fn registers_outside_the_stack_give_the_leaf_alone() {
    let island = Island::new();
    let mut cache = Cache::new();
    let outside = [0, 8, island.start() - PAGE, island.end(), usize::MAX - 7];
    for pc in [0, 1, here(), here() + 4, island.start(), usize::MAX] {
        for sp in outside {
            for fp in outside {
                let mut frames = [0; 16];
                let count = island.walk(&mut cache, registers(pc, sp, fp), &mut frames);
                assert_eq!(frames[..count], [pc], "pc {pc:#x}, sp {sp:#x}, fp {fp:#x}");
            }
        }
    }
}

#[test]
fn a_stack_of_garbage_is_never_left() {
    let mut island = Island::new();
    let mut cache = Cache::new();
    // Addresses in the island and at its ends, code, odd numbers: what could lead a walk astray. Any read outside
    // faults.
    let (start, end) = (island.start(), island.end());
    let tempting = [
        start,
        start + 8,
        start + PAGE / 2 + 1,
        start + PAGE / 2,
        end - 24,
        end - 16,
        end - 8,
        end,
        here(),
        here() + 9,
        Parked::new as *const () as usize + 20,
        0,
        3,
        usize::MAX,
        isize::MAX as usize,
    ];
    let mut state = 1_u64;
    let mut pick = || {
        // Knuth's MMIX generator: any fixed mix will do.
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        tempting[(state >> 33) as usize % tempting.len()]
    };
    for word in island.words() {
        *word = pick();
    }
    for _ in 0..20_000 {
        let registers = registers(pick(), pick() ^ (pick() & 0x3f8), pick());
        let mut frames = [0; 64];
        let count = island.walk(&mut cache, registers, &mut frames);
        assert_eq!(frames[0], registers.pc);
        assert!((1..=frames.len()).contains(&count));
    }
}
