//! Listening and accepting.

use std::io::{Read, Write};
use std::net::Ipv4Addr;

use sward::net::{TcpListener, TcpStream};
use sward::thread;
use sward_tests::Finished;

use crate::{everywhere, sockets, with_each_ip};

#[test]
fn one_after_the_other() {
    with_each_ip(|ip| {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let client = thread::spawn(move || {
            for n in 0..10 {
                TcpStream::connect(address).unwrap().write_all(&[n]).unwrap();
            }
        });
        for (n, stream) in listener.incoming().take(10).enumerate() {
            let mut buf = [0];
            stream.unwrap().read_exact(&mut buf).unwrap();
            assert_eq!(usize::from(buf[0]), n);
        }
        client.join().unwrap();
    });
}

/// std's "interleaved" tests: all are connected before the first writes, and the last writes first.
#[test]
fn many_at_once() {
    everywhere(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let serve = |stream: std::io::Result<TcpStream>| {
                thread::spawn(move || {
                    let mut buf = [0];
                    stream.unwrap().read_exact(&mut buf).unwrap();
                    buf[0]
                })
            };
            let served: Vec<_> = listener.incoming().take(50).map(serve).collect();
            served.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        let mut clients: Vec<_> = (0..50).map(|_| TcpStream::connect(address).unwrap()).collect();
        for (n, client) in clients.iter_mut().enumerate().rev() {
            client.write_all(&[n as u8]).unwrap();
        }
        assert_eq!(server.join().unwrap(), (0..50).collect::<Vec<u8>>());
    });
}

/// Each client is accepted once, by one of those that wait.
#[test]
fn many_accept_from_one_listener() {
    everywhere(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let clone = listener.try_clone().unwrap();
        thread::scope(|s| {
            let acceptors: Vec<_> = [&listener, &clone, &listener, &clone]
                .map(|listener| s.spawn(move || listener.accept().unwrap().1))
                .into();
            let mut connected = [(); 4].map(|()| TcpStream::connect(address).unwrap().local_addr().unwrap());
            let mut accepted: Vec<_> = acceptors.into_iter().map(|thread| thread.join().unwrap()).collect();
            connected.sort();
            accepted.sort();
            assert_eq!(accepted, connected);
        });
    });
}

/// More clients come than std would let wait, before the first is accepted.
#[test]
fn a_crowd_waits_to_be_accepted() {
    let allowed: usize = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap().trim().parse().unwrap();
    let crowd = allowed.min(300);
    everywhere(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let clients: Vec<_> = (0..crowd).map(|_| TcpStream::connect(address).unwrap()).collect();
        for client in &clients {
            assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
        }
    });
}

/// Too many open files: an error, and when there is room again the same client is served.
#[test]
fn no_file_for_a_client() {
    for procs in ["1", "2", "4"] {
        Finished::of(sockets("no-file-for-a-client").env("SWARD_PROCS", procs)).exits_with(0);
    }
}

/// The same, when it happens to one that waits.
#[test]
fn no_file_for_a_client_that_is_waited_for() {
    for procs in ["1", "2", "4"] {
        Finished::of(sockets("no-file-for-a-client-that-is-waited-for").env("SWARD_PROCS", procs)).exits_with(0);
    }
}

/// The first socket starts the netpoller, which needs files too. If it cannot, who waits is told.
#[test]
fn no_file_for_the_netpoller() {
    Finished::of(&mut sockets("no-file-for-the-netpoller")).exits_with(0);
}
