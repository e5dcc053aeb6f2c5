//! The work of the workloads that has nothing to do with the runtime under test.

use std::hint::black_box;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// How long the task `id` of `timers` sleeps each time: ten times 1 to 20 ms, by a linear
/// congruential generator.
pub fn sleeps(id: u64) -> impl Iterator<Item = Duration> {
    let next = |x: &u64| Some(x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407));
    let states = std::iter::successors(Some(id), next).skip(1);
    states.take(10).map(|x| Duration::from_millis(1 + (x >> 33) % 20))
}

/// The `n`th prime, by trial division.
pub fn nth_prime(n: u64) -> u64 {
    let is_prime = |&x: &u64| (2..).take_while(|d| d * d <= x).all(|d| x % d != 0);
    (2..).filter(is_prime).nth(n as usize - 1).expect("primes do not end")
}

/// Some 20 µs of work that no compiler can shorten: each step of a xorshift needs the last.
pub fn compute_chunk() {
    let mut x = black_box(1_u64);
    for _ in 0..10_000 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    black_box(x);
}

/// Takes a CPU and does not give it back.
pub fn count_for_ever() {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

/// Blocks the calling OS thread in C for a millisecond.
pub fn usleep_1ms() {
    // SAFETY: usleep takes a number and touches no memory of ours.
    assert_eq!(unsafe { libc::usleep(1_000) }, 0, "usleep failed");
}

/// A C function that does next to nothing. The compiler is not to know which, or it might make it part of its caller.
pub fn leaf_add() -> extern "C" fn(u64, u64) -> u64 {
    extern "C" fn leaf_add(a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }
    black_box(leaf_add)
}

/// User and system time that this process has taken so far.
pub fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("Linux has this clock").into()
}
