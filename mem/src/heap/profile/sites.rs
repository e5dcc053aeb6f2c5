//! The sites that samples have been allocated at, and what has been counted of each.
//!
//! A hash table of lists that only grow, in persistent memory: it is read without a lock, also while others add to it. A program has some thousands
//! of sites.

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::Weight;
use crate::persistent::{self, Purpose};

/// The lists of the table.
const LISTS: usize = 1 << 12;

static TABLE: [AtomicPtr<Site>; LISTS] = [const { AtomicPtr::new(std::ptr::null_mut()) }; LISTS];

/// A place of the program that allocates, told from others by its call stack.
pub(crate) struct Site {
    stack: &'static [usize],
    pub(crate) allocated: Counters,
    pub(crate) freed: Counters,
    /// The next of its list.
    next: AtomicPtr<Site>,
}

/// Blocks that were samples.
#[derive(Default)]
pub(crate) struct Counters {
    blocks: AtomicU64,
    bytes: AtomicU64,
    /// The blocks that the samples stand for, in parts as weights are.
    estimated_blocks: AtomicU64,
    estimated_bytes: AtomicU64,
}

/// A number of blocks, and the sum of the sizes that were asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub blocks: u64,
    /// How large, together.
    pub bytes: u64,
}

/// What came and went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// Since the program began.
    pub allocated: Amount,
    /// Of that, what has been freed.
    pub freed: Amount,
}

/// What the heap profile knows of a site.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SiteStats {
    /// The call stack: the address that each frame will continue at, innermost first, without the heap's own frames. Up to 32 of them. It is never
    /// freed.
    pub stack: &'static [usize],
    /// The samples themselves.
    pub sampled: Flow,
    /// All blocks, as estimated from the samples.
    pub estimated: Flow,
}

/// Shows what is known of each site that a sample has been taken at, in no order.
///
/// ```
/// #[global_allocator]
/// static HEAP: sward_mem::Heap = sward_mem::Heap;
///
/// use sward_mem::profile;
///
/// let block = vec![1u8; 100 << 20];
/// let mut in_use = 0;
/// profile::visit(|site| in_use += site.estimated.in_use().bytes);
/// println!("{} MiB in use", in_use >> 20);
/// # drop(block);
/// ```
///
/// Nothing is held meanwhile: others go on, and the visitor may allocate. The figures of a site need not be of the same moment, but it never has
/// freed more than it has allocated. There is nothing to see when the heap [checks each block, or steps aside](crate::Heap).
pub fn visit(mut visitor: impl FnMut(&SiteStats)) {
    // Acquire pairs with the release in `find_or_add`; what follows in the list was published before.
    let lists = TABLE.iter().map(|list| list.load(Ordering::Acquire));
    lists.flat_map(|first| Site::list(first, std::ptr::null_mut())).for_each(|site| visitor(&site.stats()));
}

impl Flow {
    /// What has not been freed.
    pub fn in_use(&self) -> Amount {
        Amount {
            blocks: self.allocated.blocks.saturating_sub(self.freed.blocks),
            bytes: self.allocated.bytes.saturating_sub(self.freed.bytes),
        }
    }
}

impl Site {
    /// The site with this stack. `None`: it is new, and there is no memory for it.
    pub(crate) fn of(stack: &[usize]) -> Option<&'static Site> {
        Site::find_or_add(&TABLE[list_of(stack)], stack)
    }

    fn find_or_add(list: &AtomicPtr<Site>, stack: &[usize]) -> Option<&'static Site> {
        let find = |first, end| Site::list(first, end).find(|site| site.stack == stack);
        // Acquire, here and below, pairs with the release below: the site is made.
        let mut first = list.load(Ordering::Acquire);
        if let Some(site) = find(first, std::ptr::null_mut()) {
            return Some(site);
        }
        let new = Site::make(stack)?;
        loop {
            new.next.store(first, Ordering::Relaxed);
            match list.compare_exchange(first, std::ptr::from_ref(new).cast_mut(), Ordering::Release, Ordering::Acquire)
            {
                Ok(_) => return Some(new),
                Err(now) => {
                    // Should another thread have added the same site, ours is lost. It is small, and that is rare.
                    if let Some(site) = find(now, first) {
                        return Some(site);
                    }
                    first = now;
                }
            }
        }
    }

    fn make(stack: &[usize]) -> Option<&'static Site> {
        let mut addresses = stack.iter().copied();
        let stack =
            persistent::leak_slice(stack.len(), Purpose::Profiles, || addresses.next().expect("as many as there are"))?;
        let (allocated, freed) = (Counters::default(), Counters::default());
        persistent::leak(Site { stack, allocated, freed, next: AtomicPtr::default() }, Purpose::Profiles)
    }

    /// A list from its `first` site to before `end`.
    fn list(first: *mut Site, end: *mut Site) -> impl Iterator<Item = &'static Site> {
        let mut next = first;
        std::iter::from_fn(move || {
            if next == end {
                return None;
            }
            // SAFETY: sites are never freed, and the caller has acquired the first; null is an end, wherever one began.
            let site: &'static Site = unsafe { next.as_ref() }?;
            // Relaxed: written before the site was published.
            next = site.next.load(Ordering::Relaxed);
            Some(site)
        })
    }

    fn stats(&self) -> SiteStats {
        // In that order: see `Counters::read`.
        let freed = self.freed.read();
        let allocated = self.allocated.read();
        SiteStats {
            stack: self.stack,
            sampled: Flow { allocated: allocated.0, freed: freed.0 },
            estimated: Flow { allocated: allocated.1, freed: freed.1 },
        }
    }
}

/// In which list a site is.
fn list_of(stack: &[usize]) -> usize {
    let mix = |hash: u64, address: &usize| (hash.rotate_left(5) ^ *address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // The upper bits depend on all the lower ones.
    (stack.iter().fold(0, mix) >> (u64::BITS - LISTS.ilog2())) as usize
}

impl Counters {
    pub(crate) fn add(&self, size: usize, weight: Weight) {
        let add = |counter: &AtomicU64, amount| {
            // Release pairs with the acquire in `read`: see there.
            counter.fetch_add(amount, Ordering::Release);
        };
        add(&self.blocks, 1);
        add(&self.bytes, size as u64);
        add(&self.estimated_blocks, weight.0);
        add(&self.estimated_bytes, weight.bytes(size));
    }

    /// The samples, and what they stand for.
    fn read(&self) -> (Amount, Amount) {
        // Acquire pairs with the release in `add`: who has seen a block counted as freed sees it counted as allocated, by whoever that was.
        let read = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let estimated_blocks = (read(&self.estimated_blocks) + Weight::ONE / 2) / Weight::ONE;
        (
            Amount { blocks: read(&self.blocks), bytes: read(&self.bytes) },
            Amount { blocks: estimated_blocks, bytes: read(&self.estimated_bytes) },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_stack_has_one_site() {
        let (a, b) = (Site::of(&[1, 2, 3]).unwrap(), Site::of(&[1, 2, 4]).unwrap());
        assert!(std::ptr::eq(a, Site::of(&[1, 2, 3]).unwrap()));
        assert!(!std::ptr::eq(a, b));
        assert_eq!(b.stack, [1, 2, 4]);
    }

    #[test]
    fn threads_that_add_to_a_list_agree_on_its_sites() {
        static LIST: AtomicPtr<Site> = AtomicPtr::new(std::ptr::null_mut());
        let add_all =
            || (0..1000).map(|n| std::ptr::from_ref(Site::find_or_add(&LIST, &[n]).unwrap()).addr()).collect();
        let found: Vec<Vec<usize>> = thread::scope(|s| {
            let threads: Vec<_> = (0..4).map(|_| s.spawn(add_all)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(found.iter().all(|sites| *sites == found[0]));
        assert_eq!(Site::list(LIST.load(Ordering::Acquire), std::ptr::null_mut()).count(), 1000);
    }

    #[test]
    fn stats_are_of_samples_and_of_what_they_stand_for() {
        let site = Site::make(&[7]).unwrap();
        let weight = Weight(5 * Weight::ONE / 2);
        site.allocated.add(100, weight);
        site.allocated.add(300, Weight(Weight::ONE));
        site.freed.add(100, weight);
        let SiteStats { sampled, estimated, .. } = site.stats();
        assert_eq!(sampled.allocated, Amount { blocks: 2, bytes: 400 });
        assert_eq!(estimated.allocated, Amount { blocks: 4, bytes: 550 });
        assert_eq!(sampled.in_use(), Amount { blocks: 1, bytes: 300 });
        assert_eq!(estimated.in_use().bytes, 300);
    }
}
