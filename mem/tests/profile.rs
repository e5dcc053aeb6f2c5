//! The heap profile of a process whose allocator is the heap.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use sward_mem::profile::{self, Flow, SiteStats};

#[global_allocator]
static HEAP: sward_mem::Heap = sward_mem::Heap;

/// The checked heap, which debug builds have, takes no samples. It is chosen at the first allocation, so this must come before that.
#[used]
#[unsafe(link_section = ".init_array")]
static UNCHECKED: extern "C" fn() = {
    extern "C" fn set() {
        // SAFETY: two strings; there is one thread.
        unsafe { libc::setenv(c"SWARD_DEBUG".as_ptr(), c"heapcheck=0".as_ptr(), 1) };
    }
    set
};

/// Calls `test` with this interval, which is the process's: one at a time.
fn with_interval(bytes: usize, test: impl FnOnce() + Send) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    profile::set_sample_interval(bytes);
    test();
    profile::set_sample_interval(0);
}

/// The sums of all sites that have a function of this name on their stack.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Sum {
    sampled: Flow,
    estimated: Flow,
}

fn sum_of(function: &str) -> Sum {
    let mut sum = Sum::default();
    for site in sites() {
        if site.stack.iter().any(|&address| function_at(address).ends_with(function)) {
            add(&mut sum.sampled, site.sampled);
            add(&mut sum.estimated, site.estimated);
        }
    }
    sum
}

fn add(sum: &mut Flow, flow: Flow) {
    for (sum, amount) in [(&mut sum.allocated, flow.allocated), (&mut sum.freed, flow.freed)] {
        sum.blocks += amount.blocks;
        sum.bytes += amount.bytes;
    }
}

fn sites() -> Vec<SiteStats> {
    profile::set_sample_interval(0);
    let mut sites = Vec::new();
    profile::visit(|site| sites.push(*site));
    sites
}

/// The name of the function that the code at a return address was compiled for, not of those that have been inlined there.
fn function_at(address: usize) -> String {
    static KNOWN: Mutex<Option<HashMap<usize, String>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let name = known.get_or_insert_default().entry(address).or_insert_with(|| {
        let mut name = String::new();
        backtrace::resolve((address - 1) as *mut c_void, |symbol| {
            name = symbol.name().map(|name| format!("{name:#}")).unwrap_or_default();
        });
        name
    });
    name.clone()
}

/// Gives up after a minute.
fn wait_until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "it has not come");
        thread::yield_now();
    }
}

fn block(size: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(black_box(size)))
}

/// Whether an estimate is within ten standard deviations of what was allocated: `count` blocks of `size`.
fn assert_estimated(what: &str, estimated: u64, count: usize, size: usize, interval: usize) {
    let (count, chance) = (count as f64, 1.0 - (-(size as f64) / interval as f64).exp());
    let deviation = (count * (1.0 - chance) / chance).sqrt();
    assert!(10.0 * deviation < 0.25 * count, "{what}: the bounds of this test say nothing");
    let distance = (estimated as f64 - count).abs();
    assert!(distance < 10.0 * deviation + 1.0, "{what}: {estimated} estimated, {count} true, deviation {deviation}");
}

#[test]
fn estimates_are_of_what_was_allocated() {
    const INTERVAL: usize = 4 << 10;

    #[inline(never)]
    fn keeps_small() -> Vec<Vec<u8>> {
        // Black boxes, since a function that ends with a call is not on the stack during that.
        black_box((0..160_000).map(|_| block(64)).collect())
    }
    #[inline(never)]
    fn frees_middling() {
        (0..40_000).for_each(|_| drop(block(500)));
        black_box(());
    }
    #[inline(never)]
    fn keeps_large() -> Vec<Vec<u8>> {
        black_box((0..100).map(|_| block(100_000)).collect())
    }

    with_interval(INTERVAL, || {
        let kept = (keeps_small(), keeps_large());
        frees_middling();
        let (small, middling, large) = (sum_of("keeps_small"), sum_of("frees_middling"), sum_of("keeps_large"));
        // The vector of vectors is one block more, large, and so surely sampled.
        assert_estimated("small", small.estimated.in_use().blocks - 1, 160_000, 64, INTERVAL);
        assert_estimated("middling", middling.estimated.allocated.blocks, 40_000, 500, INTERVAL);
        assert_estimated("middling", middling.estimated.freed.blocks, 40_000, 500, INTERVAL);
        assert_eq!(middling.estimated.in_use(), profile::Amount::default());
        // These are all sampled; beside them there may be the vector that holds them.
        assert_eq!(large.estimated.in_use().bytes / 100_000, 100);

        drop(kept);
        for function in ["keeps_small", "keeps_large"] {
            let sum = sum_of(function);
            assert!(sum.sampled.allocated.blocks > 0);
            assert_eq!(sum.sampled.freed, sum.sampled.allocated, "{function}");
            assert_eq!(sum.estimated.freed, sum.estimated.allocated, "{function}");
        }
    });
}

#[test]
fn at_zero_nothing_is_sampled() {
    #[inline(never)]
    fn is_never_sampled() {
        (0..10_000).for_each(|n| drop(block(n * 10)));
    }
    with_interval(0, || {
        is_never_sampled();
        assert_eq!(sum_of("is_never_sampled"), Sum::default());
    });
}

#[test]
fn at_one_each_allocation_is_sampled() {
    #[inline(never)]
    fn allocates_each(count: usize) {
        (1..=count).for_each(|size| drop(block(size)));
        black_box(());
    }
    with_interval(1, || {
        allocates_each(40_000);
        let sum = sum_of("allocates_each");
        assert_eq!(sum.sampled, sum.estimated);
        assert_eq!(sum.sampled.allocated, profile::Amount { blocks: 40_000, bytes: 40_000 * 40_001 / 2 });
        assert_eq!(sum.sampled.freed, sum.sampled.allocated);
    });
}

#[test]
fn threads_allocate_and_others_free() {
    const THREADS: usize = 4;
    const EACH: usize = 3_000;

    #[inline(never)]
    fn allocates_for_others(seed: usize) -> Vec<u8> {
        let size = 1 + (seed.wrapping_mul(0x9E37_79B9) >> 7) % 50_000;
        let mut block = block(size);
        block.resize(size, seed as u8);
        block
    }

    with_interval(1, || {
        thread::scope(|s| {
            let (senders, receivers): (Vec<_>, Vec<_>) =
                (0..THREADS).map(|_| mpsc::channel::<(usize, Vec<u8>)>()).unzip();
            for receiver in receivers {
                let senders = senders.clone();
                s.spawn(move || {
                    for seed in 0..EACH {
                        senders[seed % THREADS].send((seed, allocates_for_others(seed))).unwrap();
                        while let Ok((seed, block)) = receiver.try_recv() {
                            assert!(block.iter().all(|&byte| byte == seed as u8));
                        }
                    }
                    drop(senders);
                    receiver.iter().for_each(|(seed, block)| assert!(block.iter().all(|&byte| byte == seed as u8)));
                });
            }
        });
        sward_mem::verify();
        let sum = sum_of("allocates_for_others");
        assert_eq!(sum.sampled.allocated.blocks as usize, THREADS * EACH);
        assert_eq!(sum.sampled.freed, sum.sampled.allocated);
        assert_eq!(sum.estimated.freed, sum.estimated.allocated);
    });
}

#[test]
fn a_block_keeps_its_contents_and_its_account_when_it_is_resized() {
    #[inline(never)]
    fn resizes(sizes: &[usize]) -> (*mut u8, Layout) {
        let mut layout = Layout::from_size_align(sizes[0], 8).unwrap();
        // SAFETY: the sizes are above zero; each block is as long as it was asked to be, and is this function's.
        unsafe {
            let mut block = alloc(layout);
            block.write_bytes(0xA7, layout.size());
            for &size in &sizes[1..] {
                block = realloc(block, layout, size);
                assert!((0..layout.size().min(size)).all(|at| block.add(at).read() == 0xA7));
                block.write_bytes(0xA7, size);
                layout = Layout::from_size_align(size, 8).unwrap();
            }
            (block, layout)
        }
    }
    with_interval(1, || {
        // Within a class, to another, to pages of its own, longer, shorter, and back.
        let sizes = [100, 97, 900, 40_000, 60_000, 1 << 20, 70_000, 20_000, 10, 500_000];
        let (block, layout) = resizes(&sizes);
        let in_use = sum_of("resizes").sampled.in_use();
        assert_eq!(in_use, profile::Amount { blocks: 1, bytes: 500_000 });
        // SAFETY: it is of this layout.
        unsafe { dealloc(block, layout) };
        let sum = sum_of("resizes").sampled;
        // The one that stayed within its class is no new one.
        assert_eq!(sum.allocated.blocks as usize, sizes.len() - 1);
        assert_eq!(sum.freed, sum.allocated);
    });
}

#[test]
fn stacks_begin_where_the_program_calls() {
    #[inline(never)]
    fn calls_the_heap() {
        let mut grown = Vec::new();
        (0..100_000u32).for_each(|n| grown.push(n));
        drop(black_box((block(10), block(100_000), vec![0u8; black_box(10)], vec![0u8; black_box(100_000)], grown)));
    }
    with_interval(1, || {
        calls_the_heap();
        let mut seen = 0;
        for site in sites() {
            assert!(site.stack.len() <= 32);
            let names: Vec<_> = site.stack.iter().map(|&address| function_at(address)).collect();
            assert!(!names.iter().any(|name| name.contains("sward_mem")), "{names:#?}");
            seen += names.iter().any(|name| name.ends_with("calls_the_heap")) as usize;
        }
        assert!(seen >= 5, "{seen} sites");
    });
}

#[test]
fn wherever_an_allocation_happens_it_can_be_sampled() {
    struct Allocates;
    impl Drop for Allocates {
        fn drop(&mut self) {
            is_called_while_unwinding();
        }
    }
    #[inline(never)]
    fn is_called_while_unwinding() {
        drop(block(1000));
        black_box(());
    }
    #[inline(never)]
    unsafe extern "C" fn is_called_by_the_loader(_: *mut libc::dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
        drop(block(1000));
        1
    }
    with_interval(1, || {
        panic::catch_unwind(AssertUnwindSafe(|| {
            let _allocates = Allocates;
            panic::resume_unwind(Box::new(()));
        }))
        .unwrap_err();
        // SAFETY: the function has the type that is asked for, and ignores its arguments.
        unsafe { libc::dl_iterate_phdr(Some(is_called_by_the_loader), std::ptr::null_mut()) };
        assert_eq!(sum_of("is_called_while_unwinding").sampled.allocated.blocks, 1);
        assert_eq!(sum_of("is_called_by_the_loader").sampled.allocated.blocks, 1);
    });
}

#[test]
fn a_runtime_can_unwind_its_own_stacks() {
    static USED: AtomicBool = AtomicBool::new(false);
    static CALLS: AtomicUsize = AtomicUsize::new(0);

    fn unwinder(frames: &mut [usize]) -> usize {
        if !USED.load(Ordering::Relaxed) {
            return 0;
        }
        CALLS.fetch_add(1, Ordering::Relaxed);
        // Were this sampled, it would not end.
        drop((block(10), block(100_000)));
        frames[..3].copy_from_slice(&[0x51_0001, 0x51_0002, 0x51_0003]);
        3
    }

    with_interval(1, || {
        profile::set_unwinder(unwinder);
        USED.store(true, Ordering::Relaxed);
        let blocks = (block(10), block(100_000));
        USED.store(false, Ordering::Relaxed);
        let site = sites().into_iter().find(|site| site.stack == [0x51_0001, 0x51_0002, 0x51_0003]).unwrap();
        assert_eq!(site.sampled.allocated.blocks, CALLS.load(Ordering::Relaxed) as u64);
        assert!(site.sampled.in_use().bytes >= 100_010);
        drop(blocks);
    });
}

#[test]
fn a_thread_takes_up_a_new_interval() {
    #[inline(never)]
    fn allocates_until(done: impl Fn() -> bool) {
        while !done() {
            drop(block(1000));
        }
    }
    /// Also when an assertion fails.
    struct StopAtEnd<'a>(&'a AtomicBool);
    impl Drop for StopAtEnd<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    with_interval(0, || {
        let stop = AtomicBool::new(false);
        let (ready, is_ready) = mpsc::channel();
        thread::scope(|s| {
            let _stop = StopAtEnd(&stop);
            s.spawn(|| {
                drop(block(1));
                ready.send(()).unwrap();
                allocates_until(|| stop.load(Ordering::Relaxed));
            });
            is_ready.recv().unwrap();
            profile::set_sample_interval(1 << 20);
            // Ends when the thread has seen it, which had begun with sampling off.
            let seen = || {
                let mut seen = false;
                profile::visit(|site| {
                    seen |= site.stack.iter().any(|&address| function_at(address).contains("allocates_until"));
                });
                seen
            };
            wait_until(seen);
        });
    });
}

#[test]
fn pages_of_samples_go_back_to_the_kernel() {
    with_interval(1, || {
        // In bytes.
        let resident = || {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            // SAFETY: a function without conditions.
            let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
            statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * page
        };
        let mut blocks: Vec<_> = (0..8_000).map(|_| block(8_000)).collect();
        blocks.iter_mut().for_each(|block| block.resize(8_000, 1));
        let most = resident();
        drop(blocks);
        // Of 62 MiB.
        wait_until(|| resident() < most - (50 << 20));
    });
}
