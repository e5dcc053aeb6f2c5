//! `after`, `at`, `tick` and `never`.

use std::time::Instant;

use sward::channel::{self, Receiver, RecvTimeoutError, Select, TryRecvError, after, at, bounded, never, select, tick};

use super::*;

on_both! {
    /// The message is the time at which it was to come; it comes then, and once.
    fn after_sends_one_message() {
        let before = Instant::now();
        let r = after(ms(5));
        let after_that = Instant::now();
        let got = r.recv().unwrap();
        assert!(got >= before + ms(5) && got <= after_that + ms(5));
        assert!(Instant::now() >= got);
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(r.recv_timeout(ms(1)), Err(RecvTimeoutError::Timeout));
    }

    fn at_sends_its_time() {
        let time = Instant::now() + ms(5);
        assert_eq!(at(time).recv(), Ok(time));
        assert!(Instant::now() >= time);
        let past = Instant::now();
        assert_eq!(at(past).try_recv(), Ok(past));
    }

    /// Ticks come a period after the last was due, if it was received in time, and no tick makes up for one that was missed.
    fn tick_skips_what_nobody_received() {
        let start = Instant::now();
        let ticks = tick(ms(2));
        let first = ticks.recv().unwrap();
        assert!(first >= start + ms(2));
        // Ten periods.
        at(first + ms(20)).recv().unwrap();
        let late = ticks.try_recv().unwrap();
        let received = Instant::now();
        assert!(late >= first + ms(2) && late < first + ms(20), "the tick that was due since then");
        let next = ticks.recv().unwrap();
        assert!(next >= first + ms(22), "a period after the late one was received");
        assert!(next <= received + ms(2));
    }

    /// Before and after a message is due.
    fn lengths() {
        for r in [after(AGES), tick(AGES)] {
            assert_eq!((r.len(), r.is_empty(), r.is_full(), r.capacity()), (0, true, false, Some(1)));
        }
        for r in [after(Duration::ZERO), tick(Duration::ZERO), at(Instant::now())] {
            assert_eq!((r.len(), r.is_empty(), r.is_full(), r.capacity()), (1, false, true, Some(1)));
        }
        let r = never::<i32>();
        assert_eq!((r.len(), r.is_empty(), r.is_full(), r.capacity()), (0, true, true, Some(0)));
    }

    fn the_same_channels() {
        for make in [after, tick] {
            let r = make(ms(1));
            assert!(r.same_channel(&r.clone()));
            assert!(!r.same_channel(&make(ms(1))));
            assert!(!r.same_channel(&never()));
        }
        assert!(never::<i32>().same_channel(&never()));
    }

    /// A clone receives from the same channel: one message in all.
    fn one_message_for_all_clones() {
        let r = after(ms(2));
        let got: usize = thread::scope(|scope| {
            let receivers: Vec<_> = (0..4).map(|_| {
                let r = r.clone();
                scope.spawn(move || usize::from(r.recv_timeout(ms(10)).is_ok()))
            }).collect();
            receivers.into_iter().map(|receiver| receiver.join().unwrap()).sum()
        });
        assert_eq!(got, 1);
    }

    fn ticks_for_all_clones() {
        let ticks = tick(Duration::from_micros(100));
        let mut all: Vec<Instant> = thread::scope(|scope| {
            let receivers: Vec<_> = (0..3).map(|_| {
                let ticks = ticks.clone();
                scope.spawn(move || (0..20).map(|_| ticks.recv().unwrap()).collect::<Vec<_>>())
            }).collect();
            receivers.into_iter().flat_map(|receiver| receiver.join().unwrap()).collect()
        });
        all.sort();
        assert!(all.windows(2).all(|two| two[1] >= two[0] + Duration::from_micros(100)), "one came twice, or too soon");
    }

    fn times_beyond_the_clock() {
        for r in [after(Duration::MAX), tick(Duration::MAX)] {
            assert!(r.same_channel(&never()));
            assert_eq!(r.recv_timeout(ms(1)), Err(RecvTimeoutError::Timeout));
        }
    }

    fn never_gets_nothing() {
        let r = never::<String>();
        let start = Instant::now();
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(r.recv_timeout(ms(2)), Err(RecvTimeoutError::Timeout));
        assert_eq!(r.recv_deadline(start + ms(4)), Err(RecvTimeoutError::Timeout));
        assert!(start.elapsed() >= ms(4));
        assert_eq!(r.try_iter().next(), None);
    }

    /// A time limit for a select, made anew for each, and one for them all.
    fn in_selects() {
        let (s, r) = bounded(0);
        let all = after(ms(20));
        let mut timeouts = 0;
        thread::scope(|scope| {
            scope.spawn(|| {
                at(Instant::now() + ms(10)).recv().unwrap();
                s.send("hello").unwrap();
            });
            let mut got = None;
            loop {
                select! {
                    recv(r) -> message => got = message.ok(),
                    recv(after(ms(2))) -> _ => timeouts += 1,
                    recv(all) -> _ => break,
                }
            }
            assert_eq!(got, Some("hello"));
        });
        assert!(timeouts > 0);
    }

    /// Of several times, the first one ends the wait; whichever way the select waits.
    fn the_first_of_several() {
        let (_s, silent) = bounded::<Instant>(0);
        let (soon, late) = (after(ms(2)), after(AGES));
        let ready = {
            let mut set = Select::new();
            set.recv(&late);
            set.recv(&silent);
            let soon = set.recv(&soon);
            assert_eq!(set.ready(), soon);
            let operation = set.select_timeout(AGES).unwrap();
            assert_eq!(operation.index(), soon);
            operation
        };
        assert!(ready.recv(&soon).is_ok());
        let mut set = Select::new();
        set.recv(&soon);
        set.recv(&late);
        assert!(set.try_select().is_err());
        assert!(set.select_timeout(ms(1)).is_err());
    }

    /// A message that another thread took is none.
    fn a_message_that_is_gone() {
        let r = after(ms(1));
        thread::scope(|scope| {
            let both: Vec<_> = (0..2).map(|_| scope.spawn(|| select! {
                recv(r) -> _ => 1,
                recv(never::<()>()) -> _ => unreachable!(),
                default(ms(10)) => 0,
            })).collect();
            assert_eq!(both.into_iter().map(|thread| thread.join().unwrap()).sum::<i32>(), 1);
        });
    }
}

#[test]
fn never_is_a_constant() {
    static NOTHING: Receiver<i32> = channel::never();
    assert_eq!(NOTHING.try_recv(), Err(TryRecvError::Empty));
}
