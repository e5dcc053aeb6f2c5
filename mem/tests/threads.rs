//! Blocks that pass between threads, and threads that come and go, while the heap is verified all the time.

mod common;

use std::cell::RefCell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use common::block::Block;
use common::program::in_each_mode;
use common::{Random, on_threads, while_verified};
use sward_mem::{stats, verify};

#[global_allocator]
static HEAP: sward_mem::Heap = sward_mem::Heap;

#[test]
fn blocks_are_freed_by_another_thread() {
    in_each_mode("blocks_are_freed_by_another_thread", || {
        while_verified(|| {
            thread::scope(|s| {
                for pair in 1..=2 {
                    let (sender, receiver) = mpsc::sync_channel::<Vec<Block>>(4);
                    s.spawn(move || {
                        let mut random = Random(pair);
                        for _ in 0..150 {
                            let count = random.below(200);
                            let batch = (0..count).map(|n| Block::new(random.size(16), 1, n as u8)).collect();
                            sender.send(batch).unwrap();
                        }
                    });
                    s.spawn(move || receiver.iter().for_each(drop));
                }
            });
        });
        verify();
    });
}

#[test]
fn blocks_wander_between_threads() {
    in_each_mode("blocks_wander_between_threads", || {
        while_verified(|| wander(4, |done| done == 20_000));
        verify();
    });
}

/// Threads that put blocks into slots and free, or resize, what they find there, each until `is_over`, which is told how often it has.
fn wander(threads: u64, is_over: impl Fn(usize) -> bool + Sync) {
    let slots: Vec<Mutex<Option<Block>>> = (0..500).map(|_| Mutex::new(None)).collect();
    thread::scope(|s| {
        for seed in 1..=threads {
            let (slots, is_over) = (&slots, &is_over);
            s.spawn(move || {
                let mut random = Random(seed);
                for done in 1.. {
                    let slot = &slots[random.below(slots.len())];
                    let bits = if random.below(100) == 0 { 20 } else { 13 };
                    let size = random.size(bits);
                    let other = match random.below(8) {
                        0 => slot.lock().unwrap().take(),
                        1 => slot.lock().unwrap().take().map(|mut block| {
                            block.resize(size);
                            block
                        }),
                        2 => slot.lock().unwrap().replace(Block::zeroed(size, 1 << random.below(7), seed as u8)),
                        _ => slot.lock().unwrap().replace(Block::new(size, 1 << random.below(7), seed as u8)),
                    };
                    drop(other);
                    if is_over(done) {
                        break;
                    }
                }
            });
        }
    });
}

/// Blocks of one class, with few to a span: spans become free as a whole, are given back and made anew all the time, by whoever comes.
#[test]
fn spans_come_and_go() {
    in_each_mode("spans_come_and_go", || {
        while_verified(|| {
            on_threads(4, |seed| {
                let mut random = Random(seed);
                for _ in 0..400 {
                    let size = [8 << 10, 9 << 10, 18 << 10, 32 << 10][random.below(4)];
                    let count = random.below(40);
                    let blocks: Vec<_> = (0..count).map(|n| Block::new(size, 1, n as u8)).collect();
                    drop(Block::new(random.size(20), 1, 0xEE));
                    drop(blocks);
                }
            });
        });
        verify();
    });
}

#[test]
fn threads_leave_their_caches_to_others() {
    in_each_mode("threads_leave_their_caches_to_others", || {
        // Those of the harness, of this test, and of the one that verifies are there anyway.
        let before = stats().caches;
        let kept = Mutex::new(Vec::new());
        while_verified(|| {
            for _ in 0..100 {
                on_threads(4, |seed| {
                    let mut random = Random(seed);
                    let blocks: Vec<_> = (0..50).map(|n| Block::new(random.size(14), 1, n as u8)).collect();
                    // Some outlive their thread.
                    kept.lock().unwrap().extend(blocks.into_iter().step_by(7));
                });
            }
        });
        let caches = stats().caches;
        assert!(caches <= before + 5, "{caches} caches for no more than 5 threads at a time, besides {before}");
        kept.lock().unwrap().iter().for_each(Block::check);
        assert_eq!(kept.into_inner().unwrap().len(), 100 * 4 * 8);
        verify();
    });
}

/// Allocates and frees when its thread ends.
struct Late(Vec<Block>);

impl Drop for Late {
    fn drop(&mut self) {
        self.0.pop();
        self.0.extend((1..300).map(|n| Block::new(n * 11, 1, n as u8)));
        LATER.with_borrow_mut(|later| later.extend(self.0.drain(..100)));
        ENDED.fetch_add(1, Ordering::Relaxed);
    }
}

thread_local! {
    static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
    static LATER: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

static ENDED: AtomicUsize = AtomicUsize::new(0);

#[test]
fn thread_locals_allocate_and_free_at_the_end() {
    in_each_mode("thread_locals_allocate_and_free_at_the_end", || {
        while_verified(|| {
            for _ in 0..50 {
                on_threads(3, |_| LATE.set(Some(Late((1..50).map(|n| Block::new(n * 100, 1, n as u8)).collect()))));
            }
        });
        assert_eq!(ENDED.load(Ordering::Relaxed), 150);
        verify();
    });
}

/// Destructors of pthread keys run in any order, so also after that of the heap's own key; and again if they set their key again.
#[test]
fn pthread_keys_allocate_and_free_at_the_end() {
    static KEYS: Mutex<Vec<libc::pthread_key_t>> = Mutex::new(Vec::new());

    struct Value {
        blocks: Vec<Block>,
        key: libc::pthread_key_t,
        rounds: usize,
    }

    fn set(value: Value) {
        let key = value.key;
        // SAFETY: the key is there; its destructor knows what the value is.
        assert_eq!(unsafe { libc::pthread_setspecific(key, Box::into_raw(Box::new(value)).cast()) }, 0);
    }

    unsafe extern "C" fn end(value: *mut c_void) {
        // SAFETY: the value was made by `set`.
        let mut value = unsafe { Box::from_raw(value.cast::<Value>()) };
        value.blocks.truncate(10);
        value.blocks.extend((1..200).map(|n| Block::new(n * 13, 1, n as u8)));
        ENDED.fetch_add(1, Ordering::Relaxed);
        if value.rounds != 0 {
            set(Value { rounds: value.rounds - 1, ..*value });
        }
    }

    in_each_mode("pthread_keys_allocate_and_free_at_the_end", || {
        // Before and after the heap's: by the order of their numbers.
        for _ in 0..2 {
            let mut key = 0;
            // SAFETY: the key is written; the destructor is of its type.
            assert_eq!(unsafe { libc::pthread_key_create(&mut key, Some(end)) }, 0);
            KEYS.lock().unwrap().push(key);
        }
        let before = stats().caches;
        while_verified(|| {
            for _ in 0..50 {
                thread::spawn(|| {
                    for &key in KEYS.lock().unwrap().iter() {
                        set(Value {
                            blocks: (1..50).map(|n| Block::new(n * 100, 1, n as u8)).collect(),
                            key,
                            rounds: 2,
                        });
                    }
                })
                .join()
                .unwrap();
            }
        });
        assert_eq!(ENDED.load(Ordering::Relaxed), 50 * 2 * 3);
        let caches = stats().caches;
        assert!(caches <= before + 2, "{caches} caches, {before} before");
        verify();
    });
}

#[test]
fn a_thread_need_only_free() {
    in_each_mode("a_thread_need_only_free", || {
        for count in [1, 1000] {
            let blocks: Vec<_> = (0..count).map(|n| Box::new([n; 20])).collect();
            let (mut small, large) = (blocks.into_iter(), Box::new([1u8; 100 << 10]));
            extern "C" fn free(what: *mut c_void) -> *mut c_void {
                // SAFETY: that is what is given.
                drop(unsafe {
                    Box::from_raw(what.cast::<(std::vec::IntoIter<Box<[i32; 20]>>, Box<[u8; 100 << 10]>)>())
                });
                std::ptr::null_mut()
            }
            small.next();
            let what = Box::into_raw(Box::new((small, large)));
            let mut thread = 0;
            // SAFETY: a thread that is not std's, which would allocate; it is joined.
            unsafe {
                assert_eq!(libc::pthread_create(&mut thread, std::ptr::null(), free, what.cast()), 0);
                assert_eq!(libc::pthread_join(thread, std::ptr::null_mut()), 0);
            }
        }
        verify();
    });
}

/// For as many seconds as `SWARD_SOAK_SECONDS` says, in the mode that `SWARD_DEBUG` says.
#[test]
#[ignore = "takes as long as it is told to"]
fn soak() {
    let seconds = std::env::var("SWARD_SOAK_SECONDS").map_or(10, |seconds| seconds.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let over = &AtomicBool::new(false);
    thread::scope(|s| {
        s.spawn(|| {
            while Instant::now() < end {
                let verified = verify();
                eprintln!("{verified:?}, {} MiB in use", stats().in_use >> 20);
                thread::sleep(Duration::from_secs(1));
            }
            over.store(true, Ordering::Relaxed);
        });
        let is_over = |_| over.load(Ordering::Relaxed);
        s.spawn(move || wander(3, is_over));
        // And threads that come and go.
        s.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                wander(3, |done| done == 5000);
            }
        });
    });
    verify();
}
