//! The two words by which several parties agree on who ends a wait.
//!
//! A [`Ticket`] counts a thread's waits of this kind. A wait is known by the number at its beginning; who moves the ticket on from that
//! number, by CAS, has ended the wait, alone. Numbers do not come back, so a party that comes late, with the number of a wait long over,
//! does nothing.
//!
//! A [`Token`] is `thread::park`'s. The order of the one bad thing that could happen, if `unpark` looked up the number itself:
//!
//! ```text
//!   thread                       timer                  unparker
//!   1. parks, wait number 7
//!                                                        2. sets the token, sees that it parks
//!                                3. ends wait 7
//!   4. returns from park
//!   5. waits on a channel,
//!      wait number 8
//!                                                        6. asks for the number: 8
//!                                                        7. ends wait 8, of the channel
//! ```
//! So the parking thread puts the number into the token, and the unparker takes it out in step 2: it tries to end wait 7, and fails.

use sward_mem::atomic::{AtomicU64, Ordering};

/// The number of a thread's present wait. See the [module](self).
#[derive(Debug)]
pub(crate) struct Ticket(AtomicU64);

impl Ticket {
    pub(crate) fn new() -> Ticket {
        Ticket(AtomicU64::new(0))
    }

    /// The number of the wait that the owner is about to begin.
    pub(crate) fn begin(&self) -> u64 {
        // Acquire: what who ended the last wait did before is seen.
        self.0.load(Ordering::Acquire)
    }

    /// Ends wait number `n`. `false`: it has ended already.
    pub(crate) fn end(&self, n: u64) -> bool {
        // AcqRel: release for the acquire of the owner and of the losers; acquire so that a loser sees what the winner did.
        self.0.compare_exchange(n, n + 1, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether wait number `n` is still on.
    pub(crate) fn is_on(&self, n: u64) -> bool {
        // Acquire as in `end`.
        self.0.load(Ordering::Acquire) == n
    }
}

/// `thread::park`'s token: empty, set, or the number of the wait for it. See the [module](self).
#[derive(Debug)]
pub(crate) struct Token(AtomicU64);

const EMPTY: u64 = 0;
const SET: u64 = 1;
const FIRST_WAIT: u64 = 2;

impl Token {
    pub(crate) fn new() -> Token {
        Token(AtomicU64::new(EMPTY))
    }

    /// Empties it. Tells whether it was set.
    pub(crate) fn consume(&self) -> bool {
        // Acquire pairs with the release of `set`: what the unparker did before is seen.
        self.0.swap(EMPTY, Ordering::Acquire) == SET
    }

    /// Makes wait number `n` known to unparkers. `false`: the token is set.
    pub(crate) fn wait(&self, n: u64) -> bool {
        // Release pairs with the acquire of `set`: the unparker finds the thread waiting. Relaxed on failure: `consume` follows.
        self.0.compare_exchange(EMPTY, n + FIRST_WAIT, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Forgets wait number `n`, which is over. A token that is set stays so.
    pub(crate) fn wait_is_over(&self, n: u64) {
        // Relaxed: nothing but the number goes through it.
        let _ = self.0.compare_exchange(n + FIRST_WAIT, EMPTY, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Sets it. Returns the number of the wait for it, if there is one.
    pub(crate) fn set(&self) -> Option<u64> {
        // AcqRel: release for `consume`, acquire for `wait`.
        self.0.swap(SET, Ordering::AcqRel).checked_sub(FIRST_WAIT)
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    /// A thread parks with a time-out, then begins another wait. The timer and an unparker race for the first; nobody ends the second.
    fn model(unpark: fn(&Token, &Ticket)) {
        loom::model(move || {
            let words = Arc::new((Token::new(), Ticket::new()));
            let first = words.1.begin();
            let timer = {
                let words = words.clone();
                thread::spawn(move || words.1.end(first))
            };
            let unparker = {
                let words = words.clone();
                thread::spawn(move || unpark(&words.0, &words.1))
            };
            let (token, ticket) = &*words;
            if token.wait(first) {
                while ticket.is_on(first) {
                    thread::yield_now();
                }
            } else {
                // As a park that finds its token set: nobody ends the wait but the timer, whose entry is stale.
                ticket.end(first);
            }
            token.consume();
            let second = ticket.begin();
            timer.join().unwrap();
            unparker.join().unwrap();
            assert!(ticket.is_on(second), "an unpark ended a wait that was not for it");
        });
    }

    #[test]
    fn loom_unpark_ends_only_its_own_wait() {
        model(|token, ticket| {
            if let Some(n) = token.set() {
                ticket.end(n);
            }
        });
    }

    /// The naive form: the unparker asks for the number after it has seen the thread park.
    #[test]
    #[should_panic(expected = "not for it")]
    fn loom_unpark_by_the_number_of_the_day_ends_another_wait() {
        model(|token, ticket| {
            if token.set().is_some() {
                ticket.end(ticket.begin());
            }
        });
    }
}
