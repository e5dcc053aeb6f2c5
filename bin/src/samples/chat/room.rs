//! The room: a green thread that knows who is there, and passes on what is said.
//!
//! All that happens comes to it through one channel, so everybody hears everything in the same order. That channel is bounded: those who
//! talk faster than the room can pass it on wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use sward::channel::{Receiver, Sender, bounded};
use sward::net::Shutdown;

use crate::server::Client;

/// A line on its way to those who hear it, with its end.
pub type Line = Arc<str>;

/// How much may have happened that the room hasn't seen to yet.
const UNSEEN: usize = 64;

/// The longest nick, in characters.
const LONGEST_NICK: usize = 20;

/// The way into the room.
pub struct Room {
    events: Sender<Event>,
}

/// Somebody who is in the room.
pub struct Member {
    number: u64,
    events: Sender<Event>,
}

enum Event {
    Join { listener: Listener, reply: Sender<Option<u64>> },
    Say { number: u64, line: String },
    Leave { number: u64, last_words: &'static str },
}

/// How the room sees a member.
struct Listener {
    nick: String,
    outbox: Sender<Line>,
    client: Client,
}

impl Room {
    /// Opens a room with nobody in it. It closes when nobody can come any more.
    pub fn open() -> Room {
        let (events, seen) = bounded(UNSEEN);
        sward::spawn(move || Register::default().keep(seen));
        Room { events }
    }

    /// Lets a client in under a nick. From then on it hears, through `outbox`, until that is dropped.
    ///
    /// # Errors
    /// What is wrong with the nick.
    pub fn join(&self, nick: String, outbox: &Sender<Line>, client: &Client) -> Result<Member, String> {
        let is_nick = |character: char| character.is_alphanumeric() || "-_".contains(character);
        if nick.is_empty() || nick.chars().count() > LONGEST_NICK || !nick.chars().all(is_nick) {
            return Err(format!("a nick is one to {LONGEST_NICK} letters, digits, - and _"));
        }
        let taken = format!("{nick} is here already");
        let listener = Listener { nick, outbox: outbox.clone(), client: client.clone() };
        let (reply, answer) = bounded(1);
        self.send(Event::Join { listener, reply });
        let number = answer.recv().expect("the room answers").ok_or(taken)?;
        Ok(Member { number, events: self.events.clone() })
    }

    fn send(&self, event: Event) {
        send(&self.events, event);
    }
}

impl Member {
    /// Says something to all others, or a command to the room.
    pub fn says(&self, line: String) {
        send(&self.events, Event::Say { number: self.number, line });
    }

    /// Leaves, after some last words from the room.
    pub fn leaves(self, last_words: &'static str) {
        send(&self.events, Event::Leave { number: self.number, last_words });
    }
}

fn send(events: &Sender<Event>, event: Event) {
    events.send(event).expect("the room is open as long as somebody can come");
}

/// Who is in the room, in the order in which they came.
#[derive(Default)]
struct Register {
    listeners: BTreeMap<u64, Listener>,
    last: u64,
}

impl Register {
    fn keep(mut self, events: Receiver<Event>) {
        for event in events {
            match event {
                Event::Join { listener, reply } => {
                    let number = self.admit(listener);
                    reply.send(number).expect("the client waits for it");
                }
                Event::Say { number, line } => self.hear(number, &line),
                Event::Leave { number, last_words } => self.dismiss(number, last_words),
            }
        }
    }

    /// The number of the new one, if the nick isn't taken.
    fn admit(&mut self, listener: Listener) -> Option<u64> {
        if self.listeners.values().any(|other| other.nick == listener.nick) {
            return None;
        }
        self.last += 1;
        self.tell_all_but(self.last, format!("* {} is here", listener.nick));
        self.listeners.insert(self.last, listener);
        self.tell(self.last, self.attendance());
        Some(self.last)
    }

    fn hear(&mut self, number: u64, line: &str) {
        // One that was put out may have said something before it noticed.
        let Some(listener) = self.listeners.get(&number) else { return };
        match line {
            "/who" => self.tell(number, self.attendance()),
            _ if line.starts_with('/') => self.tell(number, "* the commands are /who and /quit".to_owned()),
            _ => self.tell_all_but(number, format!("{}: {line}", listener.nick)),
        }
    }

    fn dismiss(&mut self, number: u64, last_words: &str) {
        self.tell(number, last_words.to_owned());
        // One that was put out has left already.
        let Some(listener) = self.listeners.remove(&number) else { return };
        // When everybody leaves, nobody needs to hear who does.
        if !listener.client.is_stopping() {
            self.tell_all_but(number, format!("* {} has left", listener.nick));
        }
    }

    fn attendance(&self) -> String {
        let nicks: Vec<&str> = self.listeners.values().map(|listener| &*listener.nick).collect();
        format!("* in the room: {}", nicks.join(", "))
    }

    fn tell(&mut self, number: u64, line: String) {
        self.pass_on(|other| other == number, line);
    }

    fn tell_all_but(&mut self, number: u64, line: String) {
        self.pass_on(|other| other != number, line);
    }

    /// Sends a line to those who are to hear it. Who has too many lines to hear already is put out, which the others hear.
    fn pass_on(&mut self, hears: impl Fn(u64) -> bool, line: String) {
        let line = Line::from(line + "\n");
        let is_slow =
            |&number: &u64, listener: &mut Listener| hears(number) && listener.outbox.try_send(line.clone()).is_err();
        for (number, listener) in self.listeners.extract_if(.., is_slow).collect::<Vec<_>>() {
            listener.client.end(Shutdown::Both);
            self.tell_all_but(number, format!("* {} is too slow and was put out", listener.nick));
        }
    }
}
