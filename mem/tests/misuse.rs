//! What a program does wrong is named: the address, what is there, what is wrong.

mod common;

use std::alloc::Layout;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;

use common::program::{Finished, MODES, Program};

#[global_allocator]
static HEAP: sward_mem::Heap = sward_mem::Heap;

const KIB: usize = 1 << 10;

/// Runs `body`, which tells addresses and does something wrong, in a process of its own in this mode.
#[track_caller]
fn dies(test: &str, mode: &str, body: impl FnOnce()) -> Finished {
    Program::inside(test, body);
    Program::of(test).mode(mode).run().aborts()
}

/// As std's, but the optimiser takes it for any function.
///
/// # Safety
/// As std's.
unsafe fn alloc(layout: Layout) -> *mut u8 {
    // SAFETY: the caller's promise.
    black_box(unsafe { std::alloc::alloc(layout) })
}

/// As above. The tests do not keep its promises.
unsafe fn dealloc(block: *mut u8, layout: Layout) {
    // SAFETY: none.
    unsafe { std::alloc::dealloc(black_box(block), layout) }
}

/// Says where the block is that the message is about.
fn tell(block: *mut u8) -> *mut u8 {
    eprintln!("told: {block:p}.");
    block
}

/// Checks that the message begins so, with the address told, and names the span.
#[track_caller]
fn says_of_it(finished: Finished, what: &str) -> Finished {
    let told = finished.output.split_once("told: ").and_then(|(_, rest)| rest.split_once('.')).unwrap().0.to_owned();
    finished.says(&format!("fatal: {what} {told}"))
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap()
}

#[test]
fn a_small_block_freed_twice() {
    for mode in ["1", "2"] {
        let finished = dies("a_small_block_freed_twice", mode, || {
            // SAFETY: none, of the second.
            unsafe {
                let block = tell(alloc(layout(100)));
                dealloc(block, layout(100));
                dealloc(block, layout(100));
            }
        });
        says_of_it(finished, "double free of").says("which is free, of the span 0x").says(" blocks of 1");
    }
}

#[test]
fn a_small_block_freed_twice_by_two_threads() {
    for mode in ["1", "2"] {
        let finished = dies("a_small_block_freed_twice_by_two_threads", mode, || {
            // SAFETY: none, of the second.
            unsafe {
                let block = tell(alloc(layout(100))).addr();
                thread::spawn(move || dealloc(block as *mut u8, layout(100))).join().unwrap();
                dealloc(block as *mut u8, layout(100));
            }
        });
        says_of_it(finished, "double free of").says("which is free, of the span 0x");
    }
}

/// In fast mode it shows when the bin is given back: at the latest when the thread ends.
#[test]
fn a_small_block_freed_twice_shows_at_the_end() {
    let finished = dies("a_small_block_freed_twice_shows_at_the_end", "0", || {
        thread::spawn(|| {
            // SAFETY: none, of the second.
            unsafe {
                let block = tell(alloc(layout(100)));
                dealloc(block, layout(100));
                dealloc(block, layout(100));
            }
        })
        .join()
        .unwrap();
    });
    says_of_it(finished, "double free of").says("which is free, of the span 0x").says("blocks of 112 bytes");
}

#[test]
fn a_small_block_freed_twice_shows_when_the_bin_is_full() {
    let finished = dies("a_small_block_freed_twice_shows_when_the_bin_is_full", "0", || {
        // SAFETY: none, of the second.
        unsafe {
            let others: Vec<_> = (0..1000).map(|_| alloc(layout(100))).collect();
            let block = tell(alloc(layout(100)));
            for twice in [block, block] {
                dealloc(twice, layout(100));
            }
            for other in others {
                dealloc(other, layout(100));
            }
        }
    });
    says_of_it(finished, "double free of").says("blocks of 112 bytes");
}

/// One thread has it in its bin, another one has given it back.
#[test]
fn a_small_block_freed_twice_by_two_threads_shows_at_the_end() {
    let finished = dies("a_small_block_freed_twice_by_two_threads_shows_at_the_end", "0", || {
        // Its span lives on.
        let _others: Vec<_> = (0..100).map(|_| Box::new([0u8; 100])).collect();
        // SAFETY: none, of the second.
        unsafe {
            let block = tell(alloc(layout(100))).addr();
            let _others: Vec<_> = (0..100).map(|_| Box::new([0u8; 100])).collect();
            for _ in 0..2 {
                thread::spawn(move || dealloc(block as *mut u8, layout(100))).join().unwrap();
            }
        }
    });
    says_of_it(finished, "double free of").says("blocks of 112 bytes");
}

#[test]
fn a_large_block_freed_twice() {
    for mode in MODES {
        let finished = dies("a_large_block_freed_twice", mode, || {
            // SAFETY: none, of the second.
            unsafe {
                let block = tell(alloc(layout(100 * KIB)));
                dealloc(block, layout(100 * KIB));
                dealloc(block, layout(100 * KIB));
            }
        });
        says_of_it(finished, "invalid free of").says("as a block of 102400 bytes: nothing is allocated there");
    }
}

#[test]
fn a_large_block_freed_twice_by_two_threads() {
    for mode in MODES {
        let finished = dies("a_large_block_freed_twice_by_two_threads", mode, || {
            // SAFETY: none, of the second.
            unsafe {
                let block = tell(alloc(layout(100 * KIB))).addr();
                // So that nothing is allocated between the two.
                let (first, second) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
                let other = thread::spawn({
                    let (first, second) = (first.clone(), second.clone());
                    move || {
                        first.wait();
                        dealloc(block as *mut u8, layout(100 * KIB));
                        second.wait();
                    }
                });
                first.wait();
                second.wait();
                dealloc(block as *mut u8, layout(100 * KIB));
                other.join().unwrap();
            }
        });
        says_of_it(finished, "invalid free of").says("nothing is allocated there");
    }
}

#[test]
fn the_inside_of_a_small_block() {
    for mode in MODES {
        let finished = dies("the_inside_of_a_small_block", mode, || {
            let free = || {
                // SAFETY: none.
                unsafe { dealloc(tell(alloc(layout(100)).add(40)), layout(100)) };
            };
            thread::spawn(free).join().unwrap();
        });
        says_of_it(finished, "invalid free of")
            .says("it is 40 bytes into block ")
            .says("which is not free, of the span 0x");
    }
}

#[test]
fn the_inside_of_a_large_block() {
    for mode in MODES {
        let finished = dies("the_inside_of_a_large_block", mode, || {
            // SAFETY: none.
            unsafe { dealloc(tell(alloc(layout(100 * KIB)).add(8 * KIB)), layout(100 * KIB)) };
        });
        says_of_it(finished, "invalid free of")
            .says("as a block of 102400 bytes: it is 8192 bytes into the span 0x")
            .says("of 1 blocks of 106496 bytes");
    }
}

#[test]
fn what_is_not_in_the_heap() {
    for mode in MODES {
        let finished = dies("what_is_not_in_the_heap", mode, || {
            let mut on_stack = [0u8; 100];
            let block = tell((&raw mut on_stack).cast()).addr();
            // SAFETY: none.
            thread::spawn(move || unsafe { dealloc(block as *mut u8, layout(100)) }).join().unwrap();
        });
        says_of_it(finished, "invalid free of").says("it is not in the heap, which is 0x");
    }
}

#[test]
fn addresses_that_nobody_has() {
    for mode in MODES {
        for address in ["8", "4096", "fffffffffffff000", "7ffffffff000"] {
            let test = "addresses_that_nobody_has";
            Program::inside(test, || {
                let address = usize::from_str_radix(&std::env::var("SWARD_MEM_TEST_ADDRESS").unwrap(), 16).unwrap();
                // SAFETY: none.
                thread::spawn(move || unsafe { dealloc(address as *mut u8, layout(100 * KIB)) }).join().unwrap();
            });
            let mut program = Program::of(test).mode(mode);
            program.command.env("SWARD_MEM_TEST_ADDRESS", address);
            program.run().aborts().says(&format!("fatal: invalid free of 0x{address} as a block of 102400 bytes"));
        }
    }
}

#[test]
fn pages_that_nobody_has() {
    for mode in MODES {
        let finished = dies("pages_that_nobody_has", mode, || {
            // SAFETY: none, of the last.
            unsafe {
                let block = alloc(layout(1000 * KIB));
                dealloc(block, layout(1000 * KIB));
                dealloc(tell(block.add(500 * KIB)), layout(100 * KIB));
            }
        });
        says_of_it(finished, "invalid free of").says("nothing is allocated there");
    }
}

#[test]
fn a_wrong_size() {
    for (mode, sizes) in [("1", "100 200"), ("1", "100 100000"), ("1", "100000 100"), ("1", "100000 200000")]
        .into_iter()
        .chain([("2", "100 101"), ("2", "100 200"), ("2", "100000 100001"), ("0", "100000 200"), ("0", "200000 3000")])
    {
        let test = "a_wrong_size";
        Program::inside(test, || {
            let sizes = std::env::var("SWARD_MEM_TEST_SIZES").unwrap();
            let (size, other) = sizes.split_once(' ').unwrap();
            let [size, other] = [size, other].map(|size| layout(size.parse().unwrap()));
            // SAFETY: none.
            thread::spawn(move || unsafe { dealloc(tell(alloc(size)), other) }).join().unwrap();
        });
        let mut program = Program::of(test).mode(mode);
        program.command.env("SWARD_MEM_TEST_SIZES", sizes);
        let finished = program.run();
        let told =
            finished.output.split_once("told: ").and_then(|(_, rest)| rest.split_once('.')).unwrap().0.to_owned();
        finished.aborts().says(&told);
    }
}

#[test]
fn a_free_block_written_to() {
    for mode in ["1", "2"] {
        let finished = dies("a_free_block_written_to", mode, || {
            // SAFETY: none.
            unsafe {
                let block = alloc(layout(100));
                dealloc(block, layout(100));
                tell(block.add(13)).write(7);
                sward_mem::verify();
            }
        });
        finished
            .says("fatal: a free block has been written to: byte 13 of the 1")
            .says("is 0x07, not 0xdb: it is 13 bytes into block ")
            .says("which is free, of the span 0x");
    }
}

#[test]
fn a_free_block_written_to_shows_when_it_is_allocated() {
    for mode in ["1", "2"] {
        let finished = dies("a_free_block_written_to_shows_when_it_is_allocated", mode, || {
            // SAFETY: none, of the write.
            unsafe {
                let block = alloc(layout(5000));
                dealloc(block, layout(5000));
                block.add(4999).write(0);
                // Spans have fewer blocks of that size than these.
                (0..100).for_each(|_| assert!(!alloc(layout(5000)).is_null()));
            }
        });
        finished.says("fatal: a free block has been written to: byte 4999 of the 5").says("is 0x00, not 0xdb");
    }
}

#[test]
fn a_byte_behind_a_block() {
    for size in ["1", "7", "8", "100", "112", "5000", "32768", "100000", "106496"] {
        let test = "a_byte_behind_a_block";
        Program::inside(test, || {
            let size = std::env::var("SWARD_MEM_TEST_SIZE").unwrap().parse().unwrap();
            // SAFETY: none, of the write.
            unsafe {
                let block = tell(alloc(layout(size)));
                block.add(size).write(1);
                dealloc(block, layout(size));
            }
        });
        let mut program = Program::of(test).mode("2");
        program.command.env("SWARD_MEM_TEST_SIZE", size);
        let finished = program.run().aborts();
        says_of_it(finished, &format!("byte {size} of the {size} that were asked for at"))
            .says("has been written to: it is 0x01, not 0xc5")
            .says("the span 0x");
    }
}

#[test]
fn a_byte_behind_a_block_shows_in_verify() {
    let finished = dies("a_byte_behind_a_block_shows_in_verify", "2", || {
        let mut bytes = vec![1u8; 30];
        tell(bytes.as_mut_ptr());
        // SAFETY: none.
        unsafe { bytes.as_mut_ptr().add(30).write(1) };
        sward_mem::verify();
    });
    says_of_it(finished, "byte 30 of the 30 that were asked for at");
}

#[test]
fn much_behind_a_block() {
    let finished = dies("much_behind_a_block", "2", || {
        // SAFETY: none.
        unsafe {
            let block = tell(alloc(layout(100)));
            block.write_bytes(0xAA, 128);
            dealloc(block, layout(100));
        }
    });
    says_of_it(finished, "the end of the block at");
}

#[test]
fn a_block_resized_that_is_free() {
    for mode in ["1", "2"] {
        let finished = dies("a_block_resized_that_is_free", mode, || {
            // SAFETY: none, of the last.
            unsafe {
                let block = tell(alloc(layout(100)));
                dealloc(block, layout(100));
                let _ = std::alloc::realloc(black_box(block), layout(100), 5000);
            }
        });
        says_of_it(finished, "double free of");
    }
}
