//! The scheduler of [sward](https://docs.rs/sward), a Go-class green-thread runtime. Programs use the crate `sward`; this one is what it
//! is made of.
//!
//! # G, M, P
//! - A **G** (`g`) is a green thread: a status word, a coroutine on a stack of its own, what it waits for.
//! - An **M** (`m`) is an OS thread. Its own stack runs the scheduler loop (`schedule`) and foreign code.
//! - A **P** (`p`) is the right to run green threads: a queue of runnable Gs (`run_queue`), timers (`timer`), dead Gs and warm
//!   stacks for the next ones. There are as many as threads may run at once.
//!
//! An M with a P takes Gs from the queue and switches to them (`context`). A G that waits is parked (`park`) and costs no OS thread. One
//! that blocks its OS thread (`syscall`), or runs too long (`preempt`), loses its P to another M. `sysmon` watches over that. An M without
//! work sleeps (`idle`, `netpoll`), after a `handshake` that keeps work from being overlooked.
//!
//! # Rules
//! - The scheduler never runs on a G's stack. User code runs on an M's only inside [`unblock`], where the M has no P.
//! - Runtime code on a G that needs its P, or holds a [spin lock](SpinLock), is in a [`Section`]; user code never is.
//! - Every wait is a park (`Section::park_unlocking` and its like), with a [`Reason`].
//! - Nothing here is found through thread-local storage: the G is found from the stack pointer (`stack`), the M from the G. What a thread-local's
//!   address is worth after a switch is nothing: the compiler may have kept it.
//! - Atomic orderings name what they pair with.

#![cfg_attr(loom, allow(dead_code, unused_imports))]

mod call_site;
mod callback;
mod clock;
mod context;
mod deadlock;
mod dump;
mod futex;
mod g;
mod handshake;
mod header;
mod holder;
mod idle;
mod interrupt;
mod join;
mod locals;
mod lock_thread;
mod m;
mod netpoll;
mod overflow;
mod p;
mod park;
mod preempt;
mod procs;
pub mod race;
mod random;
mod reason;
mod records;
mod run_queue;
mod sched;
mod schedule;
mod section;
mod sleeper;
mod spawn;
mod spin;
mod stack;
mod status;
mod stretch;
mod syscall;
mod sysmon;
mod task;
mod ticket;
mod timer;
mod token;
mod trace;
pub mod traceback;

pub use callback::callback;
pub use g::{G, GRef};
pub use holder::Holder;
pub use interrupt::{Interrupt, Interrupted, is_interruptible};
pub use locals::{Gone, LocalKey, Locals, green_locals};
pub use lock_thread::{OsThreadGuard, lock_os_thread};
pub use netpoll::{Interest, Registration};
pub use park::{Ended, yield_now};
pub use procs::default_procs;
pub use reason::Reason;
pub use sched::{Backtrace, MAX_PROCS, Options, is_started, procs, set_procs, start};
pub use section::Section;
pub use sleeper::{Claim, Sleeper};
pub use spawn::{Birth, Handle, Outcome, spawn, spawn_with_end};
pub use spin::{Held, SpinGuard, SpinLock};
pub use stack::{DEFAULT_STACK, MAX_STACK, MIN_STACK, frames_at};
pub use syscall::{quick, unblock};
pub use task::Task;
pub use token::park as park_token;
