//! Connecting.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use sward::net::{TcpListener, TcpStream};
use sward::thread;
use sward_tests::run_on;

use crate::{everywhere, full_listener, with_each_ip};

/// An address where nobody listens: somebody has just stopped.
fn nobody() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

#[test]
fn refused() {
    with_each_ip(|ip| {
        let address = TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap();
        assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let error = TcpStream::connect_timeout(&address, Duration::from_secs(60)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn addresses_are_tried_in_turn() {
    everywhere(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStream::connect(&[nobody(), nobody(), address][..]).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        let error = TcpStream::connect(&[nobody(), nobody()][..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        // Not one that is there to be bound, and one that is.
        let bound = TcpListener::bind(&[address, nobody()][..]).unwrap();
        assert_ne!(bound.local_addr().unwrap(), address);
    });
}

/// What is no address, or is none of this machine, says so as in std.
#[test]
fn bad_addresses() {
    everywhere(|| {
        let none: &[SocketAddr] = &[];
        for error in [
            TcpStream::connect(none).unwrap_err(),
            TcpListener::bind(none).unwrap_err(),
            TcpStream::connect("no port").unwrap_err(),
            TcpStream::connect("127.0.0.1:65536").unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        let message = TcpStream::connect(none).unwrap_err().to_string();
        assert_eq!(message, std::net::TcpStream::connect(none).unwrap_err().to_string());
        assert_eq!(TcpListener::bind("192.0.2.1:9999").unwrap_err().kind(), ErrorKind::AddrNotAvailable);
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let error = TcpListener::bind(taken.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn by_name() {
    everywhere(|| {
        let listener = TcpListener::bind("localhost:0").unwrap();
        let mut stream = TcpStream::connect(("localhost", listener.local_addr().unwrap().port())).unwrap();
        stream.write_all(&[144]).unwrap();
        let mut buf = [0];
        listener.accept().unwrap().0.read_exact(&mut buf).unwrap();
        assert_eq!(buf, [144]);
    });
}

/// Many look names up and connect at once.
#[test]
fn many_by_name() {
    run_on(2, || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let clients: Vec<_> = (0..64).map(|_| thread::spawn(move || TcpStream::connect(("localhost", port)))).collect();
        let served: Vec<_> = (0..64).map(|_| listener.accept().unwrap().1).collect();
        let mut connected: Vec<_> =
            clients.into_iter().map(|client| client.join().unwrap().unwrap().local_addr().unwrap()).collect();
        connected.sort();
        let mut served = served;
        served.sort();
        assert_eq!(connected, served);
    });
}

#[test]
fn no_time_at_all_is_invalid() {
    everywhere(|| {
        let error = TcpStream::connect_timeout(&nobody(), Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn more_time_than_a_clock_can_show() {
    everywhere(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        TcpStream::connect_timeout(&listener.local_addr().unwrap(), Duration::MAX).unwrap();
    });
}

#[test]
fn the_time_is_up() {
    everywhere(|| {
        let (listener, _queue) = full_listener();
        let patience = Duration::from_millis(30);
        let begun = Instant::now();
        let error = TcpStream::connect_timeout(&listener.local_addr().unwrap(), patience).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(begun.elapsed() >= patience);
    });
}

/// Who waits for a connection holds up nobody, and gets it when there is room.
#[test]
fn others_run_while_one_connects() {
    run_on(1, || {
        let (listener, queue) = full_listener();
        let address = listener.local_addr().unwrap();
        thread::scope(|s| {
            let late = s.spawn(|| TcpStream::connect(address).unwrap().local_addr().unwrap());
            // It cannot be connected before there is room; all the yields in the world don't help.
            for _ in 0..1000 {
                thread::yield_now();
            }
            assert!(!late.is_finished());
            let mut served = Vec::new();
            for client in 0..=queue.len() {
                served.push(listener.accept().unwrap().1);
                assert!(client == queue.len() || served.last() == Some(&queue[client].local_addr().unwrap()));
            }
            assert_eq!(served.last(), Some(&late.join().unwrap()));
        });
    });
}
