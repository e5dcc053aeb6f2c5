//! The workloads of `sward bench` on tokio's multi-thread runtime.
//!
//! tokio has no unbuffered channels: a capacity of 1 stands in. Variants: `tokio-std` has the std
//! mutex in `mutex`, `tokio-oneshot` a oneshot channel in `idle`; in `hog`, `blockc` and `ccall`
//! `tokio-bip` wraps what blocks, or might, in `block_in_place`, and `tokio-sb` in `spawn_blocking`.

mod blocking;
mod calls;
mod channels;
mod countdown;
mod echo;
mod memory;
mod spawn;
mod sync;
mod time;
mod yields;

use peer_common::Job;

/// Runs what the command line asks for. `plain` is the label of the peer without any variation.
pub fn run(plain: &str) -> ! {
    let job = Job::from_args(plain);
    let known = match job.label.as_str() {
        "tokio-std" => job.workload == "mutex",
        "tokio-oneshot" => job.workload == "idle",
        "tokio-bip" | "tokio-sb" => ["hog", "blockc", "ccall"].contains(&job.workload.as_str()),
        label => label == plain,
    };
    if !known {
        job.unsupported();
    }
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(job.procs).enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::spawn(workload(job)).await.expect("no panic") });
    // Some workloads leave tasks behind that never end.
    std::process::exit(0);
}

async fn workload(job: &'static Job) {
    match job.workload.as_str() {
        "spawn" => spawn::spawn(job).await,
        "skynet" => spawn::skynet(job).await,
        "yield" => yields::many(job).await,
        "yield1" => yields::alone(job).await,
        "pingpong" => channels::pingpong(job).await,
        "chanbuf" => channels::chanbuf(job).await,
        "select" => channels::select(job).await,
        "ring" => channels::ring(job).await,
        "sieve" => channels::sieve(job).await,
        "mutex" if job.label == "tokio-std" => sync::std_mutex(job).await,
        "mutex" => sync::mutex(job).await,
        "timers" => time::timers(job).await,
        "hog" => time::hog(job).await,
        "idle" if job.label == "tokio-oneshot" => memory::idle_oneshot(job).await,
        "idle" => memory::idle(job).await,
        "blockc" => blocking::blockc(job).await,
        "ccall" => calls::ccall(job).await,
        "echo" => echo::echo().await,
        _ => job.unsupported(),
    }
}
