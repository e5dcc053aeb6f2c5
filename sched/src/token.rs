//! `thread::park` and `unpark`: a token that one thread waits for and anybody may set. The words are in [`ticket`](crate::ticket).

use std::time::Instant;

use crate::g::GRef;
use crate::park::Ended;
use crate::race;
use crate::reason::Reason;
use crate::section::Section;
use crate::sleeper::{Claim, Sleeper};

/// Waits for the caller's token, at most until `deadline`, and consumes it. For green threads.
///
/// # Panics
/// On a plain OS thread.
pub fn park(deadline: Option<Instant>) -> Ended {
    let section = Section::enter();
    let g = section.g().expect("token::park is for green threads");
    if g.token.consume() {
        race::hook_in(&section, |race| race.acquire(&raw const g.token));
        return Ended::Woken;
    }
    let claim = Sleeper::current(&section).claim();
    let commit = move || g.token.wait(claim.ticket());
    let ended = section.park_claimed(Reason::Park, deadline, claim, commit);
    // Whether it was set or not.
    g.token.consume();
    race::hook(|race| race.acquire(&raw const g.token));
    ended
}

impl GRef {
    /// Sets this green thread's token, and wakes it if it waits for it.
    pub fn unpark(&self) {
        let section = Section::enter();
        let g = self.g();
        race::hook_in(&section, |race| race.release(&raw const g.token));
        if let Some(ticket) = g.token.set() {
            let claim = Claim::of(Sleeper::green(g), ticket);
            // SAFETY: a G lives for ever; with its claim, the wake-up is the caller's.
            unsafe {
                if claim.take() {
                    claim.sleeper().wake(&section);
                }
            }
        }
    }
}
