//! Directories of files that are hard to read.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use sward_tests::Finished;
use tempfile::TempDir;

use crate::command::in_shell;

/// Lists the regular files below `tree`, in the order in which the command takes them.
pub const LIST: &str = "find tree -type f -print0 | LC_ALL=C sort -z";

/// A directory with a `tree` of files, in which the order of names, links and what is no file are traps.
pub fn plant() -> TempDir {
    let root = tempfile::tempdir().expect("a directory for the test");
    let tree = root.path().join("tree");
    let large: String = (0..40_000).map(|n| format!("word{n}{}", if n % 11 == 0 { "\n" } else { "  " })).collect();
    for (name, content) in [
        (&b"empty"[..], &b""[..]),
        (b"no newline at the end", b"one two\nthree"),
        (b"large", large.as_bytes()),
        (b"sub/deep/er/file", b"deep\n"),
        (b"sub-marine/x", b"x\n"),
        (b"sub.c", b"int main;\n"),
        (b"sub0", b"0\n"),
        (b"caf\xe9", b"caf\xe9 au lait\n"),
        (b"spaces", b" a\tb\x0bc\x0cd\re \n\n"),
        (b"control", b"\x01 \x7f a\x01b \x00c\n"),
    ] {
        let path = tree.join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().expect("it is in the tree")).expect("a directory");
        fs::write(path, content).expect("a file");
    }
    fs::create_dir(tree.join("nothing")).expect("a directory");
    symlink(".", tree.join("loop")).expect("a link");
    symlink("gone", tree.join("dangling")).expect("a link");
    let made = Command::new("mkfifo").arg(tree.join("pipe")).status().expect("mkfifo");
    assert!(made.success(), "mkfifo: {made}");
    root
}

/// What a line of shell prints in a directory: what the command is compared with.
#[track_caller]
pub fn reference(directory: &Path, line: &str) -> Finished {
    Finished::of(Command::new("sh").args(["-c", line]).current_dir(directory))
}

/// The command as somebody who may not read the files at `paths`, which belong to who runs the test. That somebody is
/// root without the right to override permissions, if root it is; `None` if even so they can be read.
pub fn locked_out(command: &Command, paths: &[&Path]) -> Option<Command> {
    for path in paths {
        fs::set_permissions(path, Permissions::from_mode(0o000)).expect("the file is ours");
    }
    let rights = "-dac_override,-dac_read_search";
    let powerless = format!(r#"exec setpriv --bounding-set={rights} --inh-caps={rights} -- "$@""#);
    let mut probe = Command::new("test");
    probe.args(["!", "-r"]).arg(paths[0]);
    let line = [r#"exec "$@""#, &powerless]
        .into_iter()
        .find(|line| Finished::of(&mut in_shell(line, &probe)).status.success());
    if line.is_none() {
        eprintln!("skipped: there is no file that this user may not read");
    }
    line.map(|line| in_shell(line, command))
}
