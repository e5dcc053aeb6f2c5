//! The program and its shared libraries, as the dynamic loader knows them: where each one's code and unwind tables are.
//!
//! Both are mapped, so no file is opened. The loader lists the kernel's vDSO too.

use core::ops::{ControlFlow, Range};
use core::ptr;
use core::slice;

use framehop::{ExplicitModuleSectionInfo, Module};
use libc::{PF_X, PT_GNU_EH_FRAME, PT_LOAD, c_int, c_void, dl_phdr_info, size_t};

/// How often libraries were loaded and unloaded so far: equal numbers mean the same modules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation {
    loads: u64,
    unloads: u64,
}

/// The loader's present generation.
pub(super) fn generation() -> Generation {
    let mut generation = Generation { loads: 0, unloads: 0 };
    visit(|object| {
        generation = Generation { loads: object.dlpi_adds, unloads: object.dlpi_subs };
        ControlFlow::Break(())
    });
    generation
}

/// Every module that has unwind tables.
pub(super) fn loaded() -> Vec<Module<&'static [u8]>> {
    let mut modules = Vec::new();
    visit(|object| {
        modules.extend(module(object));
        ControlFlow::Continue(())
    });
    modules
}

/// Shows every loaded object to `visitor`, until it breaks. The loader's lock is held meanwhile.
fn visit<V: FnMut(&dl_phdr_info) -> ControlFlow<()>>(mut visitor: V) {
    unsafe extern "C" fn call<V: FnMut(&dl_phdr_info) -> ControlFlow<()>>(
        object: *mut dl_phdr_info,
        _size: size_t,
        visitor: *mut c_void,
    ) -> c_int {
        // SAFETY: The loader passes an object that is valid for this call, and the pointer given to it below: a V
        // that nothing else uses meanwhile.
        let (object, visitor) = unsafe { (&*object, &mut *visitor.cast::<V>()) };
        visitor(object).is_break().into()
    }
    // SAFETY: `call` gets back the very pointer given here, while `visitor` lives.
    unsafe { libc::dl_iterate_phdr(Some(call::<V>), (&raw mut visitor).cast()) };
}

/// What the unwinder must know of an object; nothing if it has no unwind tables or in a form that no linker writes
/// today.
fn module(object: &dl_phdr_info) -> Option<Module<&'static [u8]>> {
    // SAFETY: The loader's own description of the object: that many headers, mapped as long as the object is.
    let headers = unsafe { slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum)) };
    let segments = || headers.iter().filter(|header| header.p_type == PT_LOAD);
    let extent = |header: &libc::Elf64_Phdr| header.p_vaddr..header.p_vaddr + header.p_memsz;

    let index = extent(headers.iter().find(|header| header.p_type == PT_GNU_EH_FRAME)?);
    // SAFETY: Every header but the stack's lies in a loaded segment, as this read-only one does.
    let index_bytes = unsafe { mapped(object.dlpi_addr, &index) };
    let tables_start = tables_start(index.start, index_bytes)?;
    // Nothing says where the tables end. They end with a terminator, at the latest with their segment.
    let tables = tables_start..segments().map(extent).find(|segment| segment.contains(&tables_start))?.end;
    // SAFETY: The rest of a loaded segment; unwind tables are never written to.
    let tables_bytes = unsafe { mapped(object.dlpi_addr, &tables) };

    let code = || segments().filter(|header| header.p_flags & PF_X != 0);
    let code_start = code().map(|header| header.p_vaddr).min()?;
    let code_end = code().map(|header| extent(header).end).max()?;
    Some(Module::new(
        String::new(),
        object.dlpi_addr.wrapping_add(code_start)..object.dlpi_addr.wrapping_add(code_end),
        object.dlpi_addr,
        ExplicitModuleSectionInfo {
            base_svma: 0,
            eh_frame_hdr: Some(index_bytes),
            eh_frame_hdr_svma: Some(index),
            eh_frame: Some(tables_bytes),
            eh_frame_svma: Some(tables),
            ..Default::default()
        },
    ))
}

/// Where `.eh_frame` starts, according to the `.eh_frame_hdr` at `address`.
fn tables_start(address: u64, index: &[u8]) -> Option<u64> {
    /// Byte 0.
    const VERSION: u8 = 1;
    /// Byte 1, of the pointer at byte 4: four signed bytes (`DW_EH_PE_sdata4`) relative to itself (`DW_EH_PE_pcrel`).
    const RELATIVE_TO_ITSELF: u8 = 0x1b;
    let &[VERSION, RELATIVE_TO_ITSELF, _, _, a, b, c, d, ..] = index else {
        return None;
    };
    let offset = i32::from_le_bytes([a, b, c, d]);
    (address + 4).checked_add_signed(offset.into())
}

/// The bytes at `range` of an object mapped at `base`.
///
/// # Safety
/// They must be mapped and never change. That they stay mapped is what [`Unwinder::load`](super::Unwinder::load) asks
/// of the program: that it unload no library.
unsafe fn mapped(base: u64, range: &Range<u64>) -> &'static [u8] {
    let start = ptr::with_exposed_provenance(base.wrapping_add(range.start) as usize);
    // SAFETY: The caller's promise.
    unsafe { slice::from_raw_parts(start, (range.end - range.start) as usize) }
}
