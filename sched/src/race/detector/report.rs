//! Reports: what is printed of a race.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::io::Write;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sward_mem::RawStderr;

use super::granule::{Access, Race};
use super::timeline::{Origin, Who};
use crate::g::GRef;
use crate::stack;
use crate::traceback::Traceback;

/// How many races have been reported.
static REPORTS: AtomicUsize = AtomicUsize::new(0);

/// How many races have been reported so far: each pair of places in the code, with the calls that lead there, counts once.
pub fn reports() -> usize {
    // Relaxed: who wants to know about certain threads has joined them.
    REPORTS.load(Ordering::Relaxed)
}

/// Prints a race, unless one of the same two places in the code was.
pub(super) fn report(race: &Race) {
    // Locked while a report is printed: one at a time.
    static REPORTED: Mutex<Reported> = Mutex::new(Reported::new());
    let mut reported = REPORTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = reported.add(race) {
        // Relaxed: see `reports`.
        REPORTS.fetch_add(1, Ordering::Relaxed);
        // A report that cannot be written has no other place to go; it counts all the same.
        let _ = RawStderr.write_all(text.as_bytes());
    }
}

/// What has been reported.
pub(super) struct Reported {
    /// The two stacks' addresses. Found before any symbol is looked up, as a loop with a race in it comes here each time.
    traces: BTreeSet<(usize, usize)>,
    /// The two stacks in print: without the runtime's frames, in which two of the same place may differ.
    calls: BTreeSet<(String, String)>,
}

impl Reported {
    pub(super) const fn new() -> Reported {
        Reported { traces: BTreeSet::new(), calls: BTreeSet::new() }
    }

    /// The report of a race that is not among these, and now is.
    pub(super) fn add(&mut self, race: &Race) -> Option<String> {
        let addresses = [race.present, race.previous].map(|access| access.trace.as_ptr().addr());
        if !self.traces.insert(in_order(addresses)) {
            return None;
        }
        let [present, previous] = [&race.present, &race.previous].map(Deed::new);
        let is_new = self.calls.insert(in_order([present.calls.clone(), previous.calls.clone()]));
        is_new.then(|| Text { present: &present, previous: &previous }.to_string())
    }
}

fn in_order<T: Ord>([one, other]: [T; 2]) -> (T, T) {
    if one <= other { (one, other) } else { (other, one) }
}

/// An access and what is known of it.
struct Deed<'a> {
    access: &'a Access,
    /// `None`: the thread has ended long ago.
    who: Option<Arc<Who>>,
    calls: String,
}

impl<'a> Deed<'a> {
    fn new(access: &'a Access) -> Deed<'a> {
        let who = access.epoch.slot.who(access.epoch.time);
        Deed { access, who, calls: Traceback::new(access.trace).to_string() }
    }

    fn title(&self) -> &str {
        self.who.as_ref().map_or("a thread that has ended long ago", |who| &who.title)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, words: [&str; 2]) -> fmt::Result {
        let Access { place, bytes, is_write, .. } = *self.access;
        let deed = words[usize::from(is_write)];
        let plural = if bytes == 1 { "" } else { "s" };
        writeln!(f, "{deed} of {bytes} byte{plural} at {place:#x} by {}:", self.title())?;
        if self.calls.is_empty() { writeln!(f, "   no calls are known") } else { f.write_str(&self.calls) }
    }

    fn write_origin(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Origin { at, by }) = self.who.as_ref().and_then(|who| who.origin.as_ref()) else { return Ok(()) };
        write!(f, "{} was spawned at {at}", self.title())?;
        match by {
            Some(by) => writeln!(f, " by {by}"),
            None => writeln!(f),
        }
    }
}

/// A whole report.
struct Text<'a> {
    present: &'a Deed<'a>,
    previous: &'a Deed<'a>,
}

const RULE: &str = "==================";

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{RULE}\nWARNING: DATA RACE")?;
        self.present.write(f, ["Read", "Write"])?;
        writeln!(f)?;
        self.previous.write(f, ["Previous read", "Previous write"])?;
        writeln!(f)?;
        self.present.write_origin(f)?;
        self.previous.write_origin(f)?;
        write_whereabouts(f, self.present.access.place)?;
        writeln!(f, "{RULE}")
    }
}

/// Says what an address is in, if that can be told.
fn write_whereabouts(f: &mut fmt::Formatter<'_>, place: usize) -> fmt::Result {
    if let Some(g) = stack::g_at(place).and_then(GRef::try_new) {
        write!(f, "{place:#x} is on the stack of ")?;
        g.write_title(f)?;
        writeln!(f)
    } else if let Some(block) = sward_mem::block_at(place) {
        let (inside, size) = (place - block.start, block.len());
        writeln!(f, "{place:#x} is {inside} bytes into the heap's block of {size} bytes at {:#x}", block.start)
    } else if let Some(name) = static_at(place) {
        writeln!(f, "{place:#x} is in the static {name}")
    } else {
        Ok(())
    }
}

/// The name of the static at an address.
fn static_at(place: usize) -> Option<String> {
    let mut found = None;
    // `resolve` wants a return address, and looks up the byte before.
    backtrace::resolve(ptr::without_provenance_mut(place + 1), |symbol| {
        found = symbol.name().map(|name| format!("{name:#}"));
    });
    found
}
