//! Size classes: which sizes blocks come in.
//!
//! Up to 128 bytes there is one every 16 (and 8 and 24), from there on eight in each doubling, up to 32 KiB. So a block is never more than
//! an eighth larger than asked for, but for the smallest. Larger ones are whole pages of their own.
//!
//! A span of a class is a run of pages with at least [`FEWEST`] blocks, and with a remainder at its end that is at most an eighth of it.
//!
//! The layout that a block was allocated with is given back with it, so its class is computed on either side and kept nowhere.

use crate::PAGE;

/// How many classes there are.
pub(crate) const CLASSES: usize = TINY.len() + 8 * DOUBLINGS;

/// The largest size that has a class, in bytes.
pub(crate) const LARGEST: usize = 32 << 10;

/// The most blocks that a span has.
pub(crate) const MOST: usize = 1024;

/// The fewest blocks that a span has, of blocks up to a page; half as many of larger ones.
const FEWEST: usize = 8;

const TINY: [usize; 10] = [8, 16, 24, 32, 48, 64, 80, 96, 112, 128];

/// From 128 bytes to 32 KiB.
const DOUBLINGS: usize = 8;

/// A size class: a number under [`CLASSES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class(u8);

/// What there is to know of a class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Of a block, in bytes.
    pub(crate) size: usize,
    /// Of a span.
    pub(crate) pages: usize,
    /// In a span.
    pub(crate) blocks: usize,
    /// 2³² ÷ size, rounded up: what an offset in a span is multiplied with to divide it by the size.
    pub(crate) reciprocal: u32,
    /// How many blocks a cache keeps at most.
    pub(crate) cached: usize,
}

static SHAPES: [Shape; CLASSES] = {
    let mut shapes = [Shape { size: 0, pages: 0, blocks: 0, reciprocal: 0, cached: 0 }; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        shapes[class] = shape(size_of(class));
        class += 1;
    }
    shapes
};

/// The class of each size up to 1 KiB, by eighths, rounded up.
static SMALL: [u8; 129] = {
    let mut table = [0; 129];
    let (mut eighths, mut class) = (0, 0);
    while eighths < table.len() {
        if eighths * 8 > size_of(class) {
            class += 1;
        }
        table[eighths] = class as u8;
        eighths += 1;
    }
    table
};

const fn size_of(class: usize) -> usize {
    match class.checked_sub(TINY.len()) {
        None => TINY[class],
        Some(above) => (9 + above % 8) << (4 + above / 8),
    }
}

const fn shape(size: usize) -> Shape {
    let fewest = if size <= PAGE { FEWEST } else { FEWEST / 2 };
    // Two pages, so that a span is worth its bookkeeping, but not more blocks than its bitmap holds.
    let mut pages = if 2 * PAGE / size <= MOST { 2 } else { 1 };
    while pages * PAGE / size < fewest || pages * PAGE % size > pages * PAGE / 8 {
        pages += 1;
    }
    let cached = match (32 << 10) / size {
        0..2 => 2,
        129.. => 128,
        some => some,
    };
    Shape { size, pages, blocks: pages * PAGE / size, reciprocal: (1u64 << 32).div_ceil(size as u64) as u32, cached }
}

impl Class {
    /// The class that serves `size` bytes at a multiple of `align`; `None` when pages of its own do.
    ///
    /// Spans start with a page, so the blocks of a class are aligned to the largest power of two in its size. The classes of a doubling
    /// are all multiples of some step. A size that is a multiple of the alignment is thus either a class itself, or the next class is a multiple of
    /// a step that is larger than the alignment.
    #[inline(always)]
    pub(crate) fn of(size: usize, align: usize) -> Option<Class> {
        let size = (size + align - 1) & !(align - 1);
        if size <= 1024 {
            return Some(Class(SMALL[size.div_ceil(8)]));
        }
        if size > LARGEST || align > PAGE {
            return None;
        }
        // The doubling that the size is in, and the eighth of it.
        let doubling = (size - 1).ilog2() as usize;
        let eighth = ((size - 1) >> (doubling - 3)) & 7;
        Some(Class((TINY.len() + 8 * (doubling - 7) + eighth) as u8))
    }

    /// All classes, the smallest first.
    pub(crate) fn all() -> impl Iterator<Item = Class> {
        (0..CLASSES as u8).map(Class)
    }

    /// Its place in arrays with an entry for each class.
    #[inline(always)]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    #[inline(always)]
    pub(crate) fn shape(self) -> &'static Shape {
        &SHAPES[self.index()]
    }

    /// Of a block, in bytes.
    #[inline(always)]
    pub(crate) fn size(self) -> usize {
        self.shape().size
    }

    /// The one with this index.
    pub(crate) fn at(index: usize) -> Class {
        assert!(index < CLASSES);
        Class(index as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_gets_the_smallest_class_that_holds_it() {
        for size in 1..=LARGEST {
            let class = Class::of(size, 1).unwrap();
            assert!(class.size() >= size, "{size}");
            assert!(class.index() == 0 || size_of(class.index() - 1) < size, "{size}");
        }
        assert_eq!(Class::of(LARGEST + 1, 1), None);
        assert_eq!(size_of(CLASSES - 1), LARGEST);
    }

    #[test]
    fn aligned_blocks_are_multiples_of_the_alignment() {
        for align in (0..16).map(|shift| 1 << shift) {
            for size in (1..=LARGEST + 10).step_by(7) {
                match Class::of(size, align) {
                    Some(class) => {
                        assert!(class.size() >= size && class.size() % align == 0, "{size} at {align}");
                        assert!(class.size() <= (size.max(align) * 2).max(8), "{size} at {align}: {}", class.size());
                    }
                    None => assert!(size > LARGEST || align > PAGE, "{size} at {align}"),
                }
            }
        }
    }

    #[test]
    fn little_is_wasted() {
        for class in Class::all() {
            let Shape { size, pages, blocks, .. } = *class.shape();
            assert!((1..=MOST).contains(&blocks) && blocks * size <= pages * PAGE);
            assert!((pages * PAGE - blocks * size) * 8 <= pages * PAGE, "{size}: the end of a span");
            if size > 128 {
                let smaller = size_of(class.index() - 1);
                assert!((size - smaller - 1) * 8 <= size, "{size}: a block for {} bytes", smaller + 1);
            }
        }
    }

    #[test]
    fn offsets_are_divided_by_multiplication() {
        for class in Class::all() {
            let Shape { size, pages, reciprocal, .. } = *class.shape();
            for offset in 0..pages * PAGE {
                assert_eq!(((offset as u64 * reciprocal as u64) >> 32) as usize, offset / size, "{offset} in {size}");
            }
        }
    }
}
