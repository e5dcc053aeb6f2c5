//! zlib's deflate and inflate, of a whole block at a time.

use std::ffi::c_int;
use std::io;
use std::ptr;

use libz_sys as sys;
use sward::ffi::{self, Handle};

use super::memory::{Memory, zalloc, zfree};

/// What zlib wants to be told of its caller: how large it takes a stream to be.
const STREAM_SIZE: c_int = size_of::<sys::z_stream>() as c_int;

/// Compresses a block, smaller than 4 GiB.
pub fn compress(block: &[u8], memory: &Handle<Memory>) -> io::Result<Vec<u8>> {
    // SAFETY: it takes a number.
    let room = ffi::quick(|| unsafe { sys::compressBound(block.len() as sys::uLong) });
    // SAFETY: the stream is as `transform` has it.
    transform(block, room as usize, memory, |stream| unsafe {
        let code = sys::deflateInit_(stream, sys::Z_DEFAULT_COMPRESSION, sys::zlibVersion(), STREAM_SIZE);
        if code != sys::Z_OK {
            return code;
        }
        let code = sys::deflate(stream, sys::Z_FINISH);
        sys::deflateEnd(stream);
        code
    })
}

/// Inflates a compressed block, which had so many bytes.
pub fn inflate(compressed: &[u8], bytes: usize, memory: &Handle<Memory>) -> io::Result<Vec<u8>> {
    // SAFETY: the stream is as `transform` has it.
    transform(compressed, bytes, memory, |stream| unsafe {
        let code = sys::inflateInit_(stream, sys::zlibVersion(), STREAM_SIZE);
        if code != sys::Z_OK {
            return code;
        }
        let code = sys::inflate(stream, sys::Z_FINISH);
        sys::inflateEnd(stream);
        code
    })
}

/// Calls C to work through all of `input`, whose output is `room` bytes at most. The stream that `work` gets names both, and has not been begun with;
/// `work` leaves it ended, and gives zlib's code.
fn transform(
    input: &[u8],
    room: usize,
    memory: &Handle<Memory>,
    work: impl FnOnce(sys::z_streamp) -> c_int,
) -> io::Result<Vec<u8>> {
    let mut output = Vec::with_capacity(room);
    let mut stream = sys::z_stream {
        next_in: input.as_ptr().cast_mut(),
        avail_in: input.len() as sys::uInt,
        total_in: 0,
        next_out: output.as_mut_ptr(),
        avail_out: room as sys::uInt,
        total_out: 0,
        msg: ptr::null_mut(),
        state: ptr::null_mut(),
        zalloc,
        zfree,
        opaque: memory.as_ptr(),
        data_type: sys::Z_UNKNOWN,
        adler: 0,
        reserved: 0,
    };
    // One call for all of it, in which zlib calls back for its memory.
    match ffi::call(|| work(&mut stream)) {
        // SAFETY: zlib has written so many bytes.
        sys::Z_STREAM_END => unsafe { output.set_len(stream.total_out as usize) },
        sys::Z_MEM_ERROR => return Err(io::ErrorKind::OutOfMemory.into()),
        code => return Err(io::Error::other(format!("zlib has ended with code {code}"))),
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a function of this module, and sees to it that zlib keeps no memory.
    fn with_memory<T>(f: impl FnOnce(&Handle<Memory>) -> T) -> T {
        let memory = Handle::new(Memory::default());
        let result = f(&memory);
        let usage = Handle::with(memory.as_ptr(), Memory::usage);
        assert!(usage.allocated > 0 && usage.freed == usage.allocated, "{usage:?}");
        result
    }

    #[sward::test]
    fn what_is_compressed_is_inflated_to_the_same() {
        for block in [&b""[..], b"x", &[7; 100_000]] {
            let compressed = with_memory(|memory| compress(block, memory)).unwrap();
            assert_eq!(with_memory(|memory| inflate(&compressed, block.len(), memory)).unwrap(), block);
        }
    }

    #[sward::test]
    fn what_is_not_compressed_is_refused() {
        let error = with_memory(|memory| inflate(b"plain text", 100, memory)).unwrap_err();
        assert_eq!(error.to_string(), "zlib has ended with code -3");
    }

    #[sward::test]
    fn output_never_exceeds_its_room() {
        let compressed = with_memory(|memory| compress(&[7; 100], memory)).unwrap();
        let error = with_memory(|memory| inflate(&compressed, 99, memory)).unwrap_err();
        assert_eq!(error.to_string(), "zlib has ended with code -5");
    }
}
