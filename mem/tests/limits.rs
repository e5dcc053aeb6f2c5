//! What the environment sets: how much memory there may be, and how the heap works.
//!
//! Of the first nothing under an emulator: qemu-user accepts limits on memory, and has none.

mod common;

use std::alloc::{Layout, alloc, dealloc};
use std::ffi::c_void;
use std::hint::black_box;
use std::os::unix::process::CommandExt;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use common::block::Block;
use common::program::{Finished, Program, in_each_mode, is_emulated};
use common::status;
use sward_mem::persistent::{self, Purpose};
use sward_mem::{stats, verify};

#[global_allocator]
static HEAP: sward_mem::Heap = sward_mem::Heap;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

fn set_limit(what: libc::__rlimit_resource_t, bytes: usize) {
    let limit = libc::rlimit { rlim_cur: bytes as libc::rlim_t, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the limit is read.
    assert_eq!(unsafe { libc::setrlimit(what, &limit) }, 0, "{}", std::io::Error::last_os_error());
}

/// Takes all memory that there is, in pieces, frees it, and returns how much that was.
fn exhaust(piece: usize) -> usize {
    let layout = Layout::from_size_align(piece, 8).unwrap();
    let (mut last, mut got) = (ptr::null_mut::<u8>(), 0);
    // SAFETY: each piece is larger than a pointer, to which it is aligned: it holds that to the one before, which is freed once.
    unsafe {
        loop {
            let next = black_box(alloc(layout));
            if next.is_null() {
                break;
            }
            next.write_bytes(1, piece);
            next.cast::<*mut u8>().write(last);
            (last, got) = (next, got + piece);
        }
        while !last.is_null() {
            let before = last.cast::<*mut u8>().read();
            dealloc(last, layout);
            last = before;
        }
    }
    got
}

/// Runs `body` in a process that has that much address space from its start.
#[track_caller]
fn with_address_space(test: &str, mode: &str, mib: usize, body: impl FnOnce()) -> Finished {
    Program::inside(test, body);
    let mut program = Program::of(test).mode(mode);
    // SAFETY: a system call, which may be made in a child.
    unsafe {
        program.command.pre_exec(move || {
            set_limit(libc::RLIMIT_AS, mib * MIB);
            Ok(())
        })
    };
    program.run()
}

#[test]
fn there_is_a_heap_in_little_address_space() {
    if is_emulated() {
        return; // See above.
    }
    for mib in [512, 256, 128, 64] {
        let finished = with_address_space("there_is_a_heap_in_little_address_space", "0", mib, || {
            let reserved = stats().reserved;
            let (small, large) = (exhaust(20 * KIB), exhaust(300 * KIB));
            assert!(small > reserved / 2 && large > reserved / 2, "{small} and {large} of {reserved}");
            assert!(reserved >= 16 * MIB);
            drop(Block::zeroed(reserved / 4, 1, 1));
            verify();
        });
        finished.exits_with(0);
    }
}

/// The address space is not gone because somebody asked for more than there is.
#[test]
fn what_is_refused_takes_nothing() {
    if is_emulated() {
        return; // See above.
    }
    let finished = with_address_space("what_is_refused_takes_nothing", "0", 512, || {
        for size in [400 * MIB, 1 << 30, 1 << 34, 1 << 38, 1 << 46] {
            assert!(black_box(&mut Vec::<u8>::new()).try_reserve_exact(size).is_err(), "{size}");
        }
        std::thread::spawn(|| drop(Block::new(30 * MIB, 1, 1))).join().unwrap();
        let taken = status("VmSize:");
        assert!(taken <= 320 * MIB, "{} MiB of 512", taken / MIB);
    });
    finished.exits_with(0);
}

#[test]
fn too_little_address_space_is_said() {
    if is_emulated() {
        return; // See above.
    }
    for mib in [60, 40, 24] {
        let finished = with_address_space("too_little_address_space_is_said", "0", mib, || ());
        finished.exits_with(2).says(&format!(
            "sward: the heap needs at least 16 MiB of address space, and the kernel refuses them; this process may have {mib} MiB in all \
             (`ulimit -v`), of which the heap takes a quarter at a time"
        ));
    }
}

#[test]
fn memory_that_the_kernel_refuses_is_null() {
    if is_emulated() {
        return; // See above.
    }
    in_each_mode("memory_that_the_kernel_refuses_is_null", || {
        let kept: Vec<_> = (1..1000).map(|n| Block::new(n, 1, n as u8)).collect();
        set_limit(libc::RLIMIT_DATA, status("VmData:") + 60 * MIB);
        for piece in [100, 20 * KIB, 300 * KIB, 10 * MIB, 100] {
            let got = exhaust(piece);
            assert!((40 * MIB..64 * MIB).contains(&got), "{got} bytes in pieces of {piece}");
            verify();
        }
        kept.iter().for_each(Block::check);
        set_limit(libc::RLIMIT_DATA, libc::RLIM_INFINITY as usize);
        drop(Block::new(300 * MIB, 1, 1));
        verify();
    });
}

/// Not even for a cache, which the thread has not got yet.
#[test]
fn no_memory_at_all_is_null() {
    if is_emulated() {
        return; // See above.
    }
    in_each_mode("no_memory_at_all_is_null", || {
        extern "C" fn try_to(_: *mut c_void) -> *mut c_void {
            while !LIMITED.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
            let got = [100, 20 * KIB, 20 * MIB].map(exhaust);
            (got == [0; 3]) as usize as *mut c_void
        }
        static LIMITED: AtomicBool = AtomicBool::new(false);
        let (mut thread, mut answer) = (0, ptr::null_mut());
        // SAFETY: not a thread of std's, which would allocate at its start. It is joined.
        unsafe {
            assert_eq!(libc::pthread_create(&mut thread, ptr::null(), try_to, ptr::null_mut()), 0);
            // What is left of the chunk of persistent memory is used up, then there is no more. (Zero is no limit, to Linux.)
            set_limit(libc::RLIMIT_DATA, 1);
            while persistent::leak([0u8; 1000], Purpose::Caches).is_some() {}
            LIMITED.store(true, Ordering::Relaxed);
            assert_eq!(libc::pthread_join(thread, &mut answer), 0);
        }
        set_limit(libc::RLIMIT_DATA, libc::RLIM_INFINITY as usize);
        assert_eq!(answer.addr(), 1);
        drop(Block::new(20 * MIB, 1, 1));
        verify();
    });
}

fn with_debug(value: &str) -> Finished {
    let test = "the_mode_is_as_the_environment_says";
    let mut program = Program::of(test);
    program.command.env("SWARD_DEBUG", value);
    program.run()
}

#[test]
fn the_mode_is_as_the_environment_says() {
    Program::inside("the_mode_is_as_the_environment_says", || {
        let bytes = Box::new([1u8; 1000]);
        let start: *const u8 = black_box(bytes.as_ptr());
        drop(bytes);
        // SAFETY: none. But the memory is there, and nothing happens between.
        let poisoned = unsafe { black_box(start).add(500).read_volatile() } == 0xDB;
        eprintln!("poisoned: {poisoned}, cached: {}", stats().cached != 0);
    });
    let (fast, checked) = ("poisoned: false, cached: true", "poisoned: true, cached: false");
    let by_build = if cfg!(debug_assertions) { checked } else { fast };
    for (value, mode) in [("heapcheck=0", fast), ("heapcheck=1", checked), ("heapcheck=2", checked)]
        .into_iter()
        .chain([
            ("schedtrace=1,heapcheck=0", fast),
            ("heapcheck=0,other=3,heapcheck=2,", checked),
            ("", by_build),
            (",,", by_build),
        ])
        .chain([("heapchecks=7", by_build), ("trace", by_build), ("noheapcheck=9", by_build)])
    {
        with_debug(value).exits_with(0).says(mode);
    }
}

#[test]
fn a_mode_that_there_is_not_is_said() {
    for value in ["heapcheck=3", "heapcheck=", "heapcheck=1x", "a=1,heapcheck=yes"] {
        let given = value.rsplit(',').next().unwrap();
        with_debug(value).exits_with(2).says(&format!("sward: SWARD_DEBUG={given}: ")).says("; accepted: 0, 1 (");
    }
}
