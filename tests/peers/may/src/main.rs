//! The workloads of `sward bench` on may's coroutines, with its default options: 32 KiB stacks, a
//! pool of 1,000 of them, workers pinned to cores.
//!
//! may has only unbounded channels. Where at most one message is ever under way they are used bare,
//! elsewhere behind a bound (see `bounded`); a capacity of 1 stands for unbuffered. The variant
//! `may-unb` leaves the bound of `chanbuf` away. Its `select!` starts a coroutine for each arm and each
//! time, and loses messages: `select` has the completion queue behind it, with a coroutine for each
//! channel that receives again and again.

mod blocking;
mod bounded;
mod calls;
mod channels;
mod countdown;
mod echo;
mod memory;
mod spawn;
mod sync;
mod time;
mod yields;

use may::go;
use peer_common::Job;

fn main() {
    let job = Job::from_args("may");
    let known = match job.label.as_str() {
        "may-unb" => job.workload == "chanbuf",
        label => label == "may",
    };
    if !known {
        job.unsupported();
    }
    may::config().set_workers(job.procs);
    go!(|| workload(job)).join().expect("no panic");
    // Some workloads leave coroutines behind that never end.
    std::process::exit(0);
}

fn workload(job: &'static Job) {
    match job.workload.as_str() {
        "spawn" => spawn::spawn(job),
        "skynet" => spawn::skynet(job),
        "yield" => yields::many(job),
        "yield1" => yields::alone(job),
        "pingpong" => channels::pingpong(job),
        "chanbuf" if job.label == "may-unb" => channels::chanbuf_unbounded(job),
        "chanbuf" => channels::chanbuf(job),
        "select" => channels::select(job),
        "ring" => channels::ring(job),
        "sieve" => channels::sieve(job),
        "mutex" => sync::mutex(job),
        "timers" => time::timers(job),
        "hog" => time::hog(job),
        "idle" => memory::idle(job),
        "blockc" => blocking::blockc(job),
        "ccall" => calls::ccall(job),
        "echo" => echo::echo(),
        _ => job.unsupported(),
    }
}
