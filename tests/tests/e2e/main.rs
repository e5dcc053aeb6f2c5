//! End-to-end tests of the command `sward`: what it prints on each of its streams, and its exit code.
//!
//! Where the machine has a program that does the same (`wc`, `sha256sum`), that program says what is right. A test that
//! needs something which the machine or the user doesn't have says so on standard error and passes.

// The command is not built for ThreadSanitizer: the parts that it is made of are tested by themselves.
#![cfg(not(feature = "tsan"))]

mod bench;
mod chat;
mod command;
mod crawl;
mod deadlock;
mod digest;
mod echo;
mod environment;
mod foreign;
mod heap;
mod http;
mod overflow;
mod panics;
mod quit;
mod races;
mod report;
mod results;
mod schedtrace;
mod server;
mod streams;
mod tree;
mod usage;
mod wc;
