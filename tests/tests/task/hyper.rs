//! hyper's HTTP/1 server, which knows nothing of green threads, over this crate's sockets.
//!
//! The adapter is all that it takes: a poll is a blocking call, since a green thread that waits in it holds up nobody but its own connection. hyper then
//! never sees `Pending` from a socket. What it must not do is look for the client's end while it owes a response: `half_close` says so.

use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::rt::ReadBufCursor;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use sward::net::{TcpListener, TcpStream};
use sward::{channel, task, thread};
use sward_tests::run_on;

/// A socket for hyper.
struct Blocking(TcpStream);

impl hyper::rt::Read for Blocking {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; 8192];
        let room = buf.remaining().min(bytes.len());
        let read = self.0.read(&mut bytes[..room])?;
        buf.put_slice(&bytes[..read]);
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Blocking {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.shutdown(sward::net::Shutdown::Write))
    }
}

/// `GET /n`: n squared, computed by a thread that is awaited, and sent by one more. `POST`: the body, backwards.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let number = request.uri().path()[1..].parse::<u64>();
    let (status, body) = match (request.method(), number) {
        (&Method::GET, Ok(n)) => {
            let square = thread::spawn(move || n * n).await.expect("no overflow");
            let (tx, rx) = channel::bounded(0);
            thread::spawn(move || tx.send(square.to_string()));
            (StatusCode::OK, rx.await.expect("it is sent").into_bytes())
        }
        (&Method::POST, _) => {
            let body = request.into_body().collect().await.expect("a body").to_bytes();
            (StatusCode::OK, body.iter().rev().copied().collect())
        }
        _ => (StatusCode::NOT_FOUND, Vec::new()),
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    Ok(response)
}

/// Serves `connections` connections, each on a thread of its own.
fn serve(listener: &TcpListener, connections: usize) {
    let servers: Vec<_> = listener
        .incoming()
        .take(connections)
        .map(|stream| {
            let stream = Blocking(stream.expect("a connection"));
            thread::spawn(move || {
                let connection = http1::Builder::new().half_close(true).serve_connection(stream, service_fn(answer));
                task::block_on(connection).expect("the client ends it as it should");
            })
        })
        .collect();
    servers.into_iter().for_each(|server| server.join().expect("no panic"));
}

/// A client's connection, which is kept alive.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(address: SocketAddr) -> Client {
        Client(BufReader::new(TcpStream::connect(address).expect("a connection")))
    }

    /// Sends a request; returns the status and the body of the response.
    fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let stream = self.0.get_mut();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n").unwrap();
        stream.write_all(body).unwrap();
        let head: Vec<String> =
            self.0.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap()];
        self.0.read_exact(&mut body).unwrap();
        (status, body)
    }
}

#[test]
fn many_clients_and_requests() {
    const CLIENTS: u64 = 20;
    run_on(4, || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || serve(&listener, CLIENTS as usize));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                thread::spawn(move || {
                    let mut connection = Client::new(address);
                    for n in (0..20).map(|n| 100 * client + n) {
                        let (status, body) = connection.ask("GET", &format!("/{n}"), &[]);
                        assert_eq!((status, body), (200, (n * n).to_string().into_bytes()));
                    }
                    assert_eq!(connection.ask("GET", "/nowhere", &[]).0, 404);
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
        server.join().unwrap();
    });
}

/// More than sockets hold, on one P.
#[test]
fn a_body_of_megabytes_there_and_back() {
    run_on(1, || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || serve(&listener, 1));
        let body: Vec<u8> = (0..3 << 20).map(|n| (n % 251) as u8).collect();
        let (status, mut echo) = Client::new(address).ask("POST", "/", &body);
        echo.reverse();
        assert!(status == 200 && echo == body);
        server.join().unwrap();
    });
}
