//! `ccall`. may has no other call than a direct one.

use std::time::Instant;

use peer_common::Job;

pub fn ccall(job: &Job) {
    let n = job.n(100_000_000);
    let leaf_add = peer_common::leaf_add();
    let mut acc = 0;
    let start = Instant::now();
    for _ in 0..n {
        acc = leaf_add(acc, 1);
    }
    job.ccall(start.elapsed(), acc, n);
}
