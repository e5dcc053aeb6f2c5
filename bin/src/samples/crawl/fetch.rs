//! Fetching one page: a request of HTTP/1.0, whose answer comes in one piece and ends with the connection.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use httparse::{EMPTY_HEADER, Header, Response, Status};
use sward::net::TcpStream;
use sward::time;
use url::{Position, Url};

use super::links::links;

/// How long to wait for a server: until it is there, and for each piece of its answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest head of a response that is accepted.
const LONGEST_HEAD: usize = 64 * 1024;

/// The most headers in it.
const MOST_HEADERS: usize = 100;

/// What there is at a URL.
#[derive(Debug, PartialEq, Eq)]
pub enum Page {
    Found { length: u64, links: Vec<Url> },
    Moved { to: Url },
}

/// Fetches the page at `url`.
///
/// # Errors
/// The server could not be reached, what it says is not HTTP, or it does not send the whole page.
pub fn fetch(url: &Url) -> io::Result<Page> {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let address = format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
    let mut stream = time::timeout(PATIENCE, || TcpStream::connect(address))
        .unwrap_or_else(|elapsed| Err(io::Error::new(ErrorKind::TimedOut, elapsed)))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let request = format!("GET {target} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: sward\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    read_response(stream, url)
}

fn read_response(mut stream: impl Read, url: &Url) -> io::Result<Page> {
    let mut received = Vec::new();
    loop {
        if let Some((head, length)) = parse(&received, url)? {
            return match head {
                Head::Found { length: body, is_html } => {
                    read_page(Body { begun: &received[length..], rest: stream, left: body, read: 0 }, is_html, url)
                }
                Head::Moved { to } => Ok(Page::Moved { to }),
            };
        }
        if received.len() > LONGEST_HEAD {
            return Err(invalid("the response has too long a head"));
        }
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Err(cut_short());
        }
        received.extend_from_slice(&piece[..length]);
    }
}

fn read_page(mut body: Body<impl Read>, is_html: bool, url: &Url) -> io::Result<Page> {
    let links = if is_html { links(&mut body, url)? } else { Vec::new() };
    io::copy(&mut body, &mut io::sink())?;
    Ok(Page::Found { length: body.read, links })
}

/// What the head of a response says.
enum Head {
    Found { length: Option<u64>, is_html: bool },
    Moved { to: Url },
}

/// Reads the head at the beginning of `received`. Returns it with its length; nothing if there is more to come.
fn parse(received: &[u8], url: &Url) -> io::Result<Option<(Head, usize)>> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut head = Response::new(&mut headers);
    let parsed = head.parse(received).map_err(|error| invalid(format!("the response is not HTTP: {error}")))?;
    let (Status::Complete(end), Some(code)) = (parsed, head.code) else { return Ok(None) };
    let header = |name| text(head.headers, name);
    let head = match code {
        200 => {
            let length = header("Content-Length").map(|length| {
                length.parse().map_err(|_| invalid(format!("the response has a malformed length: {length:?}")))
            });
            let is_html = header("Content-Type").is_some_and(|value| value.to_lowercase().starts_with("text/html"));
            Head::Found { length: length.transpose()?, is_html }
        }
        301 | 302 | 303 | 307 | 308 => {
            let to = header("Location").ok_or_else(|| invalid(format!("status {code}, but not where to")))?;
            let mut to = url.join(to).map_err(|error| invalid(format!("moved to {to:?}: {error}")))?;
            to.set_fragment(None);
            Head::Moved { to }
        }
        _ => return Err(io::Error::other(format!("{code} {}", head.reason.unwrap_or_default()))),
    };
    Ok(Some((head, end)))
}

fn text<'a>(headers: &[Header<'a>], name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    str::from_utf8(header.value).ok().map(str::trim)
}

fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.into())
}

fn cut_short() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the response was cut short")
}

/// The body of a response, up to its end.
struct Body<'a, R> {
    /// What came with the head.
    begun: &'a [u8],
    rest: R,
    /// How much there is still to come; without that, it ends with the connection.
    left: Option<u64>,
    read: u64,
}

impl<R: Read> Read for Body<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.left.map_or(buffer.len(), |left| buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        let buffer = &mut buffer[..most];
        let read = if self.begun.is_empty() { self.rest.read(buffer)? } else { self.begun.read(buffer)? };
        if read == 0 && !buffer.is_empty() && self.left.is_some() {
            return Err(cut_short());
        }
        self.left = self.left.map(|left| left - read as u64);
        self.read += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn read(response: &str) -> Result<Page, String> {
        read_response(response.as_bytes(), &url("http://host/a/")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_page_is_as_long_as_its_head_says() {
        let page = read("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<a href=b>b</a>");
        assert_eq!(page, Ok(Page::Found { length: 12, links: vec![url("http://host/a/b")] }));
        let page = read("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n<a href=b>b</a>");
        assert_eq!(page, Ok(Page::Found { length: 15, links: vec![] }));
        assert_eq!(read("HTTP/1.1 200 OK\r\n\r\n"), Ok(Page::Found { length: 0, links: vec![] }));
    }

    #[test]
    fn a_page_that_has_moved_is_elsewhere() {
        assert_eq!(read("HTTP/1.1 301 \r\nLocation: /b#c\r\n\r\n"), Ok(Page::Moved { to: url("http://host/b") }));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (response, said) in [
            ("", "the response was cut short"),
            ("HTTP/1.1 200 OK\r\nContent-Len", "the response was cut short"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour", "the response was cut short"),
            ("HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n", "the response has a malformed length: \"five\""),
            ("HTTP/1.1 404 Not Found\r\n\r\n", "404 Not Found"),
            ("HTTP/1.1 302 Found\r\n\r\n", "status 302, but not where to"),
            ("SSH-2.0-OpenSSH\r\n", "the response is not HTTP: invalid HTTP version"),
        ] {
            assert_eq!(read(response).unwrap_err(), said, "{response:?}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(2 * LONGEST_HEAD));
        assert_eq!(read(&endless).unwrap_err(), "the response has too long a head");
    }
}
