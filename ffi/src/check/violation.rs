//! What is said when a rule is broken: what was done, where the pointer was found, and which object it points to.

use std::fmt;
use std::panic::Location;

use super::owner::owner;
use super::scan::Found;

/// What the program did.
#[derive(Debug)]
pub(super) enum Deed {
    Passed { function: &'static str, argument: &'static str },
    Returned { at: &'static Location<'static> },
    Stored { at: &'static Location<'static>, to: usize },
}

/// A broken rule.
#[derive(Debug)]
pub(super) struct Violation {
    pub(super) deed: Deed,
    pub(super) found: Found,
}

impl Violation {
    /// Ends the process with the message.
    #[cold]
    pub(super) fn report(self) -> ! {
        sward_mem::fatal!("{self}")
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { deed, found } = self;
        let rule = match deed {
            Deed::Passed { .. } => {
                "memory that is passed to C holds a pointer to a collected object that is not pinned"
            }
            Deed::Returned { .. } => "a callback returns a pointer to a collected object that is not pinned",
            Deed::Stored { .. } => "a pointer to a collected object that is not pinned is stored in foreign memory",
        };
        writeln!(f, "{rule}")?;
        match deed {
            Deed::Passed { function, argument } => writeln!(f, "  passed:   `{argument}` of `{function}`")?,
            Deed::Returned { at } => writeln!(f, "  returned: by the callback at {at}")?,
            Deed::Stored { at, to } => writeln!(f, "  stored:   at {to:#x}, by {at}")?,
        }
        let Found { memory, at, object } = found;
        let offset = at - memory.start;
        writeln!(
            f,
            "  found:    at offset {offset} of the {} bytes at {:#x}, {}",
            memory.len(),
            memory.start,
            owner(*at)
        )?;
        write!(f, "  object:   {object}")
    }
}
