//! Starting the runtime, and running a program's main on it.

use std::panic;
use std::process;

use sward_sched::{Birth, GRef, Options};

use crate::config::Config;

/// Runs `f` on a green thread and returns its value, starting the runtime if need be.
///
/// It may be called many times, from many OS threads; all use the one runtime of the process. Green threads that `f` leaves behind
/// go on. Where the runtime starts here, it is set up by the environment, see [`Config::from_env`]; a malformed variable is
/// reported on stderr and ends the process with exit code 2.
///
/// # Panics
/// With the panic of `f`; and when it is called on a green thread, where `f()` alone would do.
///
/// ```
/// let name = sward::run(|| sward::thread::current().name().map(String::from));
/// assert_eq!(name.as_deref(), Some("main"));
/// ```
#[track_caller]
pub fn run<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    refuse_on_green_thread("sward::run");
    ensure_started();
    run_main(f)
}

/// How many green threads may run at once: the number of Ps.
///
/// ```
/// assert!(sward::procs() >= 1);
/// ```
pub fn procs() -> usize {
    ensure_started();
    sward_sched::procs()
}

/// Changes how many green threads may run at once; returns the old number.
///
/// With fewer than before, those that run go on until they next wait, or have had their time slice.
///
/// # Panics
/// If `n` is not from 1 to 1024.
///
/// ```
/// let old = sward::set_procs(3);
/// assert_eq!(sward::set_procs(old), 3);
/// ```
pub fn set_procs(n: usize) -> usize {
    ensure_started();
    sward_sched::set_procs(n)
}

impl Config {
    /// Starts the runtime this way, runs `f` on a green thread and returns its value, as [`run`] does. If the runtime was started
    /// before, it stays as it is.
    ///
    /// # Panics
    /// As [`run`].
    ///
    /// ```
    /// assert_eq!(sward::Config::new().procs(2).run(|| 6 * 7), 42);
    /// ```
    #[track_caller]
    pub fn run<F, T>(self, f: F) -> T
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        refuse_on_green_thread("sward::Config::run");
        start(&self);
        run_main(f)
    }
}

/// Starts the runtime as the environment says, if nobody has started it.
pub(crate) fn ensure_started() {
    if !sward_sched::is_started() {
        start(&from_env_or_exit(Config::new()));
    }
}

/// `config` under what the environment says. A malformed variable ends the process.
pub(crate) fn from_env_or_exit(config: Config) -> Config {
    config.overlaid_by_env().unwrap_or_else(|error| {
        eprintln!("sward: {error}");
        process::exit(2)
    })
}

fn start(config: &Config) {
    let options = Options {
        procs: config.procs.unwrap_or_else(sward_sched::default_procs),
        stack_size: config.stack_size.unwrap_or(sward_sched::DEFAULT_STACK),
        schedtrace: config.schedtrace,
        scheddetail: config.scheddetail,
        backtrace: config.backtrace,
        race: config.race,
    };
    if sward_sched::start(&options) {
        crate::panics::install_hook();
    }
}

#[track_caller]
fn refuse_on_green_thread(what: &str) {
    if let Some(g) = GRef::current() {
        panic!("{what} was called on green thread {}: it is for OS threads; call the function itself", g.id());
    }
}

#[track_caller]
fn run_main<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    let birth = Birth { name: Some("main".into()), stack_size: None };
    // SAFETY: joined at once, so all that `f` borrows outlives the thread.
    let main = unsafe { sward_sched::spawn(birth, f) };
    main.join().unwrap_or_else(|payload| panic::resume_unwind(payload))
}
