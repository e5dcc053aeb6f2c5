//! `sward run chat`: everybody hears what the others say.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::command::has;
use crate::server::Server;

const WELCOME: &str = "* welcome; your first line is your nick";

/// Somebody who chats.
struct Person {
    stream: BufReader<TcpStream>,
}

impl Person {
    /// Somebody who has been welcomed.
    #[track_caller]
    fn connect(server: &Server) -> Person {
        let mut person = Person { stream: BufReader::new(server.connect()) };
        person.hears(WELCOME);
        person
    }

    /// Somebody who is in the room, with those who are there already and have heard so.
    #[track_caller]
    fn join(server: &Server, nick: &str, others: &mut [&mut Person]) -> Person {
        let mut person = Person::connect(server);
        person.says(nick);
        let line = person.line();
        assert!(line.starts_with("* in the room: ") && line.ends_with(nick), "{line:?}");
        for other in others {
            other.hears(&format!("* {nick} is here"));
        }
        person
    }

    #[track_caller]
    fn says(&mut self, line: &str) {
        self.stream.get_mut().write_all(format!("{line}\n").as_bytes()).expect("it can be said");
    }

    #[track_caller]
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("something to hear");
        line.strip_suffix('\n').unwrap_or_else(|| panic!("the end, after {line:?}")).to_owned()
    }

    #[track_caller]
    fn hears(&mut self, line: &str) {
        assert_eq!(self.line(), line);
    }

    #[track_caller]
    fn hears_no_more(&mut self) {
        let mut rest = String::new();
        self.stream.read_to_string(&mut rest).expect("an end");
        assert_eq!(rest, "");
    }
}

#[test]
fn three_hear_each_other_in_the_same_order() {
    for procs in [1, 8] {
        let server = Server::start(&format!("chat --procs {procs}"));
        let mut ann = Person::join(&server, "ann", &mut []);
        let mut bob = Person::join(&server, "bob", &mut [&mut ann]);
        let mut cid = Person::join(&server, "cid", &mut [&mut ann, &mut bob]);
        ann.says("hello");
        bob.hears("ann: hello");
        cid.hears("ann: hello");
        for n in 0..100 {
            bob.says(&format!("b{n}"));
            cid.says(&format!("c{n}"));
        }
        // One that speaks hears the other only; the third hears both, each in its order.
        let heard: Vec<String> = (0..200).map(|_| ann.line()).collect();
        for (person, nick) in [(&mut bob, "cid: c"), (&mut cid, "bob: b")] {
            let said: Vec<String> = (0..100).map(|n| format!("{nick}{n}")).collect();
            assert_eq!((0..100).map(|_| person.line()).collect::<Vec<_>>(), said);
            assert_eq!(heard.iter().filter(|line| line.starts_with(nick)).cloned().collect::<Vec<_>>(), said);
        }
        bob.says("/who");
        bob.hears("* in the room: ann, bob, cid");
        bob.says("/nonsense");
        bob.hears("* the commands are /who and /quit");
        bob.says("/quit");
        bob.hears("* goodbye");
        bob.hears_no_more();
        drop(cid);
        let mut left = [ann.line(), ann.line()];
        left.sort();
        assert_eq!(left, ["* bob has left", "* cid has left"]);
        server.signal(libc::SIGTERM);
        ann.hears("* the server is closing");
        ann.hears_no_more();
        let ended = server.wait().exits_with(0);
        assert_eq!((&*ended.stdout, &*ended.stderr), ("connections: 3, lines: 203\n", ""));
    }
}

#[test]
fn a_nick_is_a_word_that_nobody_else_has() {
    let server = Server::start("chat");
    let _ann = Person::join(&server, "ann", &mut []);
    let mut other = Person::connect(&server);
    for (nick, why) in [
        ("ann", "ann is here already"),
        ("", "a nick is one to 20 letters, digits, - and _"),
        ("two words", "a nick is one to 20 letters, digits, - and _"),
        ("abcdefghijklmnopqrstu", "a nick is one to 20 letters, digits, - and _"),
        ("/who", "a nick is one to 20 letters, digits, - and _"),
    ] {
        other.says(nick);
        other.hears(&format!("* {why}; choose another"));
    }
    other.says("Jörg_2\r");
    other.hears("* in the room: ann, Jörg_2");
    server.end().exits_with(0);
}

#[test]
fn what_terminals_would_obey_is_left_out() {
    let server = Server::start("chat");
    let mut ann = Person::join(&server, "ann", &mut []);
    let mut bob = Person::join(&server, "bob", &mut [&mut ann]);
    ann.says("\x1b[2Jhi\x07");
    bob.hears("ann: [2Jhi");
    server.end().exits_with(0);
}

#[test]
fn a_line_without_end_is_not_taken() {
    let server = Server::start("chat");
    let mut ann = Person::join(&server, "ann", &mut []);
    let mut bob = Person::join(&server, "bob", &mut [&mut ann]);
    ann.says(&"x".repeat(5_000));
    ann.hears("* that line is too long; goodbye");
    ann.hears_no_more();
    bob.hears("* ann has left");
    server.end().exits_with(0);
}

#[test]
fn who_does_not_listen_is_put_out_and_holds_up_nobody() {
    let server = Server::start("chat");
    let mut ann = Person::join(&server, "ann", &mut []);
    let mut bob = Person::join(&server, "bob", &mut [&mut ann]);
    // Never reads again.
    let deaf = Person::join(&server, "deaf", &mut [&mut ann, &mut bob]);
    let line = "x".repeat(900);
    let mut spoken = 0;
    loop {
        ann.says(&line);
        spoken += 1;
        let heard = bob.line();
        if heard == "* deaf is too slow and was put out" {
            break;
        }
        assert_eq!(heard, format!("ann: {line}"));
        assert!(spoken < 100_000, "it is still there");
    }
    ann.hears("* deaf is too slow and was put out");
    bob.says("/who");
    assert!([bob.line(), bob.line()].contains(&"* in the room: ann, bob".to_owned()));
    // What did not get through to it never will.
    let error = deaf.stream.into_inner().read_to_end(&mut Vec::new()).err().map(|error| error.kind());
    assert!(matches!(error, None | Some(ErrorKind::ConnectionReset)), "{error:?}");
    server.end().exits_with(0);
}

#[test]
fn nc_can_chat() {
    if !has("nc") {
        return;
    }
    let server = Server::start("chat");
    let mut ann = Person::join(&server, "ann", &mut []);
    let mut nc = Command::new("nc");
    nc.args(["127.0.0.1", &server.address().port().to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut nc = nc.spawn().expect("nc starts");
    let mut keyboard = nc.stdin.take().expect("it was asked for");
    keyboard.write_all(b"bob\nhi ann\n").expect("it can be typed");
    ann.hears("* bob is here");
    ann.hears("bob: hi ann");
    ann.says("hi bob");
    let mut screen = BufReader::new(nc.stdout.take().expect("it was asked for"));
    let mut shown = String::new();
    while !shown.ends_with("ann: hi bob\n") {
        assert_ne!(screen.read_line(&mut shown).expect("it shows text"), 0, "the end, after {shown:?}");
    }
    keyboard.write_all(b"/quit\n").expect("it can be typed");
    drop(keyboard);
    screen.read_to_string(&mut shown).expect("it shows text");
    assert_eq!(shown, format!("{WELCOME}\n* in the room: ann, bob\nann: hi bob\n* goodbye\n"));
    assert!(nc.wait().expect("nc ends").success());
    ann.hears("* bob has left");
    server.end().exits_with(0);
}
