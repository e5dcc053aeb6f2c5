//! The sample programs: one small program a file, each with its arguments and its `run`, which is called on a green
//! thread and gives the exit code, or the error with which standard output could not be written.

use std::io;
use std::ops::RangeInclusive;
use std::process::ExitCode;

use clap::Subcommand;
use sward::Config;

mod chat;
mod crawl;
mod deadlock;
mod digest;
mod echo;
mod hog;
mod http;
mod mandelbrot;
mod overflow;
mod panic;
mod philosophers;
mod pingpong;
mod race_demo;
mod ring;
mod sieve;
mod skynet;
mod soak;
mod sqlite;
mod usleep;
mod wc;
mod zlib;

/// A sample and its arguments. The description of each is that of its arguments' type.
#[derive(Subcommand)]
pub enum Sample {
    Wc(wc::Args),
    Digest(digest::Args),
    Mandelbrot(mandelbrot::Args),
    Sieve(sieve::Args),
    Ring(ring::Args),
    Pingpong(pingpong::Args),
    Skynet(skynet::Args),
    Philosophers(philosophers::Args),
    Hog(hog::Args),
    Soak(soak::Args),
    Echo(echo::Args),
    Http(http::Args),
    Crawl(crawl::Args),
    Chat(chat::Args),
    Usleep(usleep::Args),
    FfiSqlite(sqlite::Args),
    FfiZlib(zlib::Args),
    RaceDemo(race_demo::Args),
    Deadlock(deadlock::Args),
    Overflow(overflow::Args),
    Panic(panic::Args),
}

impl Sample {
    /// Changes what the runtime is told, for a sample that is about just that.
    pub fn configure(&self, config: Config) -> Config {
        match self {
            Sample::RaceDemo(_) => config.race(true),
            _ => config,
        }
    }

    /// Runs the sample on the green thread that calls it.
    ///
    /// # Errors
    /// Standard output could not be written.
    pub fn run(self) -> io::Result<ExitCode> {
        match self {
            Sample::Wc(args) => wc::run(args),
            Sample::Digest(args) => digest::run(args),
            Sample::Mandelbrot(args) => mandelbrot::run(args),
            Sample::Sieve(args) => sieve::run(args),
            Sample::Ring(args) => ring::run(args),
            Sample::Pingpong(args) => pingpong::run(args),
            Sample::Skynet(args) => skynet::run(args),
            Sample::Philosophers(args) => philosophers::run(args),
            Sample::Hog(args) => hog::run(args),
            Sample::Soak(args) => soak::run(args),
            Sample::Echo(args) => echo::run(args),
            Sample::Http(args) => http::run(args),
            Sample::Crawl(args) => crawl::run(args),
            Sample::Chat(args) => chat::run(args),
            Sample::Usleep(args) => usleep::run(args),
            Sample::FfiSqlite(args) => sqlite::run(args),
            Sample::FfiZlib(args) => zlib::run(args),
            Sample::RaceDemo(args) => race_demo::run(args),
            Sample::Deadlock(args) => deadlock::run(args),
            Sample::Overflow(args) => overflow::run(args),
            Sample::Panic(args) => panic::run(args),
        }
    }
}

/// The largest number of rounds, more than anybody waits for: no count of them overflows.
const MOST: u64 = 1_000_000_000_000;

/// A parser of arguments that are whole numbers. Its error says what is accepted.
fn whole(accepted: RangeInclusive<u64>) -> impl Fn(&str) -> Result<u64, String> + Clone {
    move |text| match text.parse() {
        Ok(number) if accepted.contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number from {} to {}", accepted.start(), accepted.end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_taken_within_bounds_only() {
        let parse = whole(1..=16);
        assert_eq!((parse("1"), parse("16")), (Ok(1), Ok(16)));
        for text in ["0", "17", "-1", "many", "", "1.5"] {
            assert_eq!(parse(text), Err("expected a whole number from 1 to 16".to_owned()), "{text:?}");
        }
    }
}
