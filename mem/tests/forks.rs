//! Children of a process whose other threads are anywhere in the heap.
//!
//! Not under an emulator: qemu-user fails an assertion of its own when the child of a process with threads starts one.

mod common;

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use common::block::Block;
use common::program::{in_each_mode, in_mode, is_emulated};
use common::{Random, beside_threads, on_threads, resident, wait_for};
use sward_mem::{stats, verify};

#[global_allocator]
static HEAP: sward_mem::Heap = sward_mem::Heap;

/// Runs `body` in a child, and waits for its end. What the harness holds in this process it does not see.
#[track_caller]
fn in_child(body: impl FnOnce()) {
    // SAFETY: the child does what the test is about, and ends without the parent's destructors.
    match unsafe { libc::fork() } {
        0 => {
            // One that hangs ends by SIGALRM.
            // SAFETY: it has no conditions.
            unsafe { libc::alarm(60) };
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            // SAFETY: ends the child.
            unsafe { libc::_exit(if ended.is_ok() { 0 } else { 101 }) }
        }
        child => {
            assert!(child > 0, "{}", std::io::Error::last_os_error());
            let mut status = 0;
            // SAFETY: the status is written.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0, "as waitpid has it");
        }
    }
}

/// Runs `body` while so many threads allocate, resize and free.
fn while_others_allocate(threads: u64, body: impl FnOnce()) {
    let allocate = |seed| {
        let mut random = Random(seed);
        move || use_heap(&mut random, 500)
    };
    beside_threads(threads, allocate, body);
}

fn use_heap(random: &mut Random, steps: usize) {
    let mut blocks: Vec<Block> = Vec::new();
    for step in 0..steps {
        if blocks.len() > random.below(100) {
            let at = random.below(blocks.len());
            match random.below(4) {
                0 => blocks[at].resize(random.size(16)),
                _ => drop(blocks.swap_remove(at)),
            }
        } else {
            blocks.push(Block::new(random.size(16), 1, step as u8));
        }
    }
}

#[test]
fn a_child_has_a_heap_in_order() {
    if is_emulated() {
        return; // See above.
    }
    in_each_mode("a_child_has_a_heap_in_order", || {
        while_others_allocate(3, || {
            for seed in 1..=100 {
                in_child(|| {
                    verify();
                    use_heap(&mut Random(seed), 300);
                    verify();
                    assert!(stats().in_use > 0);
                });
            }
        });
        verify();
    });
}

#[test]
fn a_child_has_threads_and_children() {
    if is_emulated() {
        return; // See above.
    }
    in_each_mode("a_child_has_threads_and_children", || {
        while_others_allocate(3, || {
            for seed in 1..=25 {
                in_child(|| {
                    while_others_allocate(2, || in_child(|| in_child(|| use_heap(&mut Random(seed), 300))));
                    verify();
                });
            }
        });
    });
}

#[test]
fn forks_in_a_storm() {
    if is_emulated() {
        return; // See above.
    }
    in_each_mode("forks_in_a_storm", || {
        on_threads(4, |seed| {
            let mut random = Random(seed);
            for _ in 0..50 {
                use_heap(&mut random, 100);
                in_child(|| {
                    use_heap(&mut random, 100);
                    verify();
                });
            }
        });
        verify();
    });
}

#[test]
fn a_child_gives_memory_back() {
    if is_emulated() {
        return; // See above.
    }
    in_mode("0", "a_child_gives_memory_back", || {
        let give_back = || {
            let before = resident();
            drop((0..1000).map(|_| Block::new(64 << 10, 1, 1)).collect::<Vec<_>>());
            wait_for("resident memory", resident, |now| *now < before + (16 << 20));
        };
        // Before the parent has a scavenger, while it is at work, and when it sleeps.
        in_child(give_back);
        drop((0..1000).map(|_| Block::new(64 << 10, 1, 1)).collect::<Vec<_>>());
        in_child(give_back);
        give_back();
        in_child(give_back);
    });
}

#[test]
fn commands_allocate_before_they_are_others() {
    if is_emulated() {
        return; // See above.
    }
    in_each_mode("commands_allocate_before_they_are_others", || {
        while_others_allocate(2, || {
            for seed in 1..=50 {
                let mut command = Command::new("true");
                // SAFETY: the heap may be used in a child.
                unsafe {
                    command.pre_exec(move || {
                        use_heap(&mut Random(seed), 50);
                        Ok(())
                    })
                };
                assert!(command.status().unwrap().success());
                // And without a handler, in the memory of the parent.
                assert!(Command::new("true").status().unwrap().success());
            }
        });
        verify();
    });
}

/// For as many seconds as `SWARD_SOAK_SECONDS` says, in the mode that `SWARD_DEBUG` says: threads that hardly leave the heap, and children
/// that look at all of it.
#[test]
#[ignore = "takes as long as it is told to"]
fn soak() {
    if is_emulated() {
        return; // See above.
    }
    let seconds = std::env::var("SWARD_SOAK_SECONDS").map_or(10, |seconds| seconds.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let allocate = |seed| {
        let mut random = Random(seed);
        move || {
            let bits = random.below(15) + 1;
            drop((0..random.below(300)).map(|n| Block::new(1 << bits, 1, n as u8)).collect::<Vec<_>>());
            stats();
        }
    };
    beside_threads(2, allocate, || {
        let mut forks = 0;
        while Instant::now() < end {
            in_child(|| {
                verify();
            });
            forks += 1;
        }
        eprintln!("{forks} forks");
    });
}
