//! The heap profile: which places of a program allocate how much, and how much of it they still have. It is estimated from a sample.
//!
//! Each byte that is allocated has the same small chance to be drawn, one in 512 Ki unless [told otherwise](set_sample_interval), and a block of
//! which a byte is drawn is a sample. Of a sample the heap keeps the call stack, its **site**, and the size that was asked for, until it is freed.
//! [`visit`] shows the sums of each site.
//!
//! # How a block comes to be one
//! The distance from one drawn byte to the next is exponentially distributed. So a thread does not draw for each byte, but the distance, and counts
//! down what it allocates (`until_sample` in its cache). The short way of `malloc` has the count-down in it anyway; an allocation that would take it
//! below zero goes the long way, and is sampled.
//!
//! - A block of a class then gets pages of its own, in a region that has no others: by its address alone `free` knows that it must go the long way.
//! - A larger block has pages of its own as it is, and its `free` goes the long way. It stays where it is.
//!
//! Either has a span for itself, which remembers the sample. If there are no pages for it, the block is none: an allocation never fails for being
//! sampled. Where address space is limited (`ulimit -v`) there is no such region, and only large blocks are sampled.
//!
//! # What a sample stands for
//! A block of `s` bytes becomes a sample with the probability `1 - exp(-s / mean)`, so a sample stands for as many blocks of its kind as that is the
//! inverse of: its
//! **weight**. It is computed when the sample is taken, remembered with it and taken off again when it is freed: sums stay right when a site
//! allocates blocks of all sizes, or the mean changes in between, and what has been freed as a whole leaves exactly nothing.
//!
//! # `realloc`
//! A block that moves is freed, and another one allocated. A large block that grows or shrinks where it is counts as the same: a vector that has
//! grown from 64 KiB to 1 GiB in place would be a small one otherwise. One that stays within its class is left alone, with the size that was asked
//! for at first.
//!
//! # Rejected
//! - *A table of sampled addresses*: each `free` would ask it.
//! - *A site for each size* (Go), so that a site's average is that of each of its blocks: sites are never freed, and sizes may be endless.
//! - *Sampling in the checked heap*: there each `malloc` takes longer than a sample does, and its blocks must be of the size that was asked for.

mod sites;
mod stack;

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use super::arena::SAMPLED;
use super::cache::Cache;
use super::caches;
use super::class::Class;
use super::mode::Mode;
use super::span::Span;
use super::spans;
use crate::{PAGE, os};
use sites::Site;
pub use sites::{Amount, Flow, SiteStats, visit};
pub use stack::set_unwinder;

/// The mean distance between two drawn bytes. Go's.
const DEFAULT_INTERVAL: usize = 512 << 10;

/// Above that, hardly any program would ever see a sample.
const LONGEST_INTERVAL: usize = 1 << 40;

/// While sampling is off, a thread looks after so many bytes whether it still is.
const PAUSE: isize = 64 << 20;

/// 0: sampling is off.
static INTERVAL: AtomicUsize = AtomicUsize::new(DEFAULT_INTERVAL);

/// Sets how many bytes are allocated between one sample and the next, on average: 512 KiB unless set. At 1 each allocation is a sample; at 0 none is.
///
/// ```
/// use sward_mem::profile;
///
/// profile::set_sample_interval(64 << 10);
/// ```
///
/// The calling thread takes it up at once, a new one from the start. Others do when what is left of their present interval is used up; if sampling
/// has been off, after 64 MiB. Samples that there are stay, and count for as much as they did. So it is best set once, first thing in `main`.
///
/// Where address space is limited (`ulimit -v`), blocks up to 32 KiB are never sampled.
pub fn set_sample_interval(bytes: usize) {
    // Relaxed: a number, ordered with nothing.
    INTERVAL.store(bytes.min(LONGEST_INTERVAL), Ordering::Relaxed);
    if Mode::get() == Mode::Fast
        && let Some(cache) = caches::mine()
    {
        cache.until_sample.set(cache.sampler.draw());
    }
}

/// What a thread's cache draws its intervals with.
pub(crate) struct Sampler {
    /// The generator's state.
    random: Cell<u64>,
    /// The mean of the present interval; 0: it does not end in a sample.
    mean: Cell<usize>,
}

impl Sampler {
    pub(crate) const fn new() -> Sampler {
        Sampler { random: Cell::new(0), mean: Cell::new(0) }
    }

    /// Begins an interval: draws its length in bytes.
    fn draw(&self) -> isize {
        // Relaxed: see where it is set.
        let mean = INTERVAL.load(Ordering::Relaxed);
        self.mean.set(mean);
        match mean {
            0 => PAUSE,
            1 => 0,
            _ => (-self.uniform().ln() * mean as f64) as isize,
        }
    }

    /// Above 0, and up to 1.
    fn uniform(&self) -> f64 {
        // SplitMix64, which makes good numbers from any seed. The address is one that no other cache has.
        let state = self.random.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.random.set(state);
        let mixed = state.wrapping_add(std::ptr::from_ref(self).addr() as u64);
        let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        let bits = (mixed ^ mixed >> 31) >> 11;
        (bits + 1) as f64 / (1u64 << 53) as f64
    }
}

/// Begins the first interval of a thread that has got this cache.
pub(crate) fn start(cache: &Cache) {
    cache.until_sample.set(cache.sampler.draw());
}

/// Whether an allocation of `size` bytes is to be sampled, for all that the cache knows.
#[inline]
pub(crate) fn is_due(cache: &Cache, size: usize) -> bool {
    cache.until_sample.get() < size as isize
}

/// Allocates a block of a class, for an allocation that is due, as a sample. `None`: it is none, and not due any more.
#[cold]
pub(crate) fn alloc(cache: &'static Cache, class: Class, size: usize) -> Option<*mut u8> {
    let Some(span) = span_of_sample(cache, class) else {
        // The interval begins behind this block.
        cache.until_sample.set(cache.sampler.draw() + size as isize);
        return None;
    };
    take_sample(cache, span, size);
    Some(span.view_held().start as *mut u8)
}

/// Counts a new block that has a span for itself anyway, and makes it a sample if that is due.
pub(crate) fn count(cache: &Cache, span: &Span, size: usize) {
    if !is_due(cache, size) {
        cache.until_sample.set(cache.until_sample.get() - size as isize);
    } else if cache.sampler.mean.get() == 0 {
        cache.until_sample.set(cache.sampler.draw());
    } else {
        take_sample(cache, span, size);
    }
}

/// A span for one block of a class. It is as large as all of the class, since `realloc` takes that for granted.
fn span_of_sample(cache: &'static Cache, class: Class) -> Option<&'static Span> {
    // A smaller region would not do: other blocks could be in the range of addresses that `free` takes for its own, and all take the long way.
    static RESERVED: OnceLock<bool> = OnceLock::new();
    let reserve = || os::address_space_limit().is_none() && SAMPLED.reserve().is_ok();
    if cache.sampler.mean.get() == 0 {
        return None;
    }
    let _passage = caches::pass(cache);
    if !RESERVED.get_or_init(reserve) {
        return None;
    }
    spans::of_sampled_pages(cache, class.size().div_ceil(PAGE), 1).map(|(span, _)| span)
}

/// Makes the block of a span, the caller's, a sample, and begins the next interval. The gate is not passed meanwhile: to unwind may take the
/// loader's lock.
#[cold]
#[inline(never)]
fn take_sample(cache: &Cache, span: &Span, size: usize) {
    let weight = Weight::of(size, cache.sampler.mean.get());
    // Whatever the unwinder allocates is not due.
    cache.until_sample.set(isize::MAX);
    let site = stack::with(Site::of);
    cache.until_sample.set(cache.sampler.draw());
    if let Some(site) = site {
        site.allocated.add(size, weight);
        span.sample.set(site, size, weight);
    }
}

/// For how many blocks of its kind a sample stands, in parts of 65,536.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weight(u64);

impl Weight {
    const ONE: u64 = 1 << 16;

    fn of(size: usize, mean: usize) -> Weight {
        let probability = if mean == 1 { 1.0 } else { -(-(size as f64) / mean as f64).exp_m1() };
        Weight((Weight::ONE as f64 / probability).round() as u64)
    }

    /// The bytes of the blocks that a sample of so many stands for.
    fn bytes(self, size: usize) -> u64 {
        (size as u128 * self.0 as u128 / Weight::ONE as u128) as u64
    }
}

/// What a span remembers of its block, if that is a sample. Used by whoever the block belongs to.
pub(crate) struct Sample {
    /// Null: it is none.
    site: AtomicPtr<Site>,
    size: AtomicUsize,
    weight: AtomicU64,
}

impl Sample {
    pub(crate) const fn none() -> Sample {
        Sample { site: AtomicPtr::new(std::ptr::null_mut()), size: AtomicUsize::new(0), weight: AtomicU64::new(0) }
    }

    // Relaxed, throughout: who frees a block has it, by whatever way, from who allocated it.

    fn set(&self, site: &'static Site, size: usize, weight: Weight) {
        self.size.store(size, Ordering::Relaxed);
        self.weight.store(weight.0, Ordering::Relaxed);
        self.site.store(std::ptr::from_ref(site).cast_mut(), Ordering::Relaxed);
    }

    /// Counts the block as freed, if it is a sample, and forgets it.
    pub(crate) fn end(&self) {
        // SAFETY: sites are never freed.
        let Some(site) = (unsafe { self.site.load(Ordering::Relaxed).as_ref() }) else { return };
        site.freed.add(self.size.load(Ordering::Relaxed), Weight(self.weight.load(Ordering::Relaxed)));
        self.site.store(std::ptr::null_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_the_inverse_of_the_probability() {
        let mean = DEFAULT_INTERVAL;
        for size in [1, 8, 1000, mean / 3, mean, 10 * mean, 1000 * mean] {
            let Weight(parts) = Weight::of(size, mean);
            let weight = parts as f64 / Weight::ONE as f64;
            let probability = 1.0 - (-(size as f64) / mean as f64).exp();
            assert!((weight * probability - 1.0).abs() < 1e-4, "{size}: {weight}");
        }
        assert_eq!(Weight::of(100 * mean, mean), Weight(Weight::ONE));
        assert_eq!(Weight::of(8, 1), Weight(Weight::ONE));
        assert_eq!(Weight::of(8, 1).bytes(8), 8);
    }

    #[test]
    fn intervals_are_distributed_exponentially() {
        let sampler = Sampler::new();
        const DRAWS: usize = 100_000;
        let (mut sum, mut short) = (0.0, 0);
        for _ in 0..DRAWS {
            let next = sampler.draw();
            assert!(next >= 0);
            sum += next as f64;
            short += (next < DEFAULT_INTERVAL as isize / 2) as usize;
        }
        let mean = DEFAULT_INTERVAL as f64;
        // Ten standard deviations, of the mean and of how many are less than half of it.
        assert!((sum / DRAWS as f64 - mean).abs() < 10.0 * mean / (DRAWS as f64).sqrt());
        let expected = 1.0 - (-0.5f64).exp();
        let deviation = (expected * (1.0 - expected) / DRAWS as f64).sqrt();
        assert!((short as f64 / DRAWS as f64 - expected).abs() < 10.0 * deviation);
    }
}
