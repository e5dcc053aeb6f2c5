//! What a client asks for: the head of a request, checked.

use httparse::{EMPTY_HEADER, Error, Header};

use super::response::Status;

/// The longest head that is accepted.
pub const LONGEST_HEAD: usize = 16 * 1024;

/// The longest target in it.
const LONGEST_TARGET: usize = 8 * 1024;

/// The most headers in it.
const MOST_HEADERS: usize = 64;

/// A request for a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Whether only the head of the response is wanted.
    pub head_only: bool,
    /// The path, still percent-encoded, and the query behind it.
    pub path: String,
    /// Whether another request may follow on the connection.
    pub keep_alive: bool,
    /// Whether the client is of HTTP/1.0, and has to be told that the connection is kept alive.
    pub is_old: bool,
    pub if_modified_since: Option<String>,
    pub range: Option<String>,
    pub if_range: Option<String>,
}

/// Reads a request off the beginning of `received`. Returns it with the length of its head; nothing if there is more to come.
///
/// # Errors
/// The status to refuse it with. What follows it can't be told apart from it then, so the connection has to end.
pub fn parse(received: &[u8]) -> Result<Option<(Request, usize)>, Status> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let parsed = head.parse(received).map_err(|error| refusal(error, received))?;
    let target = head.path.unwrap_or_default();
    if target.len() > LONGEST_TARGET {
        return Err(Status::URI_TOO_LONG);
    }
    let httparse::Status::Complete(length) = parsed else {
        return if received.len() < LONGEST_HEAD { Ok(None) } else { Err(too_long(received)) };
    };
    if length > LONGEST_HEAD {
        return Err(Status::HEADERS_TOO_LARGE);
    }

    let is_old = head.version == Some(0);
    let hosts = all(head.headers, "Host").count();
    if hosts > 1 || (hosts == 0 && !is_old) {
        return Err(Status::BAD_REQUEST);
    }
    let head_only = match head.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => return Err(Status::METHOD_NOT_ALLOWED),
    };
    let path = path_of(target).ok_or(Status::BAD_REQUEST)?.to_owned();
    let keep_alive = if is_old { has_option(head.headers, "keep-alive") } else { !has_option(head.headers, "close") };
    let if_modified_since = match first(head.headers, "If-None-Match") {
        // It goes before the other. No file has an entity tag here, so none matches.
        Some(_) => None,
        None => first(head.headers, "If-Modified-Since"),
    };
    let request = Request {
        head_only,
        path,
        keep_alive: keep_alive && !has_body(head.headers),
        is_old,
        if_modified_since,
        range: first(head.headers, "Range"),
        if_range: first(head.headers, "If-Range"),
    };
    Ok(Some((request, length)))
}

/// How a head that is malformed is refused.
fn refusal(error: Error, received: &[u8]) -> Status {
    match error {
        Error::TooManyHeaders => Status::HEADERS_TOO_LARGE,
        Error::Version if names_other_version(received) => Status::VERSION_NOT_SUPPORTED,
        _ => Status::BAD_REQUEST,
    }
}

/// Whether the request line ends in a well-formed version.
fn names_other_version(received: &[u8]) -> bool {
    let line = received.split(|&byte| byte == b'\r' || byte == b'\n').find(|line| !line.is_empty()).unwrap_or_default();
    let word = line.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    matches!(word, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// How a head is refused that has no end within the limit.
fn too_long(received: &[u8]) -> Status {
    let begun = received.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(received.len());
    let ends_line = received[begun..].contains(&b'\n');
    if ends_line { Status::HEADERS_TOO_LARGE } else { Status::URI_TOO_LONG }
}

/// The path of a target, which may also be a whole URL, as proxies are sent.
fn path_of(target: &str) -> Option<&str> {
    if target.starts_with('/') {
        return Some(target);
    }
    let scheme = target.get(..7)?;
    let rest = scheme.eq_ignore_ascii_case("http://").then(|| &target[7..])?;
    Some(rest.find('/').map_or("/", |path| &rest[path..]))
}

fn all<'a>(headers: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

/// The first value of a header that is text.
fn first(headers: &[Header<'_>], name: &str) -> Option<String> {
    all(headers, name).find_map(|value| str::from_utf8(value).ok()).map(|value| value.trim().to_owned())
}

/// Whether `option` is among those of the connection.
fn has_option(headers: &[Header<'_>], option: &str) -> bool {
    let is_option = |word: &[u8]| word.trim_ascii().eq_ignore_ascii_case(option.as_bytes());
    all(headers, "Connection").any(|value| value.split(|&byte| byte == b',').any(is_option))
}

/// Whether something follows the head that belongs to the request.
fn has_body(headers: &[Header<'_>]) -> bool {
    all(headers, "Transfer-Encoding").next().is_some()
        || all(headers, "Content-Length").any(|length| length.trim_ascii() != b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(head: &str) -> Status {
        parse(head.as_bytes()).expect_err(head)
    }

    fn request(head: &str) -> Request {
        let (request, length) = parse(head.as_bytes()).expect(head).expect(head);
        assert_eq!(length, head.len());
        request
    }

    #[test]
    fn a_head_is_complete_at_its_empty_line_and_not_before() {
        let head = b"GET /a%20b?c HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\n\r\nGET";
        for length in 0..head.len() - 3 {
            assert_eq!(parse(&head[..length]), Ok(None), "{length}");
        }
        let (request, length) = parse(head).unwrap().unwrap();
        assert_eq!(length, head.len() - 3);
        let range = Some("bytes=1-2".to_owned());
        let expected = Request { path: "/a%20b?c".to_owned(), keep_alive: true, range, ..Request::default() };
        assert_eq!(request, expected);
    }

    #[test]
    fn connections_are_kept_as_the_version_and_the_client_say() {
        for (rest, keep_alive) in [
            ("1.1\r\nHost: x\r\n", true),
            ("1.1\r\nHost: x\r\nConnection: Close\r\n", false),
            ("1.1\r\nHost: x\r\nConnection: upgrade, close\r\n", false),
            ("1.0\r\n", false),
            ("1.0\r\nConnection: Keep-Alive\r\n", true),
            ("1.1\r\nHost: x\r\nContent-Length: 0\r\n", true),
            ("1.1\r\nHost: x\r\nContent-Length: 5\r\n", false),
            ("1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n", false),
        ] {
            assert_eq!(request(&format!("GET / HTTP/{rest}\r\n")).keep_alive, keep_alive, "{rest:?}");
        }
    }

    #[test]
    fn whole_urls_are_targets_too() {
        for (target, path) in [("http://x/a?b", "/a?b"), ("HTTP://x", "/"), ("/http://x", "/http://x")] {
            assert_eq!(request(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")).path, path);
        }
        for target in ["*", "a", "ftp://x/", "http:/x", "é"] {
            assert_eq!(refused(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")), Status::BAD_REQUEST, "{target}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (head, status) in [
            ("GET / HTTP/1.1\r\n\r\n", Status::BAD_REQUEST),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", Status::BAD_REQUEST),
            ("GET / HTTP/1.1\r\nHost x\r\n\r\n", Status::BAD_REQUEST),
            ("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", Status::BAD_REQUEST),
            ("GET\r\n\r\n", Status::BAD_REQUEST),
            ("GET /\r\n\r\n", Status::BAD_REQUEST),
            ("GET / HTTPS/1\r\n\r\n", Status::BAD_REQUEST),
            ("\x16\x03\x01", Status::BAD_REQUEST),
            ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", Status::METHOD_NOT_ALLOWED),
            ("get / HTTP/1.1\r\nHost: x\r\n\r\n", Status::METHOD_NOT_ALLOWED),
            ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", Status::VERSION_NOT_SUPPORTED),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Status::VERSION_NOT_SUPPORTED),
            ("GET / HTTP/0.9\r\n\r\n", Status::VERSION_NOT_SUPPORTED),
        ] {
            assert_eq!(refused(head), status, "{head:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let long = "x".repeat(LONGEST_HEAD);
        assert_eq!(refused(&format!("GET /{long}")), Status::URI_TOO_LONG);
        assert_eq!(refused(&format!("GET /{} HTTP/1.1\r\n", &long[..LONGEST_TARGET])), Status::URI_TOO_LONG);
        assert_eq!(refused(&format!("GET / HTTP/1.1\r\nHost: {long}")), Status::HEADERS_TOO_LARGE);
        let many = "A: b\r\n".repeat(MOST_HEADERS + 1);
        assert_eq!(refused(&format!("GET / HTTP/1.1\r\n{many}\r\n")), Status::HEADERS_TOO_LARGE);
    }

    #[test]
    fn an_entity_tag_goes_before_a_date() {
        let date = "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
        assert!(request(&format!("GET / HTTP/1.0\r\n{date}\r\n")).if_modified_since.is_some());
        assert!(request(&format!("GET / HTTP/1.0\r\n{date}If-None-Match: \"x\"\r\n\r\n")).if_modified_since.is_none());
    }
}
