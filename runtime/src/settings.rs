//! What a number of processors and a stack size look like when somebody types them.
//!
//! The same two texts come from three places: the environment, the attributes `#[sward::main]` and `#[sward::test]`,
//! and the options of a command line. They are read here only, so that everywhere the same is accepted, and the same is
//! said about what isn't. The attributes need this at compile time, in a crate that this one depends on and that
//! therefore can't depend on it: `macros/src/settings.rs` is a symbolic link to this file. So it uses nothing of either
//! crate.

use std::error::Error;
use std::fmt;

/// The largest number of processors that can be asked for. The smallest is 1.
pub const MAX_PROCS: usize = 1024;

/// The smallest size of a green thread's stack, in bytes.
pub const MIN_STACK_SIZE: usize = 16 << 10;

/// The largest size of a green thread's stack, in bytes.
pub const MAX_STACK_SIZE: usize = 1 << 30;

const ACCEPTED_PROCS: &str = "a whole number from 1 to 1024";
const ACCEPTED_SIZE: &str = "a number of bytes from 16K to 1G, with K, M or G after it or nothing, as in 64K";

/// A text that isn't the number of processors or the size it should be.
///
/// Displays as what is wrong and what is accepted: `not a number of processors; accepted: a whole number from 1 to
/// 1024`. It doesn't repeat the text: whoever knows where that came from says so first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSetting {
    problem: &'static str,
    accepted: &'static str,
}

impl BadSetting {
    pub(crate) const fn new(problem: &'static str, accepted: &'static str) -> BadSetting {
        BadSetting { problem, accepted }
    }
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; accepted: {}", self.problem, self.accepted)
    }
}

impl Error for BadSetting {}

/// Reads a number of processors, from 1 to [`MAX_PROCS`].
///
/// # Errors
/// When the text is no whole number, or one out of range.
pub fn parse_procs(text: &str) -> Result<usize, BadSetting> {
    let problem = match text.parse() {
        Ok(procs @ 1..=MAX_PROCS) => return Ok(procs),
        Ok(0) => "there must be at least one processor",
        _ if is_digits(text) => "too many processors",
        _ => "not a number of processors",
    };
    Err(BadSetting::new(problem, ACCEPTED_PROCS))
}

/// Reads the size of a stack: a number of bytes, which may end in `K`, `M` or `G` (of either case) for the powers of
/// 1024. Returns it in bytes, rounded up to a power of two: stacks are aligned to their size.
///
/// # Errors
/// When the text is no such number, or one under [`MIN_STACK_SIZE`] or over [`MAX_STACK_SIZE`].
pub fn parse_size(text: &str) -> Result<usize, BadSetting> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        Some(b'g' | b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    if !is_digits(digits) {
        return Err(BadSetting::new("not a size", ACCEPTED_SIZE));
    }
    // What doesn't fit into the integer is too large all the more.
    let number = digits.parse().unwrap_or(usize::MAX);
    stack_size(number.saturating_mul(1 << shift))
}

/// Rounds a stack size in bytes up to a power of two.
///
/// # Errors
/// When it is under [`MIN_STACK_SIZE`] or over [`MAX_STACK_SIZE`].
pub fn stack_size(bytes: usize) -> Result<usize, BadSetting> {
    match bytes {
        MIN_STACK_SIZE..=MAX_STACK_SIZE => Ok(bytes.next_power_of_two()),
        ..MIN_STACK_SIZE => Err(BadSetting::new("too small for a stack", ACCEPTED_SIZE)),
        _ => Err(BadSetting::new("too large for a stack", ACCEPTED_SIZE)),
    }
}

/// Whether a text is a number without a sign, however large.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn procs() {
        for (text, want) in [("1", 1), ("4", 4), ("007", 7), ("1024", 1024)] {
            assert_eq!(parse_procs(text), Ok(want), "{text:?}");
        }
        for (text, problem) in [
            ("0", "there must be at least one processor"),
            ("1025", "too many processors"),
            ("99999999999999999999999", "too many processors"),
            ("", "not a number of processors"),
            ("many", "not a number of processors"),
            ("-1", "not a number of processors"),
            ("2.5", "not a number of processors"),
            (" 2", "not a number of processors"),
        ] {
            let error = parse_procs(text).unwrap_err().to_string();
            assert_eq!(error, format!("{problem}; accepted: a whole number from 1 to 1024"), "{text:?}");
        }
    }

    #[test]
    fn sizes() {
        for (text, want) in [
            ("16384", 16 << 10),
            ("16K", 16 << 10),
            ("64k", 64 << 10),
            ("65537", 128 << 10),
            ("100K", 128 << 10),
            ("1M", 1 << 20),
            ("3m", 4 << 20),
            ("1G", 1 << 30),
            ("1g", 1 << 30),
            ("1073741824", 1 << 30),
        ] {
            assert_eq!(parse_size(text), Ok(want), "{text:?}");
        }
        for (text, problem) in [
            ("0", "too small for a stack"),
            ("15K", "too small for a stack"),
            ("16383", "too small for a stack"),
            ("1073741825", "too large for a stack"),
            ("2G", "too large for a stack"),
            ("99999999999999999999999", "too large for a stack"),
            ("18446744073709551615G", "too large for a stack"),
            ("", "not a size"),
            ("K", "not a size"),
            ("big", "not a size"),
            ("64KB", "not a size"),
            ("64 K", "not a size"),
            ("+64K", "not a size"),
            ("-64K", "not a size"),
            ("1.5M", "not a size"),
            ("64é", "not a size"),
        ] {
            let error = parse_size(text).unwrap_err().to_string();
            assert_eq!(error, format!("{problem}; accepted: {ACCEPTED_SIZE}"), "{text:?}");
        }
    }
}
