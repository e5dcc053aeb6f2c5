//! That each call does what std's does.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use super::{Child, Command, Stdio};

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).stdin(Stdio::null());
    command
}

#[sward::test]
fn how_a_program_ends() {
    assert_eq!(sh("exit 3").status().unwrap().code(), Some(3));
    assert_eq!(sh("kill -9 $$").status().unwrap().signal(), Some(9));
}

#[sward::test]
fn what_it_writes_is_collected() {
    let output = sh("echo out; echo err >&2; exit 1").output().unwrap();
    assert_eq!((output.status.code(), &output.stdout[..], &output.stderr[..]), (Some(1), &b"out\n"[..], &b"err\n"[..]));
}

#[sward::test]
fn settings_are_heeded() {
    let mut command = sh("echo $A $B $PWD $0 ${HOME:-homeless}");
    command.args(["zero"]).env("A", "1").envs([("B", "2"), ("C", "3")]).env_remove("HOME").current_dir("/");
    assert_eq!(command.output().unwrap().stdout, b"1 2 / zero homeless\n");
    assert_eq!(command.get_program(), "sh");
    assert_eq!(command.get_args().collect::<Vec<_>>(), ["-c", "echo $A $B $PWD $0 ${HOME:-homeless}", "zero"]);
    assert_eq!(command.get_current_dir(), Some(Path::new("/")));
    assert_eq!(command.get_envs().count(), 4);
    let mut bare = Command::new("/usr/bin/env");
    assert_eq!(bare.env_clear().env("ONLY", "one").output().unwrap().stdout, b"ONLY=one\n");
    assert_eq!(format!("{command:?}"), format!("{:?}", std::process::Command::from(command)));
}

#[sward::test]
fn waiting_and_looking() {
    let mut child = sh("read line; exit 5").stdin(Stdio::piped()).spawn().unwrap();
    assert!(child.id() != 0);
    assert_eq!(child.try_wait().unwrap(), None);
    // Closes the input, which ends the `read`.
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert!(child.stdin.is_none());
    assert_eq!(child.try_wait().unwrap().unwrap().code(), Some(5));
    child.kill().expect("nothing, as for std's");
}

#[sward::test]
fn a_killed_child() {
    let mut child = sh("sleep 1000").spawn().unwrap();
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[sward::test]
fn the_pipes() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = child.stdout.as_mut().unwrap();
    for word in ["one", "two"] {
        input.write_all(word.as_bytes()).unwrap();
        let mut echo = [0; 3];
        output.read_exact(&mut echo).unwrap();
        assert_eq!(echo, word.as_bytes());
    }
    drop(input);
    assert_eq!(output.read(&mut [0]).unwrap(), 0);
    assert!(child.wait().unwrap().success());
}

#[sward::test]
fn a_pipeline() {
    let mut first = Command::new("echo").arg("over").stdout(Stdio::piped()).spawn().unwrap();
    let second = Command::new("tr").args(["a-z", "A-Z"]).stdin(first.stdout.take().unwrap()).output().unwrap();
    assert_eq!(second.stdout, b"OVER\n");
    assert!(first.wait().unwrap().success());
}

#[sward::test]
fn to_std_and_back() {
    let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut child = Child::from(std::process::Child::from(child));
    child.stdin.as_mut().unwrap().write_all(b"through").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"through");
}
