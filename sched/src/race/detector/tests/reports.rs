//! The text of a report.

use std::panic::Location;

use crate::race::detector::clock::{Clock, Epoch};
use crate::race::detector::granule::{Access, Race};
use crate::race::detector::report::Reported;
use crate::race::detector::slots::Slots;
use crate::race::detector::timeline::{Origin, Timeline, Who};
use crate::race::detector::traces::Trace;

fn access(epoch: Epoch, place: usize, bytes: usize, is_write: bool, trace: Trace) -> Access {
    Access { epoch, place, bytes, is_write, trace }
}

/// A call of some function, which has got so many bytes far.
fn trace(bytes: usize) -> Trace {
    let function = str::len as fn(&str) -> usize as usize;
    Box::leak(Box::new([function + bytes]))
}

#[test]
fn a_report_has_both_accesses_and_both_origins() {
    let mut slots = Slots::new();
    let at = Location::caller();
    let main = Who { title: "OS thread 9 \"main\"".into(), origin: None };
    let left = Who {
        title: "green thread 7 \"left\"".into(),
        origin: Some(Origin { at, by: Some("green thread 1 \"main\"".into()) }),
    };
    let right = Who { title: "green thread 8".into(), origin: Some(Origin { at, by: None }) };
    let [main, left, right] = [main, left, right].map(|who| Timeline::new(&mut slots, who, Clock::new()).epoch());
    let calls = trace(0);
    let mut reported = Reported::new();
    let mut text = |present, previous| reported.add(&Race { present, previous }).expect("a new race");

    let report = text(access(left, 16, 8, true, calls), access(right, 17, 1, false, calls));
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(
        lines[..3],
        ["==================", "WARNING: DATA RACE", "Write of 8 bytes at 0x10 by green thread 7 \"left\":"]
    );
    assert!(lines[3].starts_with("   0: ") && lines[3].contains("len"), "{report}");
    let second = lines.iter().position(|line| *line == "Previous read of 1 byte at 0x11 by green thread 8:");
    let second = second.unwrap_or_else(|| panic!("no second access in {report}"));
    assert_eq!(lines[second - 1], "");
    assert_eq!(lines[second + 1], lines[3]);
    let origins = [
        "".to_owned(),
        format!("green thread 7 \"left\" was spawned at {at} by green thread 1 \"main\""),
        format!("green thread 8 was spawned at {at}"),
        "==================".to_owned(),
    ];
    assert_eq!(lines[lines.len() - 4..], origins);

    let report = text(access(main, 16, 8, false, &[]), access(right, 16, 8, true, &[]));
    let expected = format!(
        "==================\nWARNING: DATA RACE\n\
         Read of 8 bytes at 0x10 by OS thread 9 \"main\":\n   no calls are known\n\n\
         Previous write of 8 bytes at 0x10 by green thread 8:\n   no calls are known\n\n\
         green thread 8 was spawned at {at}\n==================\n"
    );
    assert_eq!(report, expected);
}

#[test]
fn a_static_is_named() {
    static COUNTER: [u64; 4] = [1, 2, 3, 4];
    let mut slots = Slots::new();
    let epoch = Timeline::new(&mut slots, Who { title: "green thread 1".into(), origin: None }, Clock::new()).epoch();
    let deed = access(epoch, (&raw const COUNTER[1]).addr(), 8, true, &[]);
    let report = Reported::new().add(&Race { present: deed, previous: deed }).expect("a new race");
    let name = "a_static_is_named::COUNTER\n==================\n";
    assert!(report.contains(" is in the static sward_sched::") && report.ends_with(name), "{report}");
}

#[test]
fn two_places_are_reported_once_whichever_came_first() {
    let mut slots = Slots::new();
    let who = || Who { title: "green thread 1".into(), origin: None };
    let mut access = |trace| access(Timeline::new(&mut slots, who(), Clock::new()).epoch(), 16, 8, true, trace);
    let mut reported = Reported::new();
    let (one, other) = (access(trace(0)), access(&[]));
    let elsewhere = access(Box::leak(Box::new([1])));
    assert!(reported.add(&Race { present: one, previous: other }).is_some());
    assert!(reported.add(&Race { present: one, previous: other }).is_none());
    assert!(reported.add(&Race { present: other, previous: one }).is_none());
    assert!(reported.add(&Race { present: one, previous: one }).is_some());
    assert!(reported.add(&Race { present: one, previous: elsewhere }).is_some());
    // Another instruction of the same line.
    assert!(reported.add(&Race { present: access(trace(1)), previous: other }).is_none());
}
