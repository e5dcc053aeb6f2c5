//! The workloads that measure the allocator of the process. Each program in `bin/` installs one, and that is all in
//! which they differ.
//!
//! The loops that do nothing but allocate are those of `sward bench`: its very files, so that they cannot drift apart.
//! The others are small programs of the kind that people run, whose input is made before the clock starts, or take
//! more time or memory than `sward bench` should.

#[path = "../../../../bin/src/bench/malloc/blocks.rs"]
mod blocks;
mod digest;
#[path = "../../../../bin/src/bench/malloc/handover.rs"]
mod handover;
mod json;
mod returned;
mod scan;
#[path = "../../../../bin/src/bench/malloc/trees.rs"]
mod trees;

use std::alloc::GlobalAlloc;
use std::time::Instant;

use blocks::Global;
use peer_common::{Job, peak_resident_bytes};

/// Runs what the command line asks for on the allocator of this process. `plain` is the label of the peer.
pub fn run(plain: &str) {
    let job = Job::from_args(plain);
    match job.workload.as_str() {
        "malloc_fixed" => fixed(job, &Global),
        "malloc_churn" => assert_eq!(churn(job, &Global), 0, "blocks overwritten"),
        "malloc_xthread" => xthread(job),
        "malloc_returned" => returned::returned(job),
        "bintrees" => bintrees(job),
        "digest" => digest::digest(job),
        "json" => json::json(job),
        "scan" => scan::scan(job),
        _ => job.unsupported(),
    }
}

/// Runs the loops that can do without an allocator: their blocks come from `heap`, which may be none.
pub fn run_loops(plain: &str, heap: &(impl GlobalAlloc + Sync)) {
    let job = Job::from_args(plain);
    match job.workload.as_str() {
        "malloc_fixed" => fixed(job, heap),
        "malloc_churn" => _ = churn(job, heap),
        _ => job.unsupported(),
    }
}

fn fixed(job: &Job, heap: &(impl GlobalAlloc + Sync)) {
    let n = job.n(20_000_000);
    job.ns_per_op("malloc_fixed", blocks::fixed(heap, job.procs, n), n);
}

/// Returns how many blocks were overwritten.
fn churn(job: &Job, heap: &(impl GlobalAlloc + Sync)) -> usize {
    let n = job.n(5_000_000);
    let (elapsed, damaged) = blocks::churn(heap, job.procs, n);
    job.ns_per_op("malloc_churn", elapsed, n);
    job.mib("malloc_churn_rss", peak_resident_bytes());
    damaged
}

fn xthread(job: &Job) {
    let n = job.n(5_000_000);
    let (elapsed, damaged) = handover::xthread(n);
    assert_eq!(damaged, 0, "blocks overwritten");
    job.ns_per_op("malloc_xthread", elapsed, n);
}

fn bintrees(job: &Job) {
    const DEPTH: u64 = 18;
    let depth = job.n(DEPTH);
    let start = Instant::now();
    let nodes = trees::build_and_count(depth);
    let elapsed = start.elapsed();
    assert_eq!(nodes, trees::expected_nodes(depth), "number of nodes");
    job.ms_and_peak("bintrees", elapsed, depth, DEPTH);
}
