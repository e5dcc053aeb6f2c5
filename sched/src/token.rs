//! `thread::park` and `unpark`: a token that one thread waits for and anybody may set.
//!
//! The word of a G is EMPTY, NOTIFIED, or the ticket of the wait that is on. `unpark` swaps NOTIFIED in; if it takes a ticket out, it
//! takes the claim of just that wait. So an `unpark` that was delayed between the swap and the wake finds its claim gone when the wait
//! has ended by time-out, and cannot end another wait of the same thread, on a channel say.

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::g::GRef;
use crate::reason::Reason;
use crate::section::Section;
use crate::sleeper::{Claim, Sleeper};

const EMPTY: u64 = 0;
const NOTIFIED: u64 = 1;
const FIRST_TICKET: u64 = 2;

/// Waits for the caller's token, at most until `deadline`, and consumes it. For green threads.
///
/// # Panics
/// On a plain OS thread.
pub fn park(deadline: Option<Instant>) {
    let section = Section::enter();
    let g = section.g().expect("token::park is for green threads");
    // Acquire pairs with the release swap of `unpark`: what the other thread did before is seen.
    if g.token.compare_exchange(NOTIFIED, EMPTY, Ordering::Acquire, Ordering::Relaxed).is_ok() {
        return;
    }
    let claim = Sleeper::current(&section).claim();
    let commit = move || {
        let waits = claim.ticket() + FIRST_TICKET;
        // Release pairs with the swap of `unpark`, which then wakes: the G waits already. Relaxed on failure: looked at again below.
        g.token.compare_exchange(EMPTY, waits, Ordering::Release, Ordering::Relaxed).is_ok()
    };
    match deadline {
        Some(deadline) => {
            section.park_until(Reason::Park, deadline, claim, commit);
        }
        None => section.park(Reason::Park, commit),
    }
    // Acquire as above. Whether it was set or the time was up: the token is consumed.
    g.token.swap(EMPTY, Ordering::Acquire);
}

impl GRef {
    /// Sets this green thread's token, and wakes it if it waits for it.
    pub fn unpark(&self) {
        let section = Section::enter();
        let g = self.g();
        // AcqRel: release for `park`'s acquire, acquire for the ticket of the one that waits.
        let was = g.token.swap(NOTIFIED, Ordering::AcqRel);
        if was >= FIRST_TICKET {
            let claim = Claim::of(Sleeper::green(g), was - FIRST_TICKET);
            if claim.take() {
                claim.sleeper().wake(&section);
            }
        }
    }
}
