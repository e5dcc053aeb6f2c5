//! Libraries that were written for blocking sockets of std's run over those of `sward::net` as they are.

mod http;
mod tls;
mod websocket;

use std::net::{Ipv4Addr, SocketAddr};

use sward::net::{TcpListener, TcpStream};
use sward::thread::{self, JoinHandle};

/// Runs `serve` for each of so many clients, on a green thread of its own. Ends when all are served.
fn serve(clients: usize, serve: impl Fn(TcpStream) + Clone + Send + 'static) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let threads: Vec<_> = listener
            .incoming()
            .take(clients)
            .map(|stream| {
                let (stream, serve) = (stream.unwrap(), serve.clone());
                thread::spawn(move || serve(stream))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    (address, server)
}

/// Runs `client` so many times at once, each on a green thread of its own.
fn all_at_once(clients: usize, client: impl Fn(usize) + Sync) {
    thread::scope(|s| {
        for n in 0..clients {
            let client = &client;
            s.spawn(move || client(n));
        }
    });
}
