//! `ffi-zlib`: zlib compresses and inflates the blocks of a file, a green thread for each, in memory that it gets from us.
//!
//! zlib is a C library that asks for memory by callbacks. Ours count, under a lock of green threads: see [`memory`]. The calls are in [`codec`]. They
//! compute, so no more of them are under way than there are processors. Who waits for its turn needs no OS thread.

mod codec;
mod memory;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use sward::ffi::Handle;
use sward::sync::Semaphore;
use sward::{fs, thread};

use crate::report::{check, note};
use memory::{Memory, Usage};

/// Compress and inflate a file with zlib, in memory that it gets by callbacks
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sward run ffi-zlib README.md")]
pub struct Args {
    /// What to compress [default: some text]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// How much of the file a green thread takes.
const BLOCK: usize = 256 << 10;

pub fn run(args: Args) -> io::Result<ExitCode> {
    let name = args.file.as_ref().map_or("some text".to_owned(), |file| file.display().to_string());
    let input = args.file.map_or_else(|| Ok(some_text()), fs::read);
    let Outcome { bytes, blocks, compressed, changed, memory } = match input.and_then(|input| there_and_back(&input)) {
        Ok(outcome) => outcome,
        Err(error) => {
            note(format_args!("sward run ffi-zlib: {name}: {error}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut out = io::stdout();
    writeln!(out, "{name}: {bytes} bytes, compressed to {compressed}, blocks: {blocks}")?;
    let Usage { allocated, bytes, freed } = memory;
    writeln!(out, "memory for zlib: {bytes} bytes, allocations: {allocated}, freed: {freed}")?;
    let what = "blocks that have changed, and allocations that were freed";
    let verdict = check("ffi-zlib", what, (changed, freed), (0, allocated));
    if verdict == ExitCode::SUCCESS {
        writeln!(out, "ok")?;
    }
    Ok(verdict)
}

/// What became of the input: how much it was, how much was left of it, and how many blocks were others after it all.
struct Outcome {
    bytes: usize,
    blocks: usize,
    compressed: usize,
    changed: usize,
    memory: Usage,
}

/// Compresses each block of the input, and inflates it again.
fn there_and_back(input: &[u8]) -> io::Result<Outcome> {
    let memory = &Handle::new(Memory::default());
    let turn = &Semaphore::new(sward::procs());
    let trip = move |block: &[u8]| {
        let _turn = turn.acquire();
        let compressed = codec::compress(block, memory)?;
        let inflated = codec::inflate(&compressed, block.len(), memory)?;
        Ok((compressed.len(), inflated != block))
    };
    let trips: io::Result<Vec<(usize, bool)>> = thread::scope(|scope| {
        let threads: Vec<_> = input.chunks(BLOCK).map(|block| scope.spawn(move || trip(block))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an error of zlib's is no panic")).collect()
    });
    let trips = trips?;
    Ok(Outcome {
        bytes: input.len(),
        blocks: trips.len(),
        compressed: trips.iter().map(|(compressed, _)| compressed).sum(),
        changed: trips.iter().filter(|(_, changed)| *changed).count(),
        memory: Handle::with(memory.as_ptr(), Memory::usage),
    })
}

/// Some megabytes to compress: a line for each number.
fn some_text() -> Vec<u8> {
    (0..100_000_u64).flat_map(|n| format!("{n} times {n} is {}\n", n * n).into_bytes()).collect()
}
