//! Figures about the heap: where its memory is.

use std::fmt;

use super::arena::{self, Region};
use super::caches;
use super::class::{CLASSES, Class};
use super::mode::Mode;
use super::span::Kind;
use crate::PAGE;
use crate::persistent;

/// Where the memory of the heap is, in bytes unless it says otherwise. Blocks are counted with what their class rounds them up to.
///
/// The figures are of about one moment. While other threads allocate they need not add up to the byte.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Stats {
    /// Address space that the heap may come to use.
    pub reserved: usize,
    /// The part of it that has been in use.
    pub committed: usize,
    /// In blocks that the program has.
    pub in_use: usize,
    /// In free blocks that threads keep at hand.
    pub cached: usize,
    /// In other free blocks, between blocks in use, and behind the last block of each span.
    pub idle: usize,
    /// In free pages that are still memory.
    pub free: usize,
    /// In free pages that the kernel has back.
    pub released: usize,
    /// Memory that is never freed: what the heap keeps about itself, and the scheduler's records.
    pub persistent: usize,
    /// How many blocks in use are larger than the largest class. Collected objects count as such, of any size.
    pub large_blocks: usize,
    /// The bytes in them, a part of `in_use`.
    pub large_bytes: usize,
    /// The bytes in smaller blocks in use that are sampled for the [heap profile](crate::profile), each with pages to itself; also a part of
    /// `in_use`.
    pub sampled: usize,
    /// How many threads' caches there are, those that no thread has at present with them.
    pub caches: usize,
    /// The figures of each class, the smallest first.
    pub classes: [ClassStats; CLASSES],
}

/// The figures of a size class.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct ClassStats {
    /// Of a block.
    pub size: usize,
    /// How many spans of such blocks there are.
    pub spans: usize,
    /// How many blocks they have.
    pub blocks: usize,
    /// How many of those the program has.
    pub in_use: usize,
    /// How many are free and kept at hand by threads.
    pub cached: usize,
}

/// Figures about the heap. All zero under a tool for which the heap [steps aside](crate::Heap).
///
/// ```
/// #[global_allocator]
/// static HEAP: sward_mem::Heap = sward_mem::Heap;
///
/// let before = sward_mem::stats().in_use;
/// let block = vec![1u8; 1 << 20];
/// let stats = sward_mem::stats();
/// assert!(stats.in_use - before >= 1 << 20 && stats.large_blocks >= 1);
/// println!("{stats}");
/// # drop(block);
/// ```
///
/// It looks at each span once, which takes some milliseconds a gigabyte, and holds nobody up.
pub fn stats() -> Stats {
    let mut stats = Stats {
        reserved: 0,
        committed: 0,
        in_use: 0,
        cached: 0,
        idle: 0,
        free: 0,
        released: 0,
        persistent: persistent::mapped(),
        large_blocks: 0,
        large_bytes: 0,
        sampled: 0,
        caches: caches::all().count(),
        classes: [ClassStats::default(); CLASSES],
    };
    let Some(cache) = (if Mode::get() == Mode::Aside { None } else { caches::mine() }) else { return stats };
    {
        let _passage = caches::pass(cache);
        for region in arena::regions() {
            let (limit, counts) = region.with(|inner| (inner.limit(), inner.pages.counts()));
            stats.reserved += limit * PAGE;
            stats.committed += counts.total * PAGE;
            stats.free += (counts.free - counts.released) * PAGE;
            stats.released += counts.released * PAGE;
        }
    }
    for class in Class::all() {
        stats.classes[class.index()].size = class.size();
        stats.classes[class.index()].cached = caches::all().map(|cache| cache.bin(class).filled().len()).sum();
    }
    for (span, view) in arena::regions().flat_map(Region::spans) {
        match view.kind {
            Kind::Single if arena::is_sampled(view.start) => stats.sampled += view.block,
            Kind::Single | Kind::Collected(_) => {
                stats.large_blocks += 1;
                stats.large_bytes += view.block;
            }
            Kind::Small(class) => {
                let figures = &mut stats.classes[class.index()];
                figures.spans += 1;
                figures.blocks += view.blocks;
                figures.in_use += view.blocks - span.vacancies.ones().min(view.blocks);
            }
        }
    }
    stats.in_use = stats.large_bytes + stats.sampled;
    for figures in &mut stats.classes {
        figures.in_use = figures.in_use.saturating_sub(figures.cached);
        stats.in_use += figures.in_use * figures.size;
        stats.cached += figures.cached * figures.size;
    }
    stats.idle = stats.committed.saturating_sub(stats.in_use + stats.cached + stats.free + stats.released);
    stats
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name: &str, bytes: usize, about: &str| {
            writeln!(f, "{name:<11}{:>12.2} MiB  {about}", bytes as f64 / (1 << 20) as f64)
        };
        line(f, "in use", self.in_use, "blocks that the program has")?;
        line(f, "  large", self.large_bytes, "those above 32 KiB")?;
        line(f, "  sampled", self.sampled, "smaller ones with pages to themselves, for the heap profile")?;
        line(f, "cached", self.cached, "free blocks that threads keep at hand")?;
        line(f, "idle", self.idle, "other free blocks, and what is lost at the ends of spans")?;
        line(f, "free", self.free, "free pages, still memory")?;
        line(f, "released", self.released, "free pages that the kernel has back")?;
        line(f, "committed", self.committed, "all of the above")?;
        line(f, "persistent", self.persistent, "the runtime's own records, never freed")?;
        line(f, "reserved", self.reserved, "address space")?;
        writeln!(f, "\n{:>8} {:>8} {:>10} {:>10} {:>8} {:>6}", "class", "spans", "blocks", "in use", "cached", "full")?;
        for class in self.classes.iter().filter(|class| class.spans != 0) {
            let ClassStats { size, spans, blocks, in_use, cached } = *class;
            writeln!(f, "{size:>8} {spans:>8} {blocks:>10} {in_use:>10} {cached:>8} {:>5}%", in_use * 100 / blocks)?;
        }
        write!(f, "{:>8} {:>8} {2:>10} {2:>10}", "large", self.large_blocks, self.large_blocks)
    }
}
