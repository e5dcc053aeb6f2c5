//! The program's globals: the data that the object has which this code is linked into, be it the program or a shared library.
//!
//! That is where Rust's are. The globals of C's shared libraries are foreign. Those of a C library that is linked into the program statically cannot
//! be told from Rust's, and count as ours.
//!
//! The object is never unloaded as long as this runs, so its addresses are looked up once.

use std::ops::{ControlFlow, Range};
use std::slice;
use std::sync::OnceLock;

use libc::{PF_W, PT_LOAD, c_int, c_void, dl_phdr_info, size_t};

/// The addresses of the segment of globals that an address is in.
pub(super) fn extent_at(address: usize) -> Option<Range<usize>> {
    segments().iter().find(|segment| segment.contains(&address)).cloned()
}

/// Whether an address is that of a global.
pub(in crate::check) fn is_global(address: usize) -> bool {
    segments().iter().any(|segment| segment.contains(&address))
}

fn segments() -> &'static [Range<usize>] {
    static SEGMENTS: OnceLock<Vec<Range<usize>>> = OnceLock::new();
    SEGMENTS.get_or_init(|| {
        // Something of this object's.
        let landmark = (&raw const SEGMENTS).addr();
        let mut found = Vec::new();
        visit_objects(|object| {
            if loaded(object, 0).any(|segment| segment.contains(&landmark)) {
                found = loaded(object, PF_W).collect();
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    })
}

/// The addresses of an object's segments that have these flags.
fn loaded(object: &dl_phdr_info, flags: u32) -> impl Iterator<Item = Range<usize>> {
    // SAFETY: the loader's own description of the object: that many headers, mapped as long as the object is.
    let headers = unsafe { slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum)) };
    let loaded = headers.iter().filter(move |header| header.p_type == PT_LOAD && header.p_flags & flags == flags);
    loaded.map(|header| {
        let start = object.dlpi_addr.wrapping_add(header.p_vaddr) as usize;
        start..start + header.p_memsz as usize
    })
}

/// Shows each loaded object to `visitor`, until it breaks. The loader's lock is held meanwhile.
fn visit_objects<V: FnMut(&dl_phdr_info) -> ControlFlow<()>>(mut visitor: V) {
    unsafe extern "C" fn call<V: FnMut(&dl_phdr_info) -> ControlFlow<()>>(
        object: *mut dl_phdr_info,
        _size: size_t,
        visitor: *mut c_void,
    ) -> c_int {
        // SAFETY: the loader passes an object that is valid for this call, and the pointer given to it below: a `V` that nothing else uses meanwhile.
        let (object, visitor) = unsafe { (&*object, &mut *visitor.cast::<V>()) };
        visitor(object).is_break().into()
    }
    // SAFETY: `call` gets back the very pointer given here, while `visitor` lives.
    unsafe { libc::dl_iterate_phdr(Some(call::<V>), (&raw mut visitor).cast()) };
}
