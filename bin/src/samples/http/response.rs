//! What goes back to a client: status, headers, body.

use std::fmt::{self, Display};
use std::io::Write;
use std::time::SystemTime;

use sward::fs::File;

/// A status code and what it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(u16, &'static str);

impl Status {
    pub const OK: Status = Status(200, "OK");
    pub const PARTIAL_CONTENT: Status = Status(206, "Partial Content");
    pub const MOVED_PERMANENTLY: Status = Status(301, "Moved Permanently");
    pub const NOT_MODIFIED: Status = Status(304, "Not Modified");
    pub const BAD_REQUEST: Status = Status(400, "Bad Request");
    pub const FORBIDDEN: Status = Status(403, "Forbidden");
    pub const NOT_FOUND: Status = Status(404, "Not Found");
    pub const METHOD_NOT_ALLOWED: Status = Status(405, "Method Not Allowed");
    pub const REQUEST_TIMEOUT: Status = Status(408, "Request Timeout");
    pub const URI_TOO_LONG: Status = Status(414, "URI Too Long");
    pub const RANGE_NOT_SATISFIABLE: Status = Status(416, "Range Not Satisfiable");
    pub const HEADERS_TOO_LARGE: Status = Status(431, "Request Header Fields Too Large");
    pub const INTERNAL_ERROR: Status = Status(500, "Internal Server Error");
    pub const VERSION_NOT_SUPPORTED: Status = Status(505, "HTTP Version Not Supported");
}

impl Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

/// A response, but for what depends on the connection.
pub struct Response {
    status: Status,
    headers: Vec<(&'static str, String)>,
    pub body: Body,
}

/// What follows the head of a response.
pub enum Body {
    /// Nothing, not even the length of what would follow.
    None,
    Text(Vec<u8>),
    /// So many bytes of a file, from where it stands.
    File {
        file: File,
        length: u64,
    },
}

impl Response {
    pub fn new(status: Status, body: Body) -> Response {
        Response { status, headers: Vec::new(), body }
    }

    /// A response whose body says what its status is.
    pub fn of_status(status: Status) -> Response {
        let response = Response::new(status, Body::Text(format!("{status}\n").into_bytes()));
        let response = response.with("Content-Type", "text/plain; charset=utf-8");
        // Whoever is told that a method isn't allowed is to be told which are.
        if status == Status::METHOD_NOT_ALLOWED { response.with("Allow", "GET, HEAD") } else { response }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.push((name, value.into()));
        self
    }

    /// Writes the head, up to and including the empty line. `connection` is what becomes of the connection, if that
    /// goes without saying otherwise.
    pub fn write_head(&self, out: &mut Vec<u8>, connection: Option<&str>) {
        let date = httpdate::HttpDate::from(SystemTime::now());
        let length = match &self.body {
            Body::None => None,
            Body::Text(text) => Some(text.len() as u64),
            Body::File { length, .. } => Some(*length),
        };
        let mut line = |line: fmt::Arguments| write!(out, "{line}\r\n").expect("a vector takes all that is written");
        line(format_args!("HTTP/1.1 {}", self.status));
        line(format_args!("Date: {date}"));
        if let Some(length) = length {
            line(format_args!("Content-Length: {length}"));
        }
        if let Some(option) = connection {
            line(format_args!("Connection: {option}"));
        }
        for (name, value) in &self.headers {
            line(format_args!("{name}: {value}"));
        }
        line(format_args!(""));
    }
}
