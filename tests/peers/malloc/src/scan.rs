//! A large text is searched with a regular expression, and all that is found is kept.

use std::fmt::Write;
use std::time::Instant;

use peer_common::Job;
use regex::Regex;

use crate::blocks::{Xorshift, on_threads};

/// Lines of the usual text, which has about 100 MB.
const LINES: u64 = 1_000_000;

/// No line is longer.
const LINE_LENGTH: usize = 160;

/// What each line has one of: addresses of mail and of machines.
const PATTERNS: &str = r"[a-z0-9]+@[a-z0-9]+\.(?:com|net|org)|[0-9]{1,3}(?:\.[0-9]{1,3}){3}";

/// Each thread collects the matches in the same `n` lines.
pub fn scan(job: &Job) {
    let n = job.n(LINES);
    let text = log(n);
    let start = Instant::now();
    on_threads(job.procs, |_| {
        let pattern = Regex::new(PATTERNS).expect("it is one");
        let found: Vec<String> = pattern.find_iter(&text).map(|found| found.as_str().to_owned()).collect();
        assert_eq!(found.len() as u64, 2 * n, "number of matches");
    });
    job.ms_and_peak("scan", start.elapsed(), n, LINES);
}

/// The log of a server that has served `n` requests.
fn log(n: u64) -> String {
    let mut random = Xorshift(1);
    // In one piece, so that what it takes is the same with every allocator.
    let mut text = String::with_capacity(n as usize * LINE_LENGTH);
    for line in 0..n {
        let [user, path, address] = std::array::from_fn(|_| random.draw());
        let [a, b, c, d] = [56, 40, 24, 8].map(|shift| (address >> shift) as u8);
        let top = ["com", "net", "org"][user as usize % 3];
        writeln!(
            text,
            "{:02}:{:02}:{:02} worker-{} GET /{:x}/{:x}.html for {:x}@host{}.{top} from {a}.{b}.{c}.{d}, took {} us",
            line / 3_600 % 24,
            line / 60 % 60,
            line % 60,
            path % 16,
            path >> 44,
            path as u32,
            user >> 30,
            user % 1_000,
            path % 100_000,
        )
        .expect("a string takes all that is written");
    }
    text
}
