//! An HTTP server and its client, small ones, that parse with `httparse`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;

use sward::net::TcpStream;
use sward_tests::run_on;

use crate::{all_at_once, serve};

const MOST_HEADERS: usize = 16;

/// What `parse` makes of the next head, given more and more of it; `None` when there is none.
fn parse<T>(
    stream: &mut BufReader<&TcpStream>,
    parse: impl Fn(&[u8]) -> Result<Option<T>, httparse::Error>,
) -> io::Result<Option<T>> {
    let mut head = Vec::new();
    loop {
        if stream.read_until(b'\n', &mut head)? == 0 {
            return Ok(None);
        }
        if let Some(parsed) = parse(&head).map_err(io::Error::other)? {
            return Ok(Some(parsed));
        }
    }
}

fn content_length(headers: &[httparse::Header<'_>]) -> usize {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    header.map_or(0, |header| str::from_utf8(header.value).unwrap().parse().unwrap())
}

/// Answers requests with what they are, until there are no more.
fn answer(stream: TcpStream) {
    let mut reader = BufReader::new(&stream);
    let request = |head: &[u8]| {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let status = request.parse(head)?;
        let line = format!("{} {}", request.method.unwrap_or_default(), request.path.unwrap_or_default());
        Ok(status.is_complete().then(|| (line, content_length(request.headers))))
    };
    while let Some((line, len)) = parse(&mut reader, request).unwrap() {
        let mut body = vec![0; len];
        reader.read_exact(&mut body).unwrap();
        let body = [line.as_bytes(), b"\n", &body].concat();
        write!(&stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
        (&stream).write_all(&body).unwrap();
    }
}

fn read_answer(reader: &mut BufReader<&TcpStream>) -> Vec<u8> {
    let response = |head: &[u8]| {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let status = response.parse(head)?;
        Ok(status.is_complete().then(|| (response.code, content_length(response.headers))))
    };
    let (code, len) = parse(reader, response).unwrap().expect("an answer");
    assert_eq!(code, Some(200));
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    body
}

fn get(address: SocketAddr, client: usize) {
    let stream = TcpStream::connect(address).unwrap();
    let mut reader = BufReader::new(&stream);
    for n in 0..20 {
        write!(&stream, "GET /{client}/{n} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert_eq!(read_answer(&mut reader), format!("GET /{client}/{n}\n").into_bytes());
    }
    // Several are under way at once, and a large one.
    let body = vec![b'x'; 300_000];
    write!(&stream, "GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
    (&stream).write_all(&body).unwrap();
    assert_eq!(read_answer(&mut reader), b"GET /a\n");
    assert_eq!(read_answer(&mut reader), [b"POST /b\n", &body[..]].concat());
}

#[test]
fn requests_and_answers() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            let (address, server) = serve(10, answer);
            all_at_once(10, |client| get(address, client));
            server.join().unwrap();
        });
    }
}
