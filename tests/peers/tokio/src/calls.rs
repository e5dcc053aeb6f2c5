//! `ccall`, with three ways to call: direct is for functions that are known to return soon.

use std::time::Instant;

use peer_common::Job;
use tokio::task::{block_in_place, spawn_blocking};

pub async fn ccall(job: &Job) {
    let leaf_add = peer_common::leaf_add();
    let mut acc = 0;
    let start = Instant::now();
    let n = match job.label.as_str() {
        "tokio-bip" => {
            let n = job.n(1_000_000);
            for _ in 0..n {
                acc = block_in_place(|| leaf_add(acc, 1));
            }
            n
        }
        "tokio-sb" => {
            let n = job.n(200_000);
            for _ in 0..n {
                acc = spawn_blocking(move || leaf_add(acc, 1)).await.expect("no panic");
            }
            n
        }
        _ => {
            let n = job.n(100_000_000);
            for _ in 0..n {
                acc = leaf_add(acc, 1);
            }
            n
        }
    };
    job.ccall(start.elapsed(), acc, n);
}
