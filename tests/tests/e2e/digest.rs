//! `sward run digest` against `sha256sum`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use sward_tests::Finished;

use crate::command::{in_shell, run, sward};
use crate::tree::{self, LIST, locked_out, reference};

#[test]
fn lines_are_those_of_sha256sum() {
    let root = tree::plant();
    for name in ["line\nbreak", "back\\slash"] {
        fs::write(root.path().join("tree").join(name), name).expect("a file");
    }
    let theirs = reference(root.path(), &format!("{LIST} | xargs -0 sha256sum"));
    assert_eq!(theirs.stdout.lines().count(), 12, "{theirs}");
    for options in ["--procs 1", "--procs 2", "--procs 8", "--procs 8 --stack-size 64K"] {
        let ours =
            Finished::of(sward("run digest tree").args(options.split(' ')).current_dir(root.path())).exits_with(0);
        assert_eq!(ours.stdout, theirs.stdout, "{options}");
        assert_eq!(ours.stderr, "", "{options}");
    }
}

#[test]
fn sha256sum_accepts_them() {
    let root = tree::plant();
    let mut digest = sward("run digest tree");
    digest.current_dir(root.path());
    let checked = Finished::of(&mut in_shell(r#""$@" | sha256sum --check --strict"#, &digest)).exits_with(0);
    assert_eq!(checked.stdout.lines().count(), 10, "{checked}");
    assert!(checked.stdout.lines().all(|line| line.ends_with(": OK")), "{checked}");
}

#[test]
fn a_missing_directory_is_named() {
    let missing = run("run digest /missing").exits_with(1);
    assert_eq!(missing.stderr, "sward run digest: /missing: No such file or directory (os error 2)\n");
    assert_eq!(missing.stdout, "");
}

#[test]
fn a_file_that_fails_while_it_is_read_is_named() {
    let failed = run("run digest /proc/self/mem").exits_with(1);
    assert_eq!(failed.stderr, "sward run digest: /proc/self/mem: Input/output error (os error 5)\n");
    assert_eq!(failed.stdout, "");
}

#[test]
fn unreadable_files_and_directories_are_named_and_the_rest_done() {
    let root = tree::plant();
    let mut digest = sward("run digest tree");
    digest.current_dir(root.path());
    let [large, sub] = ["tree/large", "tree/sub"].map(|path| root.path().join(path));
    let Some(mut digest) = locked_out(&digest, &[&large, &sub]) else { return };
    let ours = Finished::of(&mut digest).exits_with(1);
    fs::set_permissions(sub, Permissions::from_mode(0o700)).expect("so that it can be listed, and removed");
    let readable = "LC_ALL=C grep -zv -e tree/large -e tree/sub/";
    assert_eq!(ours.stdout, reference(root.path(), &format!("{LIST} | {readable} | xargs -0 sha256sum")).stdout);
    let denied = |path| format!("sward run digest: tree/{path}: Permission denied (os error 13)\n");
    assert_eq!(ours.stderr, denied("large") + &denied("sub"));
}
