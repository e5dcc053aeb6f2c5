//! The workloads of `sward bench` on OS threads with std's channels and locks.
//!
//! `--procs` changes nothing but the number of hogs: who wants fewer CPUs starts this under
//! `taskset`. The amounts of work are smaller by default where threads are much slower, or where a
//! stock kernel does not let a process have so many.

mod channels;
mod tasks;

use peer_common::Job;

fn main() {
    let job = Job::from_args("threads");
    if job.label != "threads" {
        job.unsupported();
    }
    match job.workload.as_str() {
        "spawn" => tasks::spawn(job),
        "skynet" => channels::skynet(job),
        "yield" => tasks::yield_many(job),
        "yield1" => tasks::yield_alone(job),
        "pingpong" => channels::pingpong(job),
        "chanbuf" => channels::chanbuf(job),
        "ring" => channels::ring(job),
        "sieve" => channels::sieve(job),
        "mutex" => tasks::mutex(job),
        "timers" => tasks::timers(job),
        "hog" => tasks::hog(job),
        "idle" => channels::idle(job),
        "blockc" => tasks::blockc(job),
        _ => job.unsupported(),
    }
    // Some workloads leave threads behind that never end.
    std::process::exit(0);
}
