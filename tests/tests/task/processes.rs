//! Child processes: waiting for them, and talking to them, holds no green thread up, not on a single P either.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sward::io::{ErrorKind, Read, Write};
use sward::process::{Command, Stdio};
use sward::{channel, thread};
use sward_tests::{is_emulated, run, run_on};

const MEGABYTES: usize = 4 << 20;

/// Bytes that are not the same after each other's loss.
fn pattern() -> Vec<u8> {
    (0..MEGABYTES).map(|n| (n % 251) as u8).collect()
}

/// More goes through than pipes hold: the writer waits for `cat`, `cat` for the reader.
#[test]
fn megabytes_there_and_back() {
    run_on(1, || {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = cat.stdin.take().unwrap();
        let mut output = cat.stdout.take().unwrap();
        let writer = thread::spawn(move || input.write_all(&pattern()).unwrap());
        let mut back = Vec::new();
        output.read_to_end(&mut back).unwrap();
        assert!(back == pattern());
        writer.join().unwrap();
        assert!(cat.wait().unwrap().success());
    });
}

/// Piece by piece, each one asked for and answered.
#[test]
fn a_conversation() {
    run_on(1, || {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut input, mut output) = (cat.stdin.take().unwrap(), cat.stdout.take().unwrap());
        for n in 0..500u32 {
            input.write_all(&n.to_ne_bytes()).unwrap();
            let mut echo = [0; 4];
            output.read_exact(&mut echo).unwrap();
            assert_eq!(u32::from_ne_bytes(echo), n);
        }
        drop(input);
        assert_eq!(output.read(&mut [0]).unwrap(), 0);
        assert!(cat.wait().unwrap().success());
    });
}

/// Both outputs are full at once: reading one to its end before the other would never end.
#[test]
fn much_on_both_outputs() {
    run_on(1, || {
        let script = format!("head -c {MEGABYTES} /dev/zero >&2 & head -c {MEGABYTES} /dev/zero; wait");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (MEGABYTES, MEGABYTES));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (MEGABYTES, MEGABYTES));
    });
}

/// The child ends when others have run, who count on the one P while this one waits.
#[test]
fn waiting_holds_nobody_up() {
    run_on(1, || {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let (tx, rx) = channel::bounded(0);
        let waiting = Arc::new(AtomicBool::new(false));
        let is_waiting = waiting.clone();
        let waiter = thread::spawn(move || {
            is_waiting.store(true, Ordering::Release);
            let status = child.wait().unwrap();
            tx.send(status.success()).unwrap();
        });
        sward_tests::yield_until(|| waiting.load(Ordering::Acquire));
        (0..100).for_each(|_| assert_eq!(thread::spawn(|| 1).join().unwrap(), 1));
        assert!(!waiter.is_finished());
        drop(input);
        assert!(rx.recv().unwrap());
        waiter.join().unwrap();
    });
}

#[test]
fn many_children_at_once() {
    run(|| {
        let children: Vec<_> = (0..20)
            .map(|n| {
                thread::spawn(move || {
                    let output = Command::new("sh").args(["-c", &format!("echo {n}; exit {n}")]).output().unwrap();
                    (output.status.code(), output.stdout)
                })
            })
            .collect();
        for (n, child) in children.into_iter().enumerate() {
            assert_eq!(child.join().unwrap(), (Some(n as i32), format!("{n}\n").into_bytes()));
        }
    });
}

/// A child starts with the usual signals, whatever the runtime has done with them here.
#[test]
fn a_child_starts_with_a_clean_slate() {
    run(|| {
        let output = Command::new("cat").arg("/proc/self/status").output().unwrap();
        let status = String::from_utf8(output.stdout).unwrap();
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
        assert_eq!(blocked.trim().trim_matches('0'), "", "blocked signals");
    });
}

/// An emulator's vfork is a fork, and its posix_spawn always succeeds.
#[test]
fn a_program_that_is_not_there() {
    if !is_emulated() {
        run(|| assert_eq!(Command::new("/nowhere/to/be/found").status().unwrap_err().kind(), ErrorKind::NotFound));
    }
}
