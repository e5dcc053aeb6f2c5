//! What blocks of memory cost on the allocator of this process: freed at once, among many others, by another thread,
//! and as the nodes of trees.
//!
//! The loops themselves are in files that know neither this command nor the runtime: `tests/peers/malloc` builds the
//! same files with other allocators, so that all do the same work to the last instruction. The threads are the
//! operating system's, as many as there are Ps; an allocator serves those, whatever runs on them.

mod blocks;
mod handover;
mod trees;

use std::time::Instant;

use blocks::Global;

use super::output::{Output, check, sized};
use crate::resident::peak_resident_bytes;

/// How deep the trees are that the metric `bintrees` stands for.
pub const DEPTH: u64 = 18;

/// The deepest trees that still are built in seconds, and fit into the memory of a usual machine.
pub const DEEPEST: u64 = 24;

/// Each thread allocates a small block and frees it, `n` times.
pub fn fixed(n: u64, out: &Output) {
    let threads = sward::procs();
    let elapsed = sward::unblock(|| blocks::fixed(&Global, threads, n));
    out.ns_per_op("malloc_fixed", elapsed, n);
}

/// Each thread replaces one of its blocks by another of another size, `n` times.
pub fn churn(n: u64, out: &Output) {
    let threads = sward::procs();
    let (elapsed, damaged) = sward::unblock(|| blocks::churn(&Global, threads, n));
    check("the number of blocks overwritten", damaged, 0);
    out.ns_per_op("malloc_churn", elapsed, n);
    out.mib("malloc_churn_rss", peak_resident_bytes());
}

/// One thread allocates `n` blocks, and another frees them.
pub fn xthread(n: u64, out: &Output) {
    let (elapsed, damaged) = sward::unblock(|| handover::xthread(n));
    check("the number of blocks overwritten", damaged, 0);
    out.ns_per_op("malloc_xthread", elapsed, n);
}

/// One task builds, counts and drops binary trees of up to `depth` levels below the root.
pub fn bintrees(depth: u64, out: &Output) {
    let start = Instant::now();
    let nodes = trees::build_and_count(depth);
    let elapsed = start.elapsed();
    check("the number of nodes", nodes, trees::expected_nodes(depth));
    out.ms(&sized("bintrees", depth, DEPTH), elapsed);
    out.mib(&sized("bintrees_rss", depth, DEPTH), peak_resident_bytes());
}
