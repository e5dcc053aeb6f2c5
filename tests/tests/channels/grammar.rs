//! What can be written in a `select!`: crossbeam-channel's tests of its macro.

#![allow(
    clippy::never_loop,
    clippy::match_single_binding,
    clippy::redundant_closure_call,
    clippy::unnecessary_literal_unwrap,
    reason = "the forms that the macro must take, not what one would write"
)]

use std::ops::Deref;

use sward::channel::{self, Receiver, RecvError, SendError, Sender, bounded, never, unbounded};
use sward::{select, select_biased};

use super::*;

#[test]
fn the_macro_is_where_it_is_looked_for() {
    let (s, r) = unbounded();
    sward::select! { send(s, 1) -> sent => sent.unwrap() }
    channel::select! { recv(r) -> got => assert_eq!(got, Ok(1)) }
    sward::select_biased! { send(s, 1) -> sent => sent.unwrap() }
    channel::select_biased! { recv(r) -> got => assert_eq!(got, Ok(1)) }
}

#[test]
fn blocks_expressions_and_commas() {
    let (s, r) = unbounded::<i32>();
    s.send(0).unwrap();
    select! {
        recv(r) -> _ => {}
        recv(never::<()>()) -> _ => {},
    }
    select! {
        recv(r,) -> _ => unreachable!(),
        default() => {}
    }
    select! {
        recv(r) -> _ => unreachable!(),
        recv(r) -> _ => loop { unreachable!() },
        default(ms(1),) => (),
    }
    select! {
        send(s, 1,) -> _ => if r.is_empty() { unreachable!() },
        recv(never::<()>()) -> _ => match 7 { _ => unreachable!() },
    }
    select! {
        recv(r) -> got => match got {
            Ok(n) => assert_eq!(n, 1),
            Err(_) => unreachable!(),
        },
        recv(never::<()>()) -> _ => unreachable!()
    }
}

#[test]
fn default_alone_and_first() {
    let (_s, r) = unbounded::<i32>();
    select! { default => {} }
    select! { default() => {} }
    assert_eq!(select! { default(ms(1)) => "timed out" }, "timed out");
    let got = select! {
        default => "nothing",
        recv(r) -> _ => "something",
    };
    assert_eq!(got, "nothing");
    let got = select_biased! {
        default(ms(1)) => "nothing",
        recv(r) -> _ => "something",
        recv(r) -> _ => "something",
    };
    assert_eq!(got, "nothing");
}

#[test]
fn values() {
    let (s, r) = unbounded::<i32>();
    let value = select! {
        recv(r) -> _ => "received".into(),
        send(s, 0) -> _ => "sent".to_owned(),
        default => "neither".to_string(),
    };
    assert_eq!(value, "sent");
    let value = select! {
        recv(r) -> _ => 3.0,
        recv(r) -> _ => 3.0,
        default => 7.,
    };
    assert_eq!(value, 3.0);
}

#[test]
fn patterns() {
    let (s, r) = unbounded();
    s.send((1, 2)).unwrap();
    s.send((3, 4)).unwrap();
    drop(s);
    let Ok((mut sum, _)) = r.recv() else { unreachable!() };
    select! {
        recv(r) -> got => {
            let (a, b) = got.unwrap();
            sum += a + b;
        }
        recv(r) -> got => {
            let (a, b) = got.unwrap();
            sum += a + b;
        }
    }
    assert_eq!(sum, 8);
    // The name of the receiver, for the message.
    select! {
        recv(r) -> r => assert_eq!(r, Err(RecvError)),
    }
    select! {
        recv(r) -> mut r => {
            r = r.or(Ok((5, 6)));
            assert_eq!(r, Ok((5, 6)));
        }
        recv(never::<()>()) -> (Ok(_) | Err(_)) => unreachable!(),
    }
}

#[test]
fn types_of_results() {
    let (s, _) = bounded::<i32>(0);
    let (_, r) = bounded::<i32>(0);
    select! {
        recv(r) -> got => { let _: Result<i32, RecvError> = got; }
    }
    select! {
        recv(r) -> got => { let _: Result<i32, RecvError> = got; }
        default => unreachable!(),
    }
    select! {
        recv(r) -> got => { let _: Result<i32, RecvError> = got; }
        default(ms(0)) => unreachable!(),
    }
    select! {
        send(s, 0) -> sent => { let _: Result<(), SendError<i32>> = sent; }
    }
    select! {
        recv(r) -> got => { let _: Result<i32, RecvError> = got; }
        send(s, 0) -> sent => { let _: Result<(), SendError<i32>> = sent; }
        default(ms(0)) => unreachable!(),
    }
}

#[test]
fn types_are_inferred() {
    let (s, r) = unbounded();
    select! {
        recv(r) -> _ => unreachable!(),
        default => {}
    }
    s.send(1u8).unwrap();
    let (s, r) = unbounded();
    select! {
        send(s, 'x') -> _ => {}
    }
    assert_eq!(r.recv(), Ok('x'));
}

#[test]
fn ends_by_reference_on_the_heap_and_wrapped() {
    struct Wrapped<T>(T);
    impl<T> Deref for Wrapped<T> {
        type Target = T;
        fn deref(&self) -> &T {
            &self.0
        }
    }
    let (s, r) = bounded::<i32>(1);
    select! {
        send(&&&&s, 0) -> sent => sent.unwrap(),
        recv(&&&&never::<i32>()) -> _ => unreachable!(),
    }
    let (s, r) = (Box::new(s), Box::new(r));
    select! {
        send(*s, 0) -> _ => unreachable!(),
        recv(*r) -> got => assert_eq!(got, Ok(0)),
    }
    let (s, r) = (Wrapped(*s), Wrapped(*r));
    select! {
        send(s, 1) -> sent => sent.unwrap(),
        recv(r) -> _ => unreachable!(),
    }
    select! {
        recv(Some(&*r).unwrap_or(&never())) -> got => assert_eq!(got, Ok(1)),
    }
    select! {
        recv(Some(r.0).unwrap_or(never())) -> _ => unreachable!(),
        default => {}
    }
}

/// Ends are evaluated once, in order, and a value only if its case is chosen.
#[test]
fn what_is_evaluated() {
    let log = std::cell::RefCell::new(Vec::new());
    let note = |what: &'static str| log.borrow_mut().push(what);
    let (s, r) = bounded(1);
    let (full, _kept) = bounded(0);
    select! {
        recv({ note("receiver"); &r }) -> _ => unreachable!(),
        send({ note("full"); &full }, { note("unused value"); 1 }) -> _ => unreachable!(),
        send({ note("sender"); &s }, { note("value"); 1 }) -> _ => note("arm"),
        default({ note("timeout"); AGES }) => unreachable!(),
    }
    assert_eq!(log.into_inner(), ["receiver", "full", "sender", "timeout", "value", "arm"]);
}

/// What is moved into an arm or an end need not be copied.
#[test]
fn things_are_moved_into_one_of_the_arms() {
    let (s, r) = unbounded::<Box<i32>>();
    let once = Box::new(1);
    select! {
        send(s, once) -> _ => {}
    }
    let (one, other) = (Box::new(2), Box::new(3));
    select! {
        recv(r) -> got => drop((got, one)),
        default => drop(other),
    }
    let once = Box::new(4);
    select! {
        recv(r) -> _ => drop(once),
        send(s, once) -> _ => {}
    }
    select! {
        recv((move || r)()) -> got => assert_eq!(got.unwrap(), Box::new(4)),
        recv(never::<()>()) -> _ => unreachable!(),
    }
    select! {
        send((move || s)(), Box::new(5)) -> sent => assert!(sent.is_err()),
    }
}

/// The arms are part of the function around them.
#[test]
fn arms_leave_and_go_on() {
    fn first_even(r: &Receiver<i32>, s: &Sender<i32>) -> Result<i32, RecvError> {
        let mut skipped = 0;
        'all: loop {
            let n = select! {
                recv(r) -> n => match n? {
                    0 => break 'all,
                    n if n % 2 == 1 => {
                        skipped += 1;
                        continue;
                    }
                    n => n,
                },
                recv(never::<()>()) -> _ => return Err(RecvError),
            };
            select! {
                send(s, if n > 100 { return Ok(n) } else { n }) -> sent => sent.unwrap(),
            }
            return Ok(n + skipped);
        }
        Ok(0)
    }
    let (numbers, r) = unbounded();
    let (s, evens) = bounded(1);
    [1, 3, 4].into_iter().for_each(|n| numbers.send(n).unwrap());
    assert_eq!(first_even(&r, &s), Ok(6));
    assert_eq!(evens.try_recv(), Ok(4));
    // The value of the send leaves: nothing is sent, and the place is free.
    numbers.send(102).unwrap();
    assert_eq!(first_even(&r, &s), Ok(102));
    assert_eq!(s.try_send(1), Ok(()));
    numbers.send(0).unwrap();
    assert_eq!(first_even(&r, &s), Ok(0));
    drop(numbers);
    assert_eq!(first_even(&r, &s), Err(RecvError));
}

#[test]
fn selects_in_arms() {
    let (_, r) = unbounded::<i32>();
    let depth = select! {
        recv(never::<()>()) -> _ => unreachable!(),
        recv(r) -> _ => select! {
            recv(r) -> _ => select! { default => 3 },
            recv(r) -> _ => select! { recv(r) -> _ => 3, recv(r) -> _ => 3 },
        },
        recv(r) -> _ => select! {
            recv(r) -> _ => 3,
        },
    };
    assert_eq!(depth, 3);
}

/// Thirty-two cases, the most that crossbeam-channel's takes.
#[test]
fn many_cases() {
    let (s, r) = unbounded();
    let n = never::<i32>();
    s.send(1).unwrap();
    let i = select! {
        recv(n) -> _ => 0, recv(n) -> _ => 1, recv(n) -> _ => 2, recv(n) -> _ => 3,
        recv(n) -> _ => 4, recv(n) -> _ => 5, recv(n) -> _ => 6, recv(n) -> _ => 7,
        recv(n) -> _ => 8, recv(n) -> _ => 9, recv(n) -> _ => 10, recv(n) -> _ => 11,
        recv(n) -> _ => 12, recv(n) -> _ => 13, recv(n) -> _ => 14, recv(n) -> _ => 15,
        recv(n) -> _ => 16, recv(n) -> _ => 17, recv(n) -> _ => 18, recv(n) -> _ => 19,
        recv(n) -> _ => 20, recv(n) -> _ => 21, recv(n) -> _ => 22, recv(n) -> _ => 23,
        recv(n) -> _ => 24, recv(n) -> _ => 25, recv(n) -> _ => 26, recv(n) -> _ => 27,
        recv(n) -> _ => 28, recv(n) -> _ => 29, recv(n) -> _ => 30, recv(r) -> _ => 31,
    };
    assert_eq!(i, 31);
}
