//! The built-in race detector: what a program tells it.

pub use sward_sched::race::enabled;
