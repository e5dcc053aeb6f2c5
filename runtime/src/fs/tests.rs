//! That each call does what std's does, on a directory of its own; and that files do not hold green threads up.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use tempfile::tempdir;

use crate::fs::{self, DirBuilder, File, OpenOptions};
use crate::thread;

/// The names in a directory.
fn names(dir: &Path) -> BTreeSet<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(String::from).into()
}

#[sward::test]
fn whole_files() {
    let dir = tempdir().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| dir.path().join(name));
    fs::write(&a, "text").unwrap();
    assert_eq!(fs::read(&a).unwrap(), b"text");
    assert_eq!(fs::read_to_string(&a).unwrap(), "text");
    assert_eq!(fs::copy(&a, &b).unwrap(), 4);
    fs::hard_link(&a, &c).unwrap();
    assert_eq!(names(dir.path()), set(["a", "b", "c"]));
    fs::rename(&c, &b).unwrap();
    fs::remove_file(&a).unwrap();
    assert_eq!(names(dir.path()), set(["b"]));
    assert!(fs::exists(&b).unwrap() && !fs::exists(&a).unwrap());
    assert_eq!(fs::read(&a).unwrap_err().kind(), ErrorKind::NotFound);
    fs::write(&b, [0xff]).unwrap();
    assert_eq!(fs::read_to_string(&b).unwrap_err().kind(), ErrorKind::InvalidData);
}

#[sward::test]
fn what_the_file_system_says() {
    let dir = tempdir().unwrap();
    let [file, link] = ["file", "link"].map(|name| dir.path().join(name));
    fs::write(&file, "12345").unwrap();
    std::os::unix::fs::symlink("file", &link).unwrap();
    assert_eq!(fs::metadata(&link).unwrap().len(), 5);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("file"));
    assert_eq!(fs::canonicalize(&link).unwrap(), fs::canonicalize(&file).unwrap());
    fs::set_permissions(&link, PermissionsExt::from_mode(0o640)).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
}

#[sward::test]
fn directories() {
    let dir = tempdir().unwrap();
    let sub = dir.path().join("sub");
    fs::create_dir(&sub).unwrap();
    assert_eq!(fs::create_dir(&sub).unwrap_err().kind(), ErrorKind::AlreadyExists);
    fs::create_dir_all(sub.join("x/y")).unwrap();
    DirBuilder::new().recursive(true).create(sub.join("x/z")).unwrap();
    assert_eq!(names(&sub.join("x")), set(["y", "z"]));
    assert_eq!(fs::remove_dir(&sub).unwrap_err().kind(), ErrorKind::DirectoryNotEmpty);
    fs::remove_dir(sub.join("x/y")).unwrap();
    fs::remove_dir_all(&sub).unwrap();
    assert!(names(dir.path()).is_empty());
}

#[sward::test]
fn a_directory_of_more_than_a_batch() {
    let dir = tempdir().unwrap();
    let expected: BTreeSet<_> = (0..150).map(|n| n.to_string()).collect();
    for name in &expected {
        fs::write(dir.path().join(name), name).unwrap();
    }
    assert_eq!(names(dir.path()), expected);
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert!(entry.file_type().unwrap().is_file());
        assert_eq!(entry.metadata().unwrap().len(), entry.file_name().len() as u64);
        assert_eq!(entry.path(), dir.path().join(entry.file_name()));
    }
    let mut entries = fs::read_dir(dir.path()).unwrap();
    assert_eq!(entries.by_ref().count(), 150);
    assert!(entries.next().is_none(), "it stays at its end");
}

#[sward::test]
fn reading_writing_and_seeking() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("file");
    let mut file = File::create_new(&path).unwrap();
    assert_eq!(File::create_new(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
    file.write_all(b"0123456789").unwrap();
    file.flush().unwrap();
    file.seek(SeekFrom::Start(2)).unwrap();
    let mut two = [0; 2];
    (&file).read_exact(&mut two).unwrap();
    assert_eq!(&two, b"23");
    let mut rest = String::new();
    file.try_clone().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "456789", "a clone shares the position");
    file.write_all_at(b"ab", 4).unwrap();
    file.read_exact_at(&mut two, 4).unwrap();
    assert_eq!(&two, b"ab");
    file.set_len(6).unwrap();
    file.sync_data().unwrap();
    file.sync_all().unwrap();
    assert_eq!(file.metadata().unwrap().len(), 6);
    assert_eq!(fs::read(&path).unwrap(), b"0123ab");
    file.set_permissions(PermissionsExt::from_mode(0o600)).unwrap();
    assert!(!file.is_terminal());
    let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    file.set_modified(modified).unwrap();
    assert_eq!(file.metadata().unwrap().modified().unwrap(), modified);
    let std_file = std::fs::File::from(file);
    let mut file = File::from(std_file);
    file.rewind().unwrap();
    let mut all = Vec::new();
    file.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"0123ab");
    assert_eq!(File::create(&path).unwrap().metadata().unwrap().len(), 0, "it is emptied");
}

#[sward::test]
fn options_are_heeded() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("file");
    assert_eq!(OpenOptions::new().write(true).open(&path).unwrap_err().kind(), ErrorKind::NotFound);
    let mut log = File::options().append(true).create(true).mode(0o600).open(&path).unwrap();
    log.write_all(b"one").unwrap();
    log.rewind().unwrap();
    log.write_all(b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"onetwo");
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(File::open(&path).unwrap().write(b"x").unwrap_err().raw_os_error(), Some(9), "not open for writing");
}

#[sward::test]
fn a_file_lock_is_waited_for() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("lock");
    let held = File::create(&path).unwrap();
    held.lock().unwrap();
    let waits = crate::spawn(move || File::open(&path).unwrap().lock());
    let other = File::open(dir.path().join("lock")).unwrap();
    assert!(matches!(other.try_lock(), Err(fs::TryLockError::WouldBlock)));
    assert!(!waits.is_finished());
    held.unlock().unwrap();
    waits.join().unwrap().unwrap();
}

#[sward::test]
fn many_green_threads_read_at_once() {
    let dir = tempdir().unwrap();
    let paths: Vec<_> = (0..20).map(|n| dir.path().join(n.to_string())).collect();
    for (n, path) in paths.iter().enumerate() {
        fs::write(path, vec![n as u8; 10_000 + n]).unwrap();
    }
    thread::scope(|s| {
        for turn in 0..200 {
            let n = turn % paths.len();
            let path = &paths[n];
            s.spawn(move || {
                let bytes = fs::read(path).unwrap();
                assert!(bytes.len() == 10_000 + n && bytes.iter().all(|&byte| byte == n as u8));
            });
        }
    });
}

#[sward::test]
fn a_read_that_blocks_holds_nobody_up() {
    let mut pipes = Vec::new();
    for n in 0..4 * crate::procs() as u32 {
        let (reader, writer) = std::io::pipe().unwrap();
        let reader = crate::spawn(move || {
            let mut bytes = [0; 4];
            File::from(OwnedFd::from(reader)).read_exact(&mut bytes).unwrap();
            assert_eq!(u32::from_ne_bytes(bytes), n);
        });
        pipes.push((n, writer, reader));
    }
    // The last one first: the others are in the kernel, or on their way there, as long as it takes.
    for (n, mut writer, reader) in pipes.into_iter().rev() {
        writer.write_all(&n.to_ne_bytes()).unwrap();
        reader.join().unwrap();
    }
}
