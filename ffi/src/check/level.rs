//! How much is checked: what `SWARD_FFICHECK` says, read once.

use std::env;
use std::io::Write;
use std::process;
use std::str::FromStr;
use std::sync::OnceLock;

use sward_mem::RawStderr;

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Off,
    /// What is passed to C, and returned to it. This is so unless the environment says something else.
    Arguments,
    /// And what is stored.
    Stores,
}

/// A text that is no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLevel;

impl FromStr for Level {
    type Err = BadLevel;

    fn from_str(text: &str) -> Result<Level, BadLevel> {
        match text {
            "0" => Ok(Level::Off),
            "1" => Ok(Level::Arguments),
            "2" => Ok(Level::Stores),
            _ => Err(BadLevel),
        }
    }
}

impl Level {
    /// What is a level, for people.
    pub const ACCEPTED: &str = "0 (nothing), 1 (arguments of foreign functions) or 2 (stores, too)";

    /// The level of this process. A malformed variable ends it with exit code 2, as the start of the runtime does, which reads it as well.
    pub fn get() -> Level {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| match env::var_os("SWARD_FFICHECK") {
            None => Level::Arguments,
            Some(value) => value.to_string_lossy().parse().unwrap_or_else(|BadLevel| {
                // Nothing is left to do about a stderr that takes no more.
                let _ = writeln!(
                    RawStderr,
                    "sward: SWARD_FFICHECK={}: not a level of checks; accepted: {}",
                    value.to_string_lossy().escape_debug(),
                    Level::ACCEPTED
                );
                process::exit(2)
            }),
        })
    }
}
