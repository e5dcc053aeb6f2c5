//! Whose memory is at an address.
//!
//! Nothing needs to have been noted for that when the memory came to be: the heap knows its blocks and objects by its table of pages, the scheduler
//! its stacks by the granule of address space that they lie in, an OS thread's own stack lies above its stack pointer, the loader knows the program's
//! globals, persistent memory is in a list. All but the first look at a thread's stack are without locks.
//!
//! What is nobody's of these is foreign: C's heap, C's globals and constants, memory that was mapped by hand. So is, since it cannot be told from that,
//! the stack of another OS thread, and what thread-locals of the main thread hold.

mod globals;
mod own_stack;

use std::fmt;
use std::ops::Range;
use std::ptr;

use sward_mem::collected::{self, Object};
use sward_mem::persistent;

pub(super) use globals::is_global;

/// Whose memory is at an address, with the addresses around it that are known to be mapped.
#[derive(Debug, Clone)]
pub enum Owner {
    /// A collected object.
    Collected(Object),
    /// A block of the heap, which the program has.
    Heap(Range<usize>),
    /// The stack of a green thread.
    GreenStack(Range<usize>),
    /// The calling OS thread's own stack, above the caller's frame.
    OwnStack(Range<usize>),
    /// A variable of the program.
    Globals(Range<usize>),
    /// Persistent memory.
    Persistent(Range<usize>),
    /// None of ours.
    Foreign,
}

/// Whose memory is at an address.
///
/// ```
/// use sward_ffi::check::{Owner, owner};
///
/// let local = 7;
/// assert!(matches!(owner((&raw const local).addr()), Owner::OwnStack(_)));
/// assert!(matches!(owner(0), Owner::Foreign));
/// ```
pub fn owner(address: usize) -> Owner {
    if let Some(object) = collected::find(address) {
        return Owner::Collected(object);
    }
    let around = |addresses: &Range<usize>| addresses.contains(&address);
    None.or_else(|| sward_mem::block_at(address).map(Owner::Heap))
        // Guards are no part of it, nor is what the scheduler keeps at the top.
        .or_else(|| sward_sched::frames_at(address).filter(around).map(Owner::GreenStack))
        .or_else(|| own_stack::extent().filter(around).map(Owner::OwnStack))
        .or_else(|| globals::extent_at(address).map(Owner::Globals))
        // Last, as it takes the longest.
        .or_else(|| persistent::mapping_of(ptr::without_provenance(address)).map(Owner::Persistent))
        .unwrap_or(Owner::Foreign)
}

/// Where the address is: `in a block of the heap`.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Owner::Collected(object) => return write!(f, "in a collected object ({object})"),
            Owner::Heap(_) => "in a block of the heap",
            Owner::GreenStack(_) => "on the stack of a green thread",
            Owner::OwnStack(_) => "on the stack of the OS thread",
            Owner::Globals(_) => "in a global",
            Owner::Persistent(_) => "in persistent memory",
            Owner::Foreign => "in foreign memory",
        })
    }
}
