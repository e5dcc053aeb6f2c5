//! Printing: from code addresses to functions, files and lines, as `std` prints a panic's backtrace.

use core::fmt::{self, Display, Formatter};
use core::ops::Range;
use core::ptr;
use std::env;
use std::path::{Path, PathBuf};

/// What the names of frames begin with that, at the leaf, are how a thread parks, or how the race detector came to see an access: the same in every
/// dump and no help to its reader.
const PARKING: [&str; 5] =
    ["sward_sched::", "corosensei::", "sward::channel::shared::", "sward::sync::mutex::raw::", "sward::race::"];

/// What the names of frames begin with that, at the root, are how a thread is started, up to where the user's function is called.
/// Modules of the crate `sward`, not the crate: the command of that name has user code in it.
const STARTING: [&str; 10] = [
    "sward::thread::",
    "sward::start::",
    "sward::config::",
    "sward::rt::",
    "sward_sched::",
    "corosensei::",
    "std::",
    "core::",
    "alloc::",
    // The intrinsic that catches panics has a function of its own, in no crate.
    "__rust_try",
];

/// Frames that [`Unwinder::walk`](super::Unwinder::walk) found, to be printed with their functions and lines.
///
/// One entry a function, inlined ones too, in the form of `std`'s short backtraces. The runtime's own frames at
/// either end are left out, unless there are no others. Names are as good as the debug information: the level
/// `line-tables-only` has them without their crates and modules, so that there the runtime's frames are not known as
/// such and all are printed. Level 1 has all that is needed.
///
/// Printing allocates, locks, and reads the program's debug information (tens of milliseconds the first time): never
/// do it in a signal handler.
///
/// ```
/// use sward_sched::traceback::Traceback;
///
/// let frames = [str::len as fn(&str) -> usize as usize];
/// print!("{}", Traceback::new(&frames)); // "   0: core::str::<impl str>::len", and where that is
/// ```
pub struct Traceback<'a> {
    frames: &'a [usize],
    with_runtime: bool,
    /// How many frames at each end are printed of a longer traceback.
    each_end: usize,
}

/// Enough for any traceback that does not recurse without end.
const EACH_END: usize = 50;

impl<'a> Traceback<'a> {
    /// The traceback of `frames`, leaf first: the address of an instruction, then return addresses.
    pub fn new(frames: &'a [usize]) -> Self {
        Self { frames, with_runtime: false, each_end: EACH_END }
    }

    /// The same, with the runtime's own frames.
    #[must_use]
    pub fn with_runtime(self) -> Self {
        Self { with_runtime: true, ..self }
    }

    /// The same, with this many frames at either end at the most: the ones in between are counted.
    #[must_use]
    pub fn ends(self, each_end: usize) -> Self {
        Self { each_end, ..self }
    }

    /// The frames to look up: all, or those at both ends, with room for the runtime's own, which are not printed. And how many are
    /// left out between the ends.
    fn looked_up(&self) -> (Vec<usize>, usize) {
        let each_end = self.each_end + RUNTIME_FRAMES;
        match self.frames.len().checked_sub(2 * each_end) {
            None => (self.frames.to_vec(), 0),
            Some(left_out) => {
                let (head, rest) = self.frames.split_at(each_end);
                ([head, &rest[left_out..]].concat(), left_out)
            }
        }
    }
}

/// More than the runtime has at either end, in a debug build.
const RUNTIME_FRAMES: usize = 40;

impl Display for Traceback<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (frames, left_out) = self.looked_up();
        let functions = resolve(&frames);
        let names: Vec<&str> = functions.iter().map(|function| &*function.name).collect();
        let directory = env::current_dir().ok();
        let shown = &functions[if self.with_runtime { 0..names.len() } else { of_interest(&names) }];
        let (Some(first), Some(last)) = (shown.first(), shown.last()) else { return Ok(()) };
        // Which of the frames that were looked up are in between, and how many there are with those that were not.
        let gap = first.frame + self.each_end..(last.frame + 1).saturating_sub(self.each_end);
        let left_out = if gap.is_empty() { 0 } else { gap.len() + left_out };
        let mut number = 0;
        let mut at_gap = left_out > 0;
        for function in shown {
            if left_out > 0 && gap.contains(&function.frame) {
                if std::mem::take(&mut at_gap) {
                    writeln!(f, "      ... {left_out} frames left out ...")?;
                    number += left_out;
                }
                continue;
            }
            writeln!(f, "{number:4}: {}", function.name)?;
            number += 1;
            if let Some(place) = &function.place {
                place.print(f, directory.as_deref())?;
            }
        }
        Ok(())
    }
}

/// One entry of a traceback: a function, or one inlined into the next.
pub(super) struct Function {
    pub(super) name: String,
    /// The place of its frame among those that were resolved.
    frame: usize,
    place: Option<Place>,
}

struct Place {
    file: PathBuf,
    line: u32,
    column: Option<u32>,
}

impl Place {
    /// A file below the current directory is named relative to it, as `std` does.
    fn print(&self, f: &mut Formatter<'_>, directory: Option<&Path>) -> fmt::Result {
        let below = directory.and_then(|directory| self.file.strip_prefix(directory).ok());
        write!(f, "             at ")?;
        match below {
            Some(file) => write!(f, "./{}", file.display())?,
            None => write!(f, "{}", self.file.display())?,
        }
        write!(f, ":{}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        writeln!(f)
    }
}

/// The functions of `frames`, innermost first.
pub(super) fn resolve(frames: &[usize]) -> Vec<Function> {
    let mut functions = Vec::new();
    for (index, &address) in frames.iter().enumerate() {
        // `resolve` wants return addresses and looks up the byte before, which is in the call. The leaf is no call.
        let lookup = address.wrapping_add((index == 0).into());
        let before = functions.len();
        backtrace::resolve(ptr::without_provenance_mut(lookup), |symbol| {
            functions.push(Function {
                // The alternate form leaves out the hash.
                name: match symbol.name() {
                    Some(name) => format!("{name:#}"),
                    None => unknown(address),
                },
                frame: index,
                place: place(symbol),
            });
        });
        if functions.len() == before {
            functions.push(Function { name: unknown(address), frame: index, place: None });
        }
    }
    functions
}

fn place(symbol: &backtrace::Symbol) -> Option<Place> {
    Some(Place { file: symbol.filename()?.to_owned(), line: symbol.lineno()?, column: symbol.colno() })
}

fn unknown(address: usize) -> String {
    format!("<unknown> at {address:#x}")
}

/// Which of a traceback's functions to print: all but the runtime's own at both ends; everything if that leaves none.
pub(super) fn of_interest(names: &[&str]) -> Range<usize> {
    let is_of = |modules: &[&str], name: &str| modules.iter().any(|module| path_of(name).starts_with(module));
    let start = names.iter().position(|name| !is_of(&PARKING, name));
    let last = names.iter().rposition(|name| !is_of(&STARTING, name));
    match (start, last) {
        (Some(start), Some(last)) if start <= last => start..last + 1,
        _ => 0..names.len(),
    }
}

/// Where the path of a demangled name begins, also of `<some::Type as other::Trait>::method`.
fn path_of(name: &str) -> &str {
    name.trim_start_matches(['<', '&', '*'])
}
