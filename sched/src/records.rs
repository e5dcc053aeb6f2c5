//! The scheduler's records that live for ever: Gs, Ms, Ps, descriptors. They are in persistent memory, apart from the program's blocks: what a stale
//! pointer leads to is still a record, and what a program does wrong with its own blocks does not reach them.
//!
//! There is no going on without: who needs one is in the middle of something, with a lock held. So the end of memory is the end of the process,
//! as it is for a stack (see [`stack`](crate::stack)).

use sward_mem::fatal;
use sward_mem::persistent::{self, Purpose};

/// Makes a record.
pub(crate) fn leak<T>(value: T, purpose: Purpose) -> &'static T {
    persistent::leak(value, purpose).unwrap_or_else(|| refused(purpose))
}

/// Makes `len` records at once.
pub(crate) fn leak_slice<T>(len: usize, purpose: Purpose, make: impl FnMut() -> T) -> &'static [T] {
    persistent::leak_slice(len, purpose, make).unwrap_or_else(|| refused(purpose))
}

#[cold]
fn refused(purpose: Purpose) -> ! {
    fatal!(
        "no memory for more {}, which have {} bytes; the limit is the address space (ulimit -v) or the overcommit policy \
         (vm.overcommit_memory)",
        match purpose {
            Purpose::GreenThreads => "green threads",
            Purpose::Machines => "OS threads of the scheduler",
            Purpose::Processors => "processors",
            _ => "records of the scheduler",
        },
        persistent::used(purpose),
    )
}
