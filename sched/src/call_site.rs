//! Which blocking calls block: a guess by call site, as processors guess branches.
//!
//! A call may return within a microsecond or in an hour, and the scheduler learns which when it is too late. To give the P away at once costs
//! an OS thread's wake-up, several microseconds, which a short call must not pay; to wait until sysmon sees that the call takes long costs those
//! who wait behind it some hundred. So each call site has a note of its last calls: one that lost its P to sysmon is taken to do so again, until a call
//! from there turns out to be short after all.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::{self, Nanos};

/// A call of this length was worth giving the P away for.
const WORTH_IT: Nanos = 20_000;

/// How many sites are told apart. Two that share a note mislead each other, which costs time only.
const SITES: usize = 256;

static BLOCKS: [AtomicBool; SITES] = [const { AtomicBool::new(false) }; SITES];

/// The note of a call site.
#[derive(Clone, Copy)]
pub(crate) struct CallSite(&'static AtomicBool);

impl CallSite {
    /// The site at this code address.
    #[inline]
    pub(crate) fn at(pc: usize) -> CallSite {
        CallSite(&BLOCKS[pc / 8 % SITES])
    }

    /// Whether its calls block, as far as is known.
    #[inline]
    pub(crate) fn blocks(self) -> bool {
        // Relaxed, all: a guess.
        self.0.load(Ordering::Relaxed)
    }

    /// Notes that a call has lost its P.
    pub(crate) fn has_blocked(self) {
        if !self.blocks() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Notes how long a call took that had given its P away.
    pub(crate) fn took_since(self, began: Nanos) {
        if clock::now() - began < WORTH_IT {
            self.0.store(false, Ordering::Relaxed);
        }
    }
}
