//! `sward run crawl`, against `sward run http` and against servers that misbehave.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;

use tempfile::TempDir;

use crate::command::run;
use crate::server::Server;

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("it is in a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

/// 1,000 files in 111 directories, none of which has an index.
fn plant() -> TempDir {
    let root = tempfile::tempdir().expect("a directory for the test");
    for n in 0..1_000 {
        write(root.path(), &format!("a{}/b {}/c&{}", n / 100, n / 10 % 10, n % 10), &"x".repeat(n));
    }
    root
}

#[test]
fn every_file_of_a_tree_is_found() {
    let root = plant();
    let server = Server::start(&format!("http {}", root.path().display()));
    for options in ["--jobs 1", "--jobs 64", "--jobs 64 --procs 8", "--procs 1"] {
        let all = run(&format!("run crawl http://{}/ {options}", server.address())).exits_with(0);
        assert_eq!(all.stderr, "", "{options}");
        assert!(all.stdout.starts_with("pages: 1111, bytes: "), "{all}");
        assert!(all.stdout.ends_with(", errors: 0\n"), "{all}");
    }
    // Below a directory: itself and ten files in each of ten directories. Whether or not its name ends as it should.
    for start in ["a7/", "a7", "a7?x#y"] {
        let some = run(&format!("run crawl http://{}/{start}", server.address())).exits_with(0);
        assert!(some.stdout.starts_with("pages: 111, bytes: "), "{start}: {some}");
    }
    server.end().exits_with(0);
}

#[test]
fn bytes_are_those_of_the_pages() {
    let root = tempfile::tempdir().expect("a directory for the test");
    let index = "<a href=one>1</a><a href='sub/two'>2</a><a href=one#again>1</a><a href=http://elsewhere.invalid/>";
    write(root.path(), "index.html", index);
    write(root.path(), "one", &"1".repeat(100_000));
    write(root.path(), "sub/two", "22");
    write(root.path(), "not-linked", "3");
    let server = Server::start(&format!("http {}", root.path().display()));
    let crawled = run(&format!("run crawl http://{}", server.address())).exits_with(0);
    assert_eq!(crawled.stdout, format!("pages: 3, bytes: {}, errors: 0\n", index.len() + 100_002));
    server.end().exits_with(0);
}

#[test]
fn pages_that_fail_are_named_and_the_rest_fetched() {
    let root = tempfile::tempdir().expect("a directory for the test");
    write(root.path(), "index.html", "<a href=gone></a><a href=outside></a><a href=there></a>");
    write(root.path(), "there", "ok");
    symlink("/etc/hostname", root.path().join("outside")).expect("a link");
    let server = Server::start(&format!("http {}", root.path().display()));
    let base = format!("http://{}/", server.address());
    let crawled = run(&format!("run crawl {base}")).exits_with(1);
    assert_eq!(crawled.stdout, "pages: 2, bytes: 57, errors: 2\n");
    let mut said: Vec<&str> = crawled.stderr.lines().collect();
    said.sort_unstable();
    let gone = format!("sward run crawl: {base}gone: 404 Not Found");
    assert_eq!(said, [gone, format!("sward run crawl: {base}outside: 403 Forbidden")]);
    server.end().exits_with(0);
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    // A port that somebody has who does not listen.
    let bound = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = bound.local_addr().expect("it is bound");
    drop(bound);
    let failed = run(&format!("run crawl http://{address}/x")).exits_with(1);
    assert_eq!(failed.stdout, "pages: 0, bytes: 0, errors: 1\n");
    assert_eq!(failed.stderr, format!("sward run crawl: http://{address}/x: Connection refused (os error 111)\n"));
}

#[test]
fn answers_that_make_no_sense_are_errors() {
    for (answer, said) in [
        ("", "the response was cut short"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "the response was cut short"),
        ("SSH-2.0-x\r\n", "the response is not HTTP: invalid HTTP version"),
        ("HTTP/1.1 500 Oh\r\n\r\n", "500 Oh"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("a request");
                request.extend(byte);
            }
            stream.write_all(answer.as_bytes()).expect("it can be sent");
        });
        let failed = run(&format!("run crawl http://{address}/")).exits_with(1);
        assert_eq!(failed.stderr, format!("sward run crawl: http://{address}/: {said}\n"), "{answer:?}");
        server.join().expect("no panic");
    }
}

#[test]
fn what_is_no_url_is_refused() {
    for (url, said) in [
        ("", "relative URL without a base"),
        ("127.0.0.1:80", "relative URL without a base"),
        ("localhost:80", "localhost is not supported"),
        ("https://localhost/", "https is not supported"),
        ("http://", "empty host"),
        ("http://a:b@localhost/", "logging in is not supported"),
        ("http://localhost:99999/", "invalid port number"),
    ] {
        let mut command = crate::command::sward("run crawl");
        let refused = sward_tests::Finished::of(command.arg(url)).exits_with(2);
        refused.says(&format!("invalid value '{url}' for '<URL>': {said}; expected a URL such as http://"));
    }
    run("run crawl http://localhost/ --jobs 0").exits_with(2).says("expected a whole number from 1 to 1024");
}
