//! Futures on green threads, values of a thread's own, and the streams and processes that a program has to do with.

mod awaited_receivers;
mod awaited_threads;
mod bell;
mod block_on;
mod hyper;
mod libraries;
mod processes;
mod streams;
mod thread_locals;
mod wakes;
