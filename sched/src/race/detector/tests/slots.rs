//! Which slot a new thread gets, and what is known of the old ones.

use std::sync::Arc;

use crate::race::detector::slots::{Slot, Slots};
use crate::race::detector::timeline::Who;

fn who(title: String) -> Arc<Who> {
    Arc::new(Who { title: title.into(), origin: None })
}

fn title(slot: &Slot, time: u64) -> Option<String> {
    slot.who(time).map(|who| who.title.to_string())
}

#[test]
fn the_slot_that_has_been_free_for_longest_is_used_again_once_many_are_free() {
    let mut slots = Slots::new();
    let take = |slots: &mut Slots| slots.take(who("a thread".into()));
    let all: Vec<_> = (0..300).map(|_| take(&mut slots)).collect();
    assert!(all.iter().enumerate().all(|(number, slot)| slot.number == number));
    all[10..266].iter().for_each(|slot| slots.give_back(slot));
    assert_eq!(take(&mut slots).number, 300, "256 free ones are not yet many");
    slots.give_back(all[5]);
    assert_eq!(take(&mut slots).number, 10);
    assert_eq!(take(&mut slots).number, 301);
    slots.give_back(all[0]);
    assert_eq!(take(&mut slots).number, 11);
}

#[test]
fn threads_that_come_and_go_need_few_slots() {
    let mut slots = Slots::new();
    for _ in 0..10_000 {
        let slot = slots.take(who("a thread".into()));
        slots.give_back(slot);
    }
    assert_eq!(slots.all().count(), 257);
}

#[test]
fn a_slot_goes_on_with_its_time_and_knows_its_last_threads() {
    let mut slots = Slots::new();
    let mut began = Vec::new();
    for number in 0..257 * 12 {
        let slot = slots.take(who(format!("thread {number}")));
        if slot.number == 0 {
            began.push((number, slot.now()));
            slot.tick();
            assert_eq!(slot.now(), began[began.len() - 1].1 + 1);
        }
        slots.give_back(slot);
    }
    assert_eq!(began.len(), 12);
    let slot = slots.all().next().expect("the first slot");
    for (tenant, &(number, since)) in began.iter().enumerate() {
        assert!(tenant == 0 || since == began[tenant - 1].1 + 2, "a thread begins where the last one ended");
        let known = (tenant >= 4).then(|| format!("thread {number}"));
        assert_eq!([since, since + 1].map(|time| title(slot, time)), [known.clone(), known]);
    }
}

#[test]
fn what_is_settled_is_settled_up_to_then() {
    let mut slots = Slots::new();
    let slot = slots.take(who("an OS thread".into()));
    assert!(!slot.is_settled(slot.now()));
    slot.settle();
    assert!(slot.is_settled(slot.now()));
    assert!(!slot.is_settled(slot.tick()));
}
