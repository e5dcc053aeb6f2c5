//! Standard input and output, of programs that are started for it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, PipeWriter, Write};
use std::process::{Command, Stdio};

use sward_tests::{Finished, Watchdog, program, shell_words};

fn scenario(name: &str, procs: usize) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_streams"));
    command.arg(name).env("SWARD_PROCS", procs.to_string());
    command
}

/// Gives the command an input to be written to.
fn feed(command: &mut Command) -> PipeWriter {
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdin(reader);
    writer
}

/// Each line goes to one of four threads, whole; the last one has no end.
#[test]
fn lines_to_many_threads() {
    let mut command = scenario("lines-to-many", 4);
    let mut input = feed(&mut command);
    let lines: BTreeSet<String> = (0..3000).map(|n| format!("line {n} {}", "x".repeat(n % 100))).collect();
    let text = lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    let writer = std::thread::spawn(move || {
        // In pieces that end anywhere.
        text.as_bytes().chunks(777).for_each(|piece| input.write_all(piece).unwrap());
    });
    let finished = Finished::of(&mut command).exits_with(0);
    drop(command);
    writer.join().unwrap();
    let printed: Vec<_> = finished.stdout.lines().map(String::from).collect();
    assert_eq!(printed.len(), lines.len());
    assert!(printed.into_iter().collect::<BTreeSet<_>>() == lines, "lines have changed");
}

/// On one P, one thread waits for a line; another one asks for it.
#[test]
fn waiting_for_a_line_holds_nobody_up() {
    let _watchdog = Watchdog::start();
    let mut command = scenario("asks-for-lines", 1);
    let mut input = feed(&mut command);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(command);
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    for n in 0..20 {
        assert_eq!(output.next().unwrap().unwrap(), format!("give me line {n}"));
        writeln!(input, "this is {n}").unwrap();
        assert_eq!(output.next().unwrap().unwrap(), format!("this is {n}"));
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

/// What std's `stdin` has read ahead is not lost.
#[test]
fn first_stds_input_then_ours() {
    let mut command = scenario("two-inputs", 2);
    let mut input = feed(&mut command);
    input.write_all(b"one\ntwo\nthree\nfour\n").unwrap();
    drop(input);
    let finished = Finished::of(&mut command).exits_with(0);
    assert_eq!(finished.stdout, "std: one\nsward: two\nsward: three\nsward: four\n");
}

#[test]
fn an_input_that_is_closed_is_empty() {
    let mut command = Command::new("sh");
    command.args(["-c", "exec $0 read-to-end <&-", &shell_words(env!("CARGO_BIN_EXE_streams"))]);
    assert_eq!(Finished::of(&mut command).exits_with(0).stdout, "0 bytes\n");
}

/// Lines by `writeln!` of many pieces, by `println!`, and pairs of lines under a lock, from many threads.
#[test]
fn lines_are_not_torn() {
    let finished = Finished::of(&mut scenario("prints", 4)).exits_with(0);
    let lines: Vec<_> = finished.stdout.lines().collect();
    let count = |what: &str| lines.iter().filter(|line| line.starts_with(what)).count();
    for line in &lines {
        let words: Vec<_> = line.split(' ').collect();
        assert!(words.len() == 5 && words.iter().all(|word| *word == words[0]), "torn: {line:?}");
    }
    assert_eq!((count("w"), count("p"), count("first"), count("second")), (800, 800, 400, 400));
    // Who heeds the lock stays outside; `println!` does not.
    let heeding: Vec<_> = lines.iter().filter(|line| !line.starts_with('p')).collect();
    for pair in heeding.windows(2) {
        assert_eq!(pair[0].starts_with("first"), pair[1].starts_with("second"), "{pair:?}");
    }
    let errors: Vec<_> = finished.stderr.lines().collect();
    assert!(errors.len() == 400 && errors.iter().all(|line| *line == "e e e e e"));
}

/// Who reads the output has gone.
#[test]
fn an_output_that_nobody_reads_is_an_error() {
    let mut command = Command::new("sh");
    let streams = shell_words(env!("CARGO_BIN_EXE_streams"));
    command.args(["-c", "trap '' PIPE; ($0 writes-to-nobody; echo $? >&2) | true", &streams]);
    Finished::of(&mut command).exits_with(0).says("Broken pipe").does_not_say("panicked");
}
