//! The algebra of clocks.

use crate::race::detector::clock::Clock;

/// The clock with these times, from slot 0 on; 0 is one that it has not seen.
fn clock(times: &[u64]) -> Clock {
    let mut clock = Clock::new();
    // The last first: the order does not matter.
    for (slot, &time) in times.iter().enumerate().rev().filter(|(_, time)| **time > 0) {
        clock.set(slot, time - 1);
        clock.set(slot, time);
    }
    clock
}

fn joined(one: &Clock, other: &Clock) -> Clock {
    let mut joined = one.clone();
    joined.join(other);
    joined
}

#[test]
fn what_was_never_set_has_not_been_seen() {
    let clock = clock(&[0, 7]);
    assert_eq!([0, 1, 2, 1000].map(|slot| clock.get(slot)), [0, 7, 0, 0]);
}

#[test]
fn a_join_has_the_later_of_both_times_whatever_their_lengths() {
    for (one, other, expected) in
        [(&[][..], &[][..], &[][..]), (&[3], &[], &[3]), (&[3, 1], &[2, 5], &[3, 5]), (&[3], &[2, 0, 9], &[3, 0, 9])]
    {
        let (one, other) = (clock(one), clock(other));
        assert_eq!(joined(&one, &other), clock(expected));
        assert_eq!(joined(&other, &one), clock(expected), "joining does not depend on the order");
        assert_eq!(joined(&joined(&one, &other), &other), clock(expected), "joining once more changes nothing");
    }
}

#[test]
fn a_copy_forgets_what_was_there() {
    for before in [&[][..], &[9], &[9, 9, 9]] {
        let mut copy = clock(before);
        copy.copy(&clock(&[1, 2]));
        assert_eq!(copy, clock(&[1, 2]));
    }
}
