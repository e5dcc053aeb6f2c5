//! What the attributes expand to, and what tests of the runtime need. Not for use by hand.

use crate::config::Config;
use crate::start::from_env_or_exit;

/// `#[sward::main]`: runs `f` on a green thread of a runtime with these options, each overridden by the environment.
#[doc(hidden)]
#[track_caller]
pub fn main<T: Send + 'static>(procs: Option<usize>, stack_size: Option<usize>, f: fn() -> T) -> T {
    let config = Config::new();
    let config = procs.into_iter().fold(config, Config::procs);
    let config = stack_size.into_iter().fold(config, Config::stack_size);
    from_env_or_exit(config).run(f)
}

/// `#[sward::test]`: as [`main`], in a process where another test may have started the runtime.
#[doc(hidden)]
#[track_caller]
pub fn test<T: Send + 'static>(procs: Option<usize>, stack_size: Option<usize>, f: fn() -> T) -> T {
    main(procs, stack_size, f)
}

/// Brings a historical bug back, for tests: see `sward_sched::race`.
#[cfg(feature = "race")]
#[doc(hidden)]
pub use sward_sched::race::use_historical_order;
