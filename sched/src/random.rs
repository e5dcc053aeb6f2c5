//! Random numbers: fast, and good enough to be fair by. Each OS thread of the scheduler, and each other one, has its own.

use std::cell::Cell;
use std::ptr;

use crate::section::Section;

/// xorshift64*.
#[derive(Debug)]
pub(crate) struct Random(Cell<u64>);

impl Random {
    /// Different numbers for each seed.
    pub(crate) fn new(seed: u64) -> Random {
        // Not 0, which would stay so.
        Random(Cell::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1))
    }

    /// Any number. The upper bits are the better ones.
    #[inline]
    pub(crate) fn next(&self) -> u64 {
        let mut x = self.0.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `n`.
    #[inline]
    pub(crate) fn below(&self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}

impl Section {
    /// A random number. The upper bits are the better ones.
    #[inline]
    pub fn random(&self) -> u64 {
        match self.m() {
            Some(m) => m.random.next(),
            None => of_this_os_thread(),
        }
    }
}

#[inline(never)]
fn of_this_os_thread() -> u64 {
    thread_local! {
        #[allow(clippy::disallowed_macros, reason = "used on OS threads, which never change under the code")]
        static RANDOM: Random = {
            let of_this_thread = 0u8;
            Random::new(ptr::from_ref(&of_this_thread).addr() as u64)
        };
    }
    RANDOM.with(Random::next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_as_often() {
        let mut counts = [0u32; 7];
        let random = Random::new(Section::enter().random());
        (0..70_000).for_each(|_| counts[random.below(7)] += 1);
        // Ten standard deviations, of 93.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 930), "{counts:?}");
    }
}
