//! `sward run http`: files over HTTP/1.1, byte for byte what is sent, and to real clients.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use sward_tests::{Finished, is_emulated};
use tempfile::TempDir;

use crate::command::{has, run, sward};
use crate::server::Server;
use crate::tree::locked_out;

/// More than the buffers of any connection hold.
const LARGE: usize = 50_000_000;

/// When every file of the site was last changed.
const CHANGED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// A site, and beside it what must not be served.
fn plant() -> TempDir {
    let root = tempfile::tempdir().expect("a directory for the test");
    let site = root.path().join("site");
    let large: Vec<u8> = (0..LARGE as u32).map(|n| (n % 251) as u8).collect();
    for (name, content) in [
        ("site/index.html", &b"<p>welcome"[..]),
        ("site/digits.txt", b"0123456789"),
        ("site/empty", b""),
        ("site/large.bin", &large),
        ("site/sub/a b%.md", b"# title"),
        ("site/sub/deep/picture.PNG", b"png"),
        ("secret", b"secret"),
    ] {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in a directory")).expect("a directory");
        fs::write(&path, content).expect("a file");
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        File::open(path).and_then(|file| file.set_modified(changed)).expect("a date");
    }
    symlink("../digits.txt", site.join("sub/inside")).expect("a link");
    symlink("../secret", site.join("out")).expect("a link");
    symlink("..", site.join("up")).expect("a link");
    symlink(root.path().join("secret"), site.join("absolute")).expect("a link");
    let made = Command::new("mkfifo").arg(site.join("pipe")).status().expect("mkfifo");
    assert!(made.success(), "mkfifo: {made}");
    root
}

/// Serves the site in `root`.
#[track_caller]
fn serve(root: &TempDir, options: &str) -> Server {
    Server::start(&format!("http {} {options}", root.path().join("site").display()))
}

/// A client that says what it is told to.
struct Client {
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug)]
struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Client {
    #[track_caller]
    fn connect(server: &Server) -> Client {
        Client { stream: BufReader::new(server.connect()) }
    }

    #[track_caller]
    fn send(&mut self, request: &str) {
        self.stream.get_mut().write_all(request.as_bytes()).expect("it can be sent");
    }

    /// The head of a response.
    #[track_caller]
    fn head(&mut self) -> Response {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.stream.read_line(&mut head).expect("a response");
            assert_ne!(read, 0, "the connection ended after {head:?}");
        }
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest[..3].parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status in {head:?}"));
        Response { status, head, body: Vec::new() }
    }

    /// A response with the body that its head announces.
    #[track_caller]
    fn response(&mut self) -> Response {
        let mut response = self.head();
        let length = response.header("Content-Length").map_or(0, |length| length.parse().expect("a length"));
        response.body.resize(length, 0);
        self.stream.read_exact(&mut response.body).expect("the whole body");
        response
    }

    /// Sends a request for `target` with some more headers, each with its end, and takes the response.
    #[track_caller]
    fn get(&mut self, target: &str, headers: &str) -> Response {
        self.send(&format!("GET {target} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"));
        self.response()
    }

    /// Checks that nothing more comes, and that the connection ends.
    #[track_caller]
    fn ends(mut self) {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("an end");
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let header = |line: &'_ str| line.to_lowercase().starts_with(&format!("{}: ", name.to_lowercase()));
        self.head.lines().find(|line| header(line)).map(|line| &line[name.len() + 2..])
    }

    #[track_caller]
    fn is(&self, status: u16, body: &str) {
        assert_eq!((self.status, &*String::from_utf8_lossy(&self.body)), (status, body), "{}", self.head);
    }
}

/// Ends a server that was busy with nothing.
#[track_caller]
fn end(server: Server) {
    let ended = server.end().exits_with(0);
    assert_eq!(ended.stderr, "");
}

#[test]
fn files_come_with_what_is_known_of_them() {
    let root = plant();
    let server = serve(&root, "");
    let mut client = Client::connect(&server);
    for (target, kind, body) in [
        ("/", "text/html; charset=utf-8", "<p>welcome"),
        ("/index.html?query", "text/html; charset=utf-8", "<p>welcome"),
        ("/digits.txt", "text/plain; charset=utf-8", "0123456789"),
        ("//digits.txt", "text/plain; charset=utf-8", "0123456789"),
        ("/empty", "application/octet-stream", ""),
        ("/sub/a%20b%25.md", "text/markdown; charset=utf-8", "# title"),
        ("/sub/deep/picture.PNG", "image/png", "png"),
        ("/sub/inside", "application/octet-stream", "0123456789"),
        ("/sub/../digits.txt", "text/plain; charset=utf-8", "0123456789"),
        ("http://test/digits.txt", "text/plain; charset=utf-8", "0123456789"),
    ] {
        let response = client.get(target, "");
        response.is(200, body);
        assert_eq!(response.header("Content-Type"), Some(kind), "{target}");
        assert_eq!(response.header("Last-Modified"), Some(CHANGED), "{target}");
        let date = response.header("Date").unwrap_or_else(|| panic!("no date: {response:?}"));
        assert!(date.ends_with(" GMT") && date.len() == CHANGED.len(), "{date}");
        assert_eq!(response.header("Connection"), None, "{target}");
    }
    drop(client);
    let ended = server.end().exits_with(0);
    assert!(ended.stdout.starts_with("connections: 1, requests: 10, bytes: "), "{ended}");
}

#[test]
fn a_large_file_comes_whole() {
    let root = plant();
    let server = serve(&root, "");
    let response = Client::connect(&server).get("/large.bin", "");
    let file = fs::read(root.path().join("site/large.bin")).expect("the file");
    assert!(response.status == 200 && response.body == file, "{}", response.head);
    end(server);
}

#[test]
fn a_directory_without_index_is_listed() {
    let root = plant();
    let server = serve(&root, "");
    let mut client = Client::connect(&server);
    let listing = client.get("/sub/", "");
    assert_eq!(listing.header("Content-Type"), Some("text/html; charset=utf-8"));
    let text = String::from_utf8_lossy(&listing.body);
    let links: Vec<&str> = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(links, ["../", "a%20b%25.md", "deep/", "inside"]);
    for (target, to) in [("/sub", "/sub/"), ("//sub/deep?query", "/sub/deep/")] {
        let moved = client.get(target, "");
        assert_eq!((moved.status, moved.header("Location")), (301, Some(to)), "{target}");
    }
    end(server);
}

#[test]
fn what_is_not_there_is_not_found() {
    let root = plant();
    let server = serve(&root, "");
    let mut client = Client::connect(&server);
    for target in
        ["/nothing", "/sub/nothing", "/digits.txt/", "/digits.txt/x", "/pipe", "/%ff", "/%zz", "/index.html/.."]
    {
        client.get(target, "").is(404, "404 Not Found\n");
    }
    let long = "x".repeat(300);
    client.get(&format!("/{long}"), "").is(404, "404 Not Found\n");
    client.get("/%00", "").is(400, "400 Bad Request\n");
    end(server);
}

#[test]
fn nothing_outside_is_served() {
    let root = plant();
    let server = serve(&root, "");
    let mut client = Client::connect(&server);
    for target in [
        "/../secret",
        "/%2e%2e/secret",
        "/%2E./secret",
        "/..%2fsecret",
        "/sub/../../secret",
        "/sub/../../site/digits.txt",
        "/../../../../../../etc/passwd",
        "/up/secret",
        "/up/",
        "/out",
        "/absolute",
        "http://test/../secret",
    ] {
        client.get(target, "").is(403, "403 Forbidden\n");
    }
    let secret = root.path().join("secret");
    client.get(&format!("/%2f{}", secret.display()), "").is(403, "403 Forbidden\n");
    client.get(&secret.display().to_string(), "").is(404, "404 Not Found\n");
    end(server);
}

#[test]
fn parts_of_a_file_are_served() {
    let root = plant();
    let server = serve(&root, "");
    let mut client = Client::connect(&server);
    for (range, place, body) in [
        ("bytes=0-0", "bytes 0-0/10", "0"),
        ("bytes=3-5", "bytes 3-5/10", "345"),
        ("bytes=7-", "bytes 7-9/10", "789"),
        ("bytes=-2", "bytes 8-9/10", "89"),
        ("bytes=5-1000", "bytes 5-9/10", "56789"),
    ] {
        let part = client.get("/digits.txt", &format!("Range: {range}\r\n"));
        part.is(206, body);
        assert_eq!(part.header("Content-Range"), Some(place), "{range}");
    }
    for range in ["bytes=5-3", "bytes=0-1,5-6", "lines=1-2", "nonsense"] {
        client.get("/digits.txt", &format!("Range: {range}\r\n")).is(200, "0123456789");
    }
    for range in ["bytes=10-", "bytes=-0"] {
        let beyond = client.get("/digits.txt", &format!("Range: {range}\r\n"));
        beyond.is(416, "416 Range Not Satisfiable\n");
        assert_eq!(beyond.header("Content-Range"), Some("bytes */10"));
    }
    client.get("/digits.txt", &format!("Range: bytes=1-1\r\nIf-Range: {CHANGED}\r\n")).is(206, "1");
    let other = "Range: bytes=1-1\r\nIf-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n";
    client.get("/digits.txt", other).is(200, "0123456789");
    end(server);
}

#[test]
fn what_a_client_has_already_is_not_sent() {
    let root = plant();
    let server = serve(&root, "");
    let mut client = Client::connect(&server);
    for date in [CHANGED, "Fri, 01 Jan 2100 00:00:00 GMT"] {
        let known = client.get("/digits.txt", &format!("If-Modified-Since: {date}\r\n"));
        known.is(304, "");
        assert_eq!((known.header("Content-Length"), known.header("Last-Modified")), (None, Some(CHANGED)));
    }
    for header in [
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT",
        "If-Modified-Since: yesterday",
        "If-None-Match: \"x\"\r\nIf-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
    ] {
        client.get("/digits.txt", &format!("{header}\r\n")).is(200, "0123456789");
    }
    end(server);
}

#[test]
fn a_head_has_no_body_but_its_length() {
    let root = plant();
    let server = serve(&root, "");
    let mut client = Client::connect(&server);
    for (target, status, length) in [("/digits.txt", 200, "10"), ("/large.bin", 200, "50000000"), ("/none", 404, "14")]
    {
        client.send(&format!("HEAD {target} HTTP/1.1\r\nHost: test\r\nRange: bytes=0-1\r\n\r\n"));
        let response = client.head();
        assert_eq!((response.status, response.header("Content-Length")), (status, Some(length)), "{target}");
    }
    // What follows is the next response, not a body.
    client.get("/digits.txt", "").is(200, "0123456789");
    end(server);
}

#[test]
fn requests_may_be_sent_ahead_of_the_responses() {
    let root = plant();
    let server = serve(&root, "");
    let mut client = Client::connect(&server);
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n");
    client.send(&[get("/digits.txt"), "\r\n".into(), get("/nothing"), get("/large.bin"), get("/sub")].concat());
    client.response().is(200, "0123456789");
    client.response().is(404, "404 Not Found\n");
    assert_eq!(client.response().body.len(), LARGE);
    client.response().is(301, "301 Moved Permanently\n");
    // One that comes in pieces.
    for byte in get("/digits.txt").chars() {
        client.send(&byte.to_string());
    }
    client.response().is(200, "0123456789");
    end(server);
}

#[test]
fn connections_end_when_a_side_wants_them_to() {
    let root = plant();
    let server = serve(&root, "");
    for (request, connection) in [
        ("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", "close"),
        ("GET / HTTP/1.0\r\n\r\n", "close"),
        ("GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc", "close"),
        ("GET / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "close"),
        ("GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", "close"),
    ] {
        let mut client = Client::connect(&server);
        client.send(request);
        let response = client.response();
        response.is(200, "<p>welcome");
        assert_eq!(response.header("Connection"), Some(connection), "{request:?}");
        client.ends();
    }
    let mut old = Client::connect(&server);
    for _ in 0..2 {
        old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(old.response().header("Connection"), Some("keep-alive"));
    }
    end(server);
}

#[test]
fn what_is_no_request_is_refused() {
    let root = plant();
    let server = serve(&root, "");
    let long = "x".repeat(100_000);
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("GET x HTTP/1.1\r\nHost: test\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", "400 Bad Request"),
        ("\x16\x03\x01\x02", "400 Bad Request"),
        ("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc", "405 Method Not Allowed"),
        ("OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n", "405 Method Not Allowed"),
        (&format!("GET /{long} HTTP/1.1\r\nHost: test\r\n\r\n"), "414 URI Too Long"),
        (&format!("GET / HTTP/1.1\r\nHost: test\r\nA: {long}\r\n\r\n"), "431 Request Header Fields Too Large"),
        (&format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(1_000)), "431 Request Header Fields Too Large"),
        ("GET / HTTP/2.0\r\nHost: test\r\n\r\n", "505 HTTP Version Not Supported"),
    ] {
        let mut client = Client::connect(&server);
        client.send(request);
        let response = client.response();
        response.is(status[..3].parse().expect("a number"), &format!("{status}\n"));
        assert_eq!(response.header("Connection"), Some("close"), "{status}");
        assert_eq!(response.header("Allow").is_some(), response.status == 405);
        client.ends();
    }
    end(server);
}

#[test]
fn clients_that_keep_it_waiting_are_let_go() {
    let root = plant();
    let server = serve(&root, "--timeout 1");
    let silent = Client::connect(&server);
    let mut slow = Client::connect(&server);
    slow.send("GET / HTTP/1.1\r\nHo");
    let mut idle = Client::connect(&server);
    idle.get("/", "").is(200, "<p>welcome");
    slow.response().is(408, "408 Request Timeout\n");
    slow.ends();
    silent.ends();
    idle.ends();
    end(server);
}

#[test]
fn clients_that_do_not_read_hold_up_nobody() {
    let root = plant();
    let server = serve(&root, "--procs 1");
    let slow: Vec<_> = (0..20)
        .map(|_| {
            let mut client = Client::connect(&server);
            client.send("GET /large.bin HTTP/1.1\r\nHost: test\r\n\r\n");
            client.head();
            client
        })
        .collect();
    Client::connect(&server).get("/digits.txt", "").is(200, "0123456789");
    drop(slow);
    end(server);
}

#[test]
fn a_signal_lets_what_is_under_way_come_to_its_end() {
    let root = plant();
    // What is under way has some seconds to come to its end: less than an emulated server takes for so much, or a busy machine for more.
    let loads = if is_emulated() { 1 } else { 3 };
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let server = serve(&root, "");
        let mut idle = Client::connect(&server);
        idle.get("/", "").is(200, "<p>welcome");
        let mut half = Client::connect(&server);
        half.send("GET /digits.txt HTTP/1.1\r\n");
        let mut asked = Client::connect(&server);
        asked.send("GET /digits.txt HTTP/1.1\r\nHost: test\r\n\r\n");
        let mut loading: Vec<_> = (0..loads)
            .map(|_| {
                let mut client = Client::connect(&server);
                client.send("GET /large.bin HTTP/1.1\r\nHost: test\r\n\r\n");
                let head = client.head();
                (client, head)
            })
            .collect();
        server.signal(signal);
        idle.ends();
        while TcpStream::connect(server.address()).is_ok() {}
        half.send("Host: test\r\n\r\n");
        let response = half.response();
        response.is(200, "0123456789");
        assert_eq!(response.header("Connection"), Some("close"));
        half.ends();
        asked.response().is(200, "0123456789");
        asked.ends();
        for (client, head) in &mut loading {
            assert_eq!(head.header("Content-Length"), Some("50000000"));
            let mut left = LARGE;
            while left > 0 {
                let part = client.stream.fill_buf().expect("the whole body").len();
                assert_ne!(part, 0, "{left} bytes are missing");
                client.stream.consume(part);
                left -= part;
            }
        }
        loading.into_iter().for_each(|(client, _)| client.ends());
        let ended = server.wait().exits_with(0);
        assert_eq!(ended.stderr, "");
        assert!(ended.stdout.contains(&format!(", requests: {}, ", 3 + loads)), "{ended}");
    }
}

#[test]
fn a_client_that_does_not_read_cannot_keep_it_from_ending() {
    let root = plant();
    let server = serve(&root, "");
    let mut deaf = Client::connect(&server);
    deaf.send("GET /large.bin HTTP/1.1\r\nHost: test\r\n\r\n");
    deaf.head();
    let ended = server.end().exits_with(0);
    assert_eq!(ended.stderr, "sward run http: connections that did not end within 5s are cut off\n");
}

#[test]
fn a_second_signal_is_not_waited_for() {
    let root = plant();
    let server = serve(&root, "");
    let mut deaf = Client::connect(&server);
    deaf.send("GET /large.bin HTTP/1.1\r\nHost: test\r\n\r\n");
    deaf.head();
    server.signal(libc::SIGINT);
    // The first has been seen to when nobody listens any more.
    while TcpStream::connect(server.address()).is_ok() {}
    server.signal(libc::SIGINT);
    server.wait().dies_of(libc::SIGINT);
}

#[test]
fn directories_that_cannot_be_served_are_refused() {
    let root = plant();
    let file = root.path().join("secret").display().to_string();
    let missing = root.path().join("missing").display().to_string();
    for (path, why) in [(&file, "Not a directory (os error 20)"), (&missing, "No such file or directory (os error 2)")]
    {
        let refused = run(&format!("run http {path}")).exits_with(2);
        assert_eq!(refused.stderr, format!("sward run http: {path}: {why}; expected a directory\n"));
    }
    run("run http").exits_with(2).says("<DIR>");
    run("run http . --timeout 0").exits_with(2).says("expected a whole number from 1 to 3600");
}

#[test]
fn a_file_that_may_not_be_read_is_forbidden() {
    let root = plant();
    let mut command = sward("run http site --addr 127.0.0.1:0");
    command.current_dir(root.path());
    let Some(command) = locked_out(&command, &[&root.path().join("site/digits.txt")]) else { return };
    let server = Server::start_command(command);
    Client::connect(&server).get("/digits.txt", "").is(403, "403 Forbidden\n");
    end(server);
}

/// Runs curl in `directory`.
#[track_caller]
fn curl(directory: &Path, arguments: &str) -> Finished {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "60"]).args(arguments.split(' ')).current_dir(directory);
    Finished::of(&mut curl).exits_with(0)
}

#[test]
fn curl_is_content() {
    if !has("curl") {
        return;
    }
    let root = plant();
    let server = serve(&root, "");
    let url = format!("http://{}", server.address());
    let here = root.path();

    curl(here, &format!("-o got {url}/large.bin"));
    assert!(fs::read(here.join("got")).expect("it is there") == fs::read(here.join("site/large.bin")).expect("a file"));
    // The rest of a file of which there is a part already.
    fs::write(here.join("got"), &fs::read(here.join("site/large.bin")).expect("a file")[..1_000_000]).expect("a file");
    curl(here, &format!("-C - -o got {url}/large.bin"));
    assert!(fs::read(here.join("got")).expect("it is there") == fs::read(here.join("site/large.bin")).expect("a file"));

    let both = curl(here, &format!("-v {url}/digits.txt {url}/digits.txt"));
    assert_eq!(both.stdout, "01234567890123456789");
    both.says("Re-using existing connection");
    assert_eq!(curl(here, &format!("-r 2-4 {url}/digits.txt")).stdout, "234");
    assert_eq!(curl(here, &format!("-0 {url}/digits.txt")).stdout, "0123456789");
    assert!(curl(here, &format!("-I {url}/digits.txt")).stdout.contains("Content-Length: 10\r\n"));
    assert_eq!(curl(here, &format!("-L {url}/sub/../index.html")).stdout, "<p>welcome");
    let code = "-o /dev/null -w %{http_code}";
    assert_eq!(curl(here, &format!("{code} -z site/digits.txt {url}/digits.txt")).stdout, "304");
    assert_eq!(curl(here, &format!("{code} --path-as-is {url}/../secret")).stdout, "403");
    assert_eq!(curl(here, &format!("{code} {url}/nothing")).stdout, "404");
    // It waits for `100 Continue` before it sends so much, and gets its answer at once.
    assert_eq!(curl(here, &format!("{code} --data-binary @site/large.bin {url}/")).stdout, "405");
    let large = format!("X: {}", "x".repeat(50_000)).replace(' ', "");
    assert_eq!(curl(here, &format!("{code} -H {large} {url}/")).stdout, "431");
    end(server);
}

#[test]
fn wrk_meets_no_error() {
    if !has("wrk") {
        return;
    }
    let root = plant();
    for procs in [1, 8] {
        let server = serve(&root, &format!("--procs {procs}"));
        for target in ["digits.txt", "sub/"] {
            let mut wrk = Command::new("wrk");
            wrk.args(["-t2", "-c128", "-d1"]).arg(format!("http://{}/{target}", server.address()));
            let report = Finished::of(&mut wrk).exits_with(0);
            assert!(report.stdout.contains("Requests/sec:"), "{report}");
            assert!(!report.stdout.contains("Socket errors") && !report.stdout.contains("Non-2xx"), "{report}");
        }
        end(server);
    }
}
