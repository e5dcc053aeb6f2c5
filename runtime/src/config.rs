//! How the runtime is set up: by the program, by the environment, or not at all.
//!
//! There are three layers, each over the one before: what suits the machine, what the program asks for (the builder
//! methods of [`Config`], the options of `#[sward::main]`), and what the environment says. The environment comes last
//! since it is whoever *runs* a program that knows the machine it runs on. `Config::new()` stops before the third layer;
//! [`Config::from_env`] has it, and so have [`run`](crate::run()) and the attributes.
//!
//! A malformed value is an error and never a default: a typing error in `SWARD_PROCS` that silently runs a benchmark
//! on all CPUs costs more than a program that doesn't start. Other variables whose names begin with `SWARD_` aren't
//! looked at.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use sward_ffi::check::Level;
use sward_sched::Backtrace;

use crate::settings::{BadSetting, MAX_PROCS, parse_procs, parse_size, stack_size};

/// How to set up the runtime, before it starts.
///
/// There is one runtime in a process, and it is set up by whoever starts it first.
///
/// ```
/// use std::time::Duration;
/// let config = sward::Config::new()
///     .procs(2)
///     .stack_size(64 << 10)
///     .schedtrace(Duration::from_secs(1));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The number of Ps to start with, from 1 to [`MAX_PROCS`]; without it, what suits the machine.
    pub(crate) procs: Option<usize>,
    /// The size in bytes of a green thread's stack, a power of two within the bounds of [`stack_size`]; without it,
    /// the scheduler's own.
    pub(crate) stack_size: Option<usize>,
    /// Whose tracebacks a fatal error prints.
    pub(crate) backtrace: Backtrace,
    /// How often to print a line about the scheduler, never zero; without it, never.
    pub(crate) schedtrace: Option<Duration>,
    /// Whether such a line is followed by one for each P and each M.
    pub(crate) scheddetail: bool,
    /// Whether to switch the built-in race detector on.
    pub(crate) race: bool,
}

const ACCEPTED_DEBUG: &str = "a list, separated by commas, of schedtrace=MS (milliseconds, 0 for never), scheddetail=0|1, \
                              heapcheck=0|1|2 and race=0|1";

impl Config {
    /// What suits the machine, whatever the environment says: as many processors as the process may use CPUs (by its
    /// affinity and the quota of its control group), and stacks of the usual size.
    pub fn new() -> Config {
        Config::default()
    }

    /// Like [`new`](Config::new), and then what the environment says:
    ///
    /// | variable | value |
    /// |---|---|
    /// | `SWARD_PROCS` | number of processors, from 1 to 1024 |
    /// | `SWARD_STACK` | size of a green thread's stack, from `16K` to `1G`: bytes, or with suffix `K`, `M` or `G` |
    /// | `SWARD_BACKTRACE` | whose tracebacks a fatal error prints: `single` (who failed), `all`, or `system` (all, with the runtime's own frames) |
    /// | `SWARD_FFICHECK` | how much is checked of what [foreign code](crate::ffi) gets to see: `0` (nothing), `1` (arguments; so unless it is set) or `2` (stores, too) |
    /// | `SWARD_DEBUG` | list, separated by commas, of `schedtrace=MS` (a line about the scheduler each so many milliseconds), `scheddetail=1` (more lines), `heapcheck=1` or `2` (see [`heap`](crate::heap)) and `race=1` (see [`race`](crate::race)) |
    ///
    /// # Errors
    /// When one of them is set to something else. An empty value is something else, but for the list, which may be empty.
    ///
    /// ```
    /// match sward::Config::from_env() {
    ///     Ok(config) => println!("{config:?}"),
    ///     Err(error) => eprintln!("{error}"),
    /// }
    /// ```
    pub fn from_env() -> Result<Config, ConfigError> {
        Config::new().overlaid_by_env()
    }

    /// The same, changed to what the environment says, where it says anything.
    pub(crate) fn overlaid_by_env(self) -> Result<Config, ConfigError> {
        // Bytes that aren't UTF-8 become characters that no value is made of, and are refused as any other would be.
        self.overlaid_by(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
    }

    fn overlaid_by(mut self, variable: impl Fn(&'static str) -> Option<String>) -> Result<Config, ConfigError> {
        let variable = &variable;
        self.procs = read(variable, "SWARD_PROCS", parse_procs)?.or(self.procs);
        self.stack_size = read(variable, "SWARD_STACK", parse_size)?.or(self.stack_size);
        self.backtrace = read(variable, "SWARD_BACKTRACE", parse_backtrace)?.unwrap_or(self.backtrace);
        // The check reads it again, when there is something to check first.
        read(variable, "SWARD_FFICHECK", parse_ffi_check)?;
        read(variable, "SWARD_DEBUG", |list| self.read_debug(list))?;
        Ok(self)
    }

    fn read_debug(&mut self, list: &str) -> Result<(), BadSetting> {
        let bad = |problem| Err(BadSetting::new(problem, ACCEPTED_DEBUG));
        for entry in list.split(',').filter(|entry| !entry.is_empty()) {
            match entry.split_once('=') {
                Some(("schedtrace", millis)) => match millis.parse::<u32>() {
                    Ok(millis) => self.schedtrace = period(Duration::from_millis(millis.into())),
                    Err(_) => return bad("schedtrace is not a number of milliseconds"),
                },
                Some(("scheddetail", "0")) => self.scheddetail = false,
                Some(("scheddetail", "1")) => self.scheddetail = true,
                Some(("scheddetail", _)) => return bad("scheddetail is neither 0 nor 1"),
                // The heap has read it long before, at the first allocation, if the program has our heap.
                Some(("heapcheck", "0" | "1" | "2")) => {}
                Some(("heapcheck", _)) => return bad("heapcheck is none of 0, 1 and 2"),
                Some(("race", "0")) => self.race = false,
                Some(("race", "1")) if cfg!(feature = "race") => self.race = true,
                Some(("race", "1")) => return bad("this program was built without sward's feature `race`"),
                Some(("race", _)) => return bad("race is neither 0 nor 1"),
                Some(_) => return bad("unknown name in the list"),
                None => return bad("not a list of name=value"),
            }
        }
        Ok(())
    }

    /// Starts with this number of processors: green threads that run at the same moment.
    ///
    /// # Panics
    /// When it isn't from 1 to 1024.
    #[must_use]
    pub fn procs(self, procs: usize) -> Config {
        assert!(
            (1..=MAX_PROCS).contains(&procs),
            "Config::procs({procs}): accepted: a whole number from 1 to {MAX_PROCS}"
        );
        Config { procs: Some(procs), ..self }
    }

    /// Gives each green thread a stack of this many bytes, rounded up to a power of two, if its
    /// [`Builder`](crate::thread::Builder) doesn't ask for another size. Only what a green thread touches is backed by
    /// memory.
    ///
    /// # Panics
    /// When it is under 16 KiB or over 1 GiB.
    #[must_use]
    pub fn stack_size(self, bytes: usize) -> Config {
        match stack_size(bytes) {
            Ok(bytes) => Config { stack_size: Some(bytes), ..self },
            Err(cause) => panic!("Config::stack_size({bytes}): {cause}"),
        }
    }

    /// Prints a line about the scheduler on standard error each time this period is over; never, if it is zero.
    #[must_use]
    pub fn schedtrace(self, each: Duration) -> Config {
        Config { schedtrace: period(each), ..self }
    }

    /// Switches the [built-in race detector](crate::race) on, or off.
    ///
    /// # Panics
    /// When it is to be switched on in a program that was built without the feature `race`.
    #[must_use]
    pub fn race(self, on: bool) -> Config {
        assert!(
            !on || cfg!(feature = "race"),
            "Config::race(true): this program was built without sward's feature `race`"
        );
        Config { race: on, ..self }
    }
}

/// A time between two lines, where none means never.
fn period(each: Duration) -> Option<Duration> {
    (!each.is_zero()).then_some(each)
}

/// Reads one variable, if it is set.
fn read<T>(
    variable: &impl Fn(&'static str) -> Option<String>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, BadSetting>,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = variable(name) else {
        return Ok(None);
    };
    match parse(&value) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(cause) => Err(ConfigError { variable: name, value, cause }),
    }
}

/// Reads the value of `SWARD_BACKTRACE`.
fn parse_backtrace(text: &str) -> Result<Backtrace, BadSetting> {
    match text {
        "single" => Ok(Backtrace::Single),
        "all" => Ok(Backtrace::All),
        "system" => Ok(Backtrace::System),
        _ => Err(BadSetting::new("not a kind of backtrace", "single, all or system")),
    }
}

/// Reads the value of `SWARD_FFICHECK`.
fn parse_ffi_check(text: &str) -> Result<Level, BadSetting> {
    text.parse().map_err(|_| BadSetting::new("not a level of checks", Level::ACCEPTED))
}

/// An environment variable that is set to something it can't be.
///
/// Displays as the variable, its value, what is wrong and what is accepted, in a line:
///
/// ```text
/// SWARD_PROCS=many: not a number of processors; accepted: a whole number from 1 to 1024
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    variable: &'static str,
    value: String,
    cause: BadSetting,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A value may have anything in it, line ends included, and the message is to stay a line.
        write!(f, "{}={}: {}", self.variable, self.value.escape_debug(), self.cause)
    }
}

impl Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A configuration under an environment of these variables.
    fn under(environment: &[(&str, &str)], config: Config) -> Result<Config, ConfigError> {
        config.overlaid_by(|name| {
            let (_, value) = environment.iter().find(|(variable, _)| *variable == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_changes_nothing() {
        let config = under(&[], Config::new()).unwrap();
        assert_eq!(config.procs, None);
        assert_eq!(config.stack_size, None);
        assert_eq!(config.backtrace, Backtrace::Single);
        assert_eq!(config.schedtrace, None);
        assert!(!config.scheddetail);
    }

    #[test]
    fn every_variable_is_read() {
        let environment = [
            ("SWARD_PROCS", "3"),
            ("SWARD_STACK", "100K"),
            ("SWARD_BACKTRACE", "all"),
            ("SWARD_FFICHECK", "2"),
            ("SWARD_DEBUG", "schedtrace=250,scheddetail=1"),
            ("SWARD_SOMETHING", "else"),
        ];
        let config = under(&environment, Config::new()).unwrap();
        assert_eq!(config.procs, Some(3));
        assert_eq!(config.stack_size, Some(128 << 10));
        assert_eq!(config.backtrace, Backtrace::All);
        assert_eq!(config.schedtrace, Some(Duration::from_millis(250)));
        assert!(config.scheddetail);
    }

    #[test]
    fn the_environment_is_over_the_program() {
        let program = Config::new().procs(8).stack_size(64 << 10).schedtrace(Duration::from_secs(1));
        let config = under(&[("SWARD_PROCS", "2")], program.clone()).unwrap();
        assert_eq!((config.procs, config.stack_size), (Some(2), Some(64 << 10)));
        assert_eq!(config.schedtrace, Some(Duration::from_secs(1)));
        let config = under(&[("SWARD_DEBUG", "schedtrace=0")], program).unwrap();
        assert_eq!((config.procs, config.schedtrace), (Some(8), None));
    }

    #[test]
    fn backtraces() {
        for (text, want) in [("single", Backtrace::Single), ("all", Backtrace::All), ("system", Backtrace::System)] {
            let config = under(&[("SWARD_BACKTRACE", text)], Config::new()).unwrap();
            assert_eq!(config.backtrace, want, "{text}");
        }
    }

    #[test]
    fn debug_lists() {
        let second = Some(Duration::from_secs(1));
        for (list, schedtrace, scheddetail) in [
            ("", None, false),
            ("schedtrace=1000", second, false),
            ("scheddetail=1", None, true),
            ("scheddetail=1,schedtrace=1000,", second, true),
            ("heapcheck=0", None, false),
            ("heapcheck=1,schedtrace=1000,heapcheck=2", second, false),
            // The last word counts.
            ("schedtrace=5,schedtrace=1000,scheddetail=1,scheddetail=0", second, false),
        ] {
            let config = under(&[("SWARD_DEBUG", list)], Config::new()).unwrap();
            assert_eq!((config.schedtrace, config.scheddetail), (schedtrace, scheddetail), "{list:?}");
        }
    }

    #[test]
    fn malformed_values_are_named() {
        let accepted_procs = "a whole number from 1 to 1024";
        for (variable, value, problem, accepted) in [
            ("SWARD_PROCS", "many", "not a number of processors", accepted_procs),
            ("SWARD_PROCS", "", "not a number of processors", accepted_procs),
            ("SWARD_PROCS", "0", "there must be at least one processor", accepted_procs),
            ("SWARD_STACK", "4K", "too small for a stack", "a number of bytes from 16K to 1G"),
            ("SWARD_STACK", "big", "not a size", "a number of bytes from 16K to 1G"),
            ("SWARD_BACKTRACE", "1", "not a kind of backtrace", "single, all or system"),
            ("SWARD_BACKTRACE", "All", "not a kind of backtrace", "single, all or system"),
            ("SWARD_FFICHECK", "3", "not a level of checks", Level::ACCEPTED),
            ("SWARD_FFICHECK", "", "not a level of checks", Level::ACCEPTED),
            ("SWARD_DEBUG", "gc=1", "unknown name in the list", ACCEPTED_DEBUG),
            ("SWARD_DEBUG", "schedtrace=1,x=2", "unknown name in the list", ACCEPTED_DEBUG),
            ("SWARD_DEBUG", "schedtrace", "not a list of name=value", ACCEPTED_DEBUG),
            ("SWARD_DEBUG", "schedtrace=often", "schedtrace is not a number", ACCEPTED_DEBUG),
            ("SWARD_DEBUG", "schedtrace=-1", "schedtrace is not a number", ACCEPTED_DEBUG),
            ("SWARD_DEBUG", "scheddetail=2", "scheddetail is neither 0 nor 1", ACCEPTED_DEBUG),
            ("SWARD_DEBUG", "heapcheck=3", "heapcheck is none of 0, 1 and 2", ACCEPTED_DEBUG),
            ("SWARD_DEBUG", "heapcheck=", "heapcheck is none of 0, 1 and 2", ACCEPTED_DEBUG),
            ("SWARD_DEBUG", "race=on", "race is neither 0 nor 1", ACCEPTED_DEBUG),
        ] {
            let error = under(&[(variable, value)], Config::new()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{variable}={value}: {problem}")), "{error}");
            assert!(error.contains(&format!("; accepted: {accepted}")), "{error}");
        }
    }

    #[test]
    fn a_message_is_one_line() {
        let error = under(&[("SWARD_PROCS", "1\n2")], Config::new()).unwrap_err().to_string();
        assert_eq!(error, r"SWARD_PROCS=1\n2: not a number of processors; accepted: a whole number from 1 to 1024");
    }

    #[test]
    #[should_panic(expected = "Config::procs(0): accepted: a whole number from 1 to 1024")]
    fn no_processors() {
        let _ = Config::new().procs(0);
    }

    #[test]
    #[should_panic(expected = "Config::stack_size(100): too small for a stack; accepted: ")]
    fn tiny_stack() {
        let _ = Config::new().stack_size(100);
    }

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(Config::new().stack_size(65_537).stack_size, Some(128 << 10));
    }
}
