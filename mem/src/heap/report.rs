//! What is said when a program misuses the heap: the address, what is there, and the end of the process. Going on would hand the same memory to two.

use std::ops::Range;

use super::arena;
use super::span::{Kind, Span};
use crate::fatal;

/// A block was freed that is free.
#[cold]
#[inline(never)]
pub(crate) fn double_free(span: &Span, word: usize, bits: u64) -> ! {
    let view = span.view_held();
    let block = word * 64 + bits.trailing_zeros() as usize;
    let address = view.start + block * view.block;
    fatal!("double free of {address:#x}: {}", Place(address))
}

/// An address was freed that is no block of the size that was said.
#[cold]
#[inline(never)]
pub(crate) fn invalid_free(address: usize, size: usize) -> ! {
    fatal!("invalid free of {address:#x} as a block of {size} bytes: {}", Place(address))
}

/// What is at an address.
pub(crate) struct Place(pub(crate) usize);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some((span, view)) = arena::span_at(self.0).and_then(|span| Some((span, span.view()?))) else {
            return match arena::region_of(self.0) {
                Some(_) => write!(f, "nothing is allocated there"),
                None => {
                    write!(f, "it is not in the heap, which is")?;
                    arena::regions().try_for_each(|region| {
                        let Range { start, end } = region.extent();
                        write!(f, " {start:#x}-{end:#x}")
                    })
                }
            };
        };
        match view.kind {
            Kind::Single => write!(f, "it is {} bytes into", self.0 - view.start)?,
            Kind::Collected(_) => write!(f, "it is {} bytes into a collected object,", self.0 - view.start)?,
            Kind::Small(_) => {
                let (block, inside) = span.block_at(self.0);
                if block >= view.blocks {
                    write!(f, "it is behind the last block of")?;
                } else {
                    let state = if span.vacancies.is_set(block) { "free" } else { "not free" };
                    write!(f, "it is {inside} bytes into block {block}, which is {state}, of")?;
                }
            }
        }
        let end = view.start + view.pages * crate::PAGE;
        write!(f, " the span {:#x}-{end:#x} of {} blocks of {} bytes", view.start, view.blocks, view.block)
    }
}
