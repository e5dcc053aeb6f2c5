//! `sward run wc` against GNU `wc`: the same figures in the same columns.

use std::fs;
use std::os::unix::fs::symlink;

use sward_tests::Finished;

use crate::command::{in_shell, run, sward};
use crate::tree::{self, LIST, locked_out, reference};

#[test]
fn rows_are_those_of_wc() {
    let root = tree::plant();
    let tree = root.path().join("tree");
    for locale in ["C", "C.UTF-8"] {
        for files in ["large", "empty", "large empty", "sub.c spaces control sub.c", "sub0 sub0"] {
            let mut ours = sward("run wc");
            ours.args(files.split(' ')).env("LC_ALL", locale).current_dir(&tree);
            let theirs = reference(&tree, &format!("LC_ALL={locale} wc {files}"));
            let ours = Finished::of(&mut ours).exits_with(0);
            assert_eq!(ours.stdout, theirs.stdout, "{files} in {locale}");
        }
    }
}

#[test]
fn a_tree_is_counted_as_its_files_in_order() {
    let root = tree::plant();
    let theirs = reference(root.path(), &format!("{LIST} | xargs -0 wc"));
    assert_eq!(theirs.stdout.lines().count(), 11, "ten files and their total; {theirs}");
    for options in ["--procs 1", "--procs 2", "--procs 8", "--procs 8 --stack-size 64K"] {
        let ours = Finished::of(sward("run wc tree").args(options.split(' ')).current_dir(root.path())).exits_with(0);
        assert_eq!(ours.stdout, theirs.stdout, "{options}");
        assert_eq!(ours.stderr, "", "{options}");
    }
}

#[test]
fn trees_and_files_are_counted_in_the_order_given() {
    let root = tree::plant();
    let ours = Finished::of(sward("run wc tree/sub0 tree/sub tree/empty").current_dir(root.path())).exits_with(0);
    let theirs = reference(root.path(), "wc tree/sub0 tree/sub/deep/er/file tree/empty");
    assert_eq!(ours.stdout, theirs.stdout);
}

#[test]
fn an_empty_directory_comes_to_nothing() {
    let root = tree::plant();
    let ours = Finished::of(sward("run wc tree/nothing").current_dir(root.path())).exits_with(0);
    assert_eq!(ours.stdout, "0 0 0 total\n");
}

#[test]
fn a_pipe_is_read_to_its_end() {
    let root = tree::plant();
    let mut ours = in_shell(r#"printf 'one two\n' | "$@""#, &sward("run wc /dev/stdin"));
    let theirs = reference(root.path(), r"printf 'one two\n' | wc /dev/stdin");
    assert_eq!(Finished::of(&mut ours).exits_with(0).stdout, theirs.stdout);
}

#[test]
fn a_missing_file_is_named_and_the_rest_counted() {
    let root = tree::plant();
    let files = "tree/sub0 tree/missing tree/large";
    let ours = Finished::of(sward("run wc").args(files.split(' ')).current_dir(root.path())).exits_with(1);
    assert_eq!(ours.stdout, reference(root.path(), &format!("wc {files}")).stdout);
    assert_eq!(ours.stderr, "sward run wc: tree/missing: No such file or directory (os error 2)\n");
}

#[test]
fn nothing_but_a_missing_file_is_no_row() {
    let ours = run("run wc /missing").exits_with(1);
    assert_eq!(ours.stdout, "");
}

#[test]
fn a_file_that_fails_while_it_is_read_is_named_and_the_rest_counted() {
    let root = tree::plant();
    // It can be opened, but has nothing at its beginning.
    let ours = Finished::of(sward("run wc /proc/self/mem tree/sub0").current_dir(root.path())).exits_with(1);
    assert_eq!(ours.stdout, "1 1 2 tree/sub0\n1 1 2 total\n");
    assert_eq!(ours.stderr, "sward run wc: /proc/self/mem: Input/output error (os error 5)\n");
}

#[test]
fn an_unreadable_file_is_named_and_the_rest_counted() {
    let root = tree::plant();
    let mut command = sward("run wc tree");
    command.current_dir(root.path());
    let Some(mut command) = locked_out(&command, &[&root.path().join("tree/large")]) else { return };
    let ours = Finished::of(&mut command).exits_with(1);
    let theirs = reference(root.path(), &format!("{LIST} | LC_ALL=C grep -zv large | xargs -0 wc"));
    assert_eq!(rows(&ours.stdout), rows(&theirs.stdout));
    assert_eq!(ours.stderr, "sward run wc: tree/large: Permission denied (os error 13)\n");
}

#[test]
fn links_are_followed_where_they_are_given_only() {
    let root = tree::plant();
    symlink("tree", root.path().join("way in")).expect("a link");
    symlink("round", root.path().join("and round")).expect("a link");
    symlink("and round", root.path().join("round")).expect("a link");
    let ours = Finished::of(sward("run wc").args(["way in", "round"]).current_dir(root.path())).exits_with(1);
    let theirs = reference(root.path(), &format!("{LIST} | sed -z 's/tree/way in/' | xargs -0 wc"));
    assert_eq!(ours.stdout, theirs.stdout);
    assert_eq!(ours.stderr, "sward run wc: round: Too many levels of symbolic links (os error 40)\n");
}

#[test]
fn many_files_are_all_counted() {
    let root = tempfile::tempdir().expect("a directory for the test");
    for n in 0..1_000 {
        fs::write(root.path().join(n.to_string()), "a line of five words\n").expect("a file");
    }
    let ours = Finished::of(sward("run wc --procs 8").arg(root.path())).exits_with(0);
    assert_eq!(ours.stdout.lines().last(), Some(" 1000  5000 21000 total"));
    assert_eq!(ours.stdout.lines().count(), 1_001);
}

/// The words of each row: columns are as wide as the sum of all sizes, which counts a file even if it can't be read.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|row| row.split_whitespace().collect()).collect()
}
