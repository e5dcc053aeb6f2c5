//! What zlib takes for malloc and free: callbacks, which keep count.

use std::collections::HashMap;
use std::ffi::{c_uint, c_void};
use std::ptr;

use sward::ffi::{self, Handle};
use sward::sync::Mutex;

/// Memory for zlib, which any number of its streams may share.
#[derive(Default)]
pub struct Memory(Mutex<Blocks>);

#[derive(Default)]
struct Blocks {
    /// By their addresses. Numbers of 16 bytes are aligned as malloc's blocks are.
    used: HashMap<usize, Vec<u128>>,
    usage: Usage,
}

/// What was taken so far: how many blocks, how many bytes they were, and how many blocks came back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub allocated: u64,
    pub bytes: u64,
    pub freed: u64,
}

impl Memory {
    pub fn usage(&self) -> Usage {
        self.lock().usage
    }

    /// A block of at least so many bytes, or null if there is no memory.
    fn allocate(&self, bytes: usize) -> *mut c_void {
        let mut block = Vec::new();
        if block.try_reserve_exact(bytes.div_ceil(size_of::<u128>())).is_err() {
            return ptr::null_mut();
        }
        let address: *mut u128 = block.as_mut_ptr();
        let mut blocks = self.lock();
        blocks.used.insert(address.addr(), block);
        blocks.usage.allocated += 1;
        blocks.usage.bytes += bytes as u64;
        address.cast()
    }

    fn free(&self, address: *mut c_void) {
        let mut blocks = self.lock();
        blocks.used.remove(&address.addr()).expect("zlib frees what it has");
        blocks.usage.freed += 1;
    }

    fn lock(&self) -> sward::sync::MutexGuard<'_, Blocks> {
        self.0.lock().expect("no holder panics")
    }
}

/// zlib's `zalloc`, whose `memory` is a handle of a [`Memory`].
pub unsafe extern "C" fn zalloc(memory: *mut c_void, items: c_uint, size: c_uint) -> *mut c_void {
    ffi::callback(|| Handle::with(memory, |memory: &Memory| memory.allocate(items as usize * size as usize)))
}

/// zlib's `zfree`.
pub unsafe extern "C" fn zfree(memory: *mut c_void, block: *mut c_void) {
    ffi::callback(|| Handle::with(memory, |memory: &Memory| memory.free(block)));
}
