//! Small programs for tests of the standard streams: `streams NAME` runs one of them.

use std::process;

use sward::io::{self, BufRead, Read, Write};
use sward::{channel, thread};

type Program = fn() -> io::Result<()>;

/// The programs, by name.
const PROGRAMS: &[(&str, Program)] = &[
    ("lines-to-many", lines_to_many),
    ("asks-for-lines", asks_for_lines),
    ("two-inputs", two_inputs),
    ("read-to-end", read_to_end),
    ("prints", prints),
    ("writes-to-nobody", writes_to_nobody),
];

fn main() -> process::ExitCode {
    match sward::run(sward_tests::chosen(PROGRAMS)) {
        Ok(()) => process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            process::ExitCode::FAILURE
        }
    }
}

/// Four threads read lines as they can get them, another one prints them.
fn lines_to_many() -> io::Result<()> {
    let (tx, rx) = channel::bounded(0);
    for n in 0..4 {
        let tx = tx.clone();
        thread::spawn(move || {
            let mut line = String::new();
            loop {
                line.clear();
                // Each second one locks the input for that.
                let read = if n % 2 == 0 {
                    io::stdin().read_line(&mut line)
                } else {
                    let mut input = io::stdin().lock();
                    thread::yield_now();
                    input.read_line(&mut line)
                };
                if read.expect("a line") == 0 {
                    return;
                }
                tx.send(line.trim_end_matches('\n').to_owned()).expect("it is printed");
            }
        });
    }
    drop(tx);
    rx.iter().try_for_each(|line| writeln!(io::stdout(), "{line}"))
}

/// One thread waits for lines, another one asks for them.
fn asks_for_lines() -> io::Result<()> {
    let (tx, rx) = channel::bounded(0);
    let reader = thread::spawn(move || {
        for line in io::stdin().lines() {
            let line = line.expect("a line");
            if tx.send(line).is_err() {
                return;
            }
        }
    });
    for n in 0..20 {
        thread::yield_now();
        writeln!(io::stdout(), "give me line {n}")?;
        let line = rx.recv().expect("a line");
        writeln!(io::stdout(), "{line}")?;
    }
    drop(rx);
    reader.join().expect("no panic");
    Ok(())
}

fn two_inputs() -> io::Result<()> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    println!("std: {}", line.trim_end());
    line.clear();
    io::stdin().read_line(&mut line)?;
    writeln!(io::stdout(), "sward: {}", line.trim_end())?;
    io::stdin().lock().lines().try_for_each(|line| writeln!(io::stdout(), "sward: {}", line?))
}

fn read_to_end() -> io::Result<()> {
    let read = io::stdin().read_to_end(&mut Vec::new())?;
    writeln!(io::stdout(), "{read} bytes")
}

/// Twelve threads print lines of five equal words, each in its way.
fn prints() -> io::Result<()> {
    fn pair(word: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "first {0} {0} {0} {0}", "first")?;
        thread::yield_now();
        // Who has the lock may print by a handle of its own.
        writeln!(io::stdout(), "{word} {word} {word} {word} {word}")
    }
    let threads = (0..12).map(|n| {
        thread::spawn(move || {
            for turn in 0..200 {
                match n % 6 {
                    0 | 1 => writeln!(io::stdout(), "{0} {0} {0} {0} {0}", format_args!("w{turn}"))?,
                    2 | 3 => println!("{0} {0} {0} {0} {0}", format_args!("p{turn}")),
                    4 => pair("second")?,
                    _ => writeln!(io::stderr(), "{0} {0} {0} {0} {0}", 'e')?,
                }
            }
            io::Result::Ok(())
        })
    });
    threads.collect::<Vec<_>>().into_iter().try_for_each(|thread| thread.join().expect("no panic"))
}

/// Writes until that fails.
fn writes_to_nobody() -> io::Result<()> {
    let mut out = io::stdout();
    loop {
        out.write_all(&[b'x'; 1000])?;
        out.flush()?;
    }
}
