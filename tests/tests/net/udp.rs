//! UDP.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use sward::channel;
use sward::net::UdpSocket;
use sward::thread;

use crate::{everywhere, with_each_ip};

fn bind() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

/// Two that are connected to each other.
fn pair() -> (UdpSocket, UdpSocket) {
    let (one, other) = (bind(), bind());
    one.connect(other.local_addr().unwrap()).unwrap();
    other.connect(one.local_addr().unwrap()).unwrap();
    (one, other)
}

#[test]
fn there_and_back() {
    with_each_ip(|ip| {
        let server = UdpSocket::bind((ip, 0)).unwrap();
        let address = server.local_addr().unwrap();
        let thread = thread::spawn(move || {
            for _ in 0..10 {
                let mut buf = [0; 2000];
                let (len, from) = server.recv_from(&mut buf).unwrap();
                assert_eq!(server.send_to(&buf[..len], from).unwrap(), len);
            }
        });
        let client = UdpSocket::bind((ip, 0)).unwrap();
        for len in 0..10 {
            let sent = vec![len as u8; len * 150];
            assert_eq!(client.send_to(&sent, address).unwrap(), sent.len());
            let mut buf = [0; 2000];
            let (len, from) = client.recv_from(&mut buf).unwrap();
            assert_eq!((&buf[..len], from), (&sent[..], address));
        }
        thread.join().unwrap();
    });
}

#[test]
fn connected() {
    everywhere(|| {
        let (one, other) = pair();
        let stranger = bind();
        stranger.send_to(b"spam", one.local_addr().unwrap()).unwrap();
        assert_eq!(other.send(b"hello").unwrap(), 5);
        let mut buf = [0; 9];
        assert_eq!(one.peek(&mut buf).unwrap(), 5);
        assert_eq!(one.peek_from(&mut buf).unwrap(), (5, other.local_addr().unwrap()));
        assert_eq!(one.recv(&mut buf).unwrap(), 5);
        assert_eq!(&buf[..5], b"hello");
        assert_eq!(one.peer_addr().unwrap(), other.local_addr().unwrap());
        assert_eq!(stranger.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
    });
}

/// A datagram is received whole or cut short, one at a time, and may be empty.
#[test]
fn datagrams_keep_their_bounds() {
    everywhere(|| {
        let (one, other) = pair();
        for datagram in [&b"first"[..], b"", b"a longer one", b"last"] {
            one.send(datagram).unwrap();
        }
        let mut buf = [0; 8];
        assert_eq!(other.recv(&mut buf).unwrap(), 5);
        assert_eq!(other.recv(&mut buf).unwrap(), 0);
        assert_eq!(other.recv(&mut buf).unwrap(), 8);
        assert_eq!(&buf, b"a longer");
        assert_eq!(other.recv(&mut buf).unwrap(), 4);
        // Too long for any.
        assert!(one.send(&[0; 70_000]).is_err());
    });
}

/// Nobody is there, which the other machine says in an answer of its own. Who waits is told.
#[test]
fn refused() {
    everywhere(|| {
        let socket = bind();
        let nobody = bind().local_addr().unwrap();
        socket.connect(nobody).unwrap();
        socket.send(b"anybody?").unwrap();
        assert_eq!(socket.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let (tx, rx) = channel::bounded(0);
        thread::scope(|s| {
            let waiter = s.spawn(|| {
                tx.send(()).unwrap();
                socket.recv(&mut [0; 8]).unwrap_err().kind()
            });
            rx.recv().unwrap();
            socket.send(b"anybody?").unwrap();
            assert_eq!(waiter.join().unwrap(), ErrorKind::ConnectionRefused);
        });
    });
}

#[test]
fn clones_receive_from_the_same_queue() {
    everywhere(|| {
        let (one, other) = pair();
        let clone = other.try_clone().unwrap();
        thread::scope(|s| {
            let receivers = [&other, &clone].map(|socket| {
                s.spawn(|| {
                    let mut buf = [0];
                    socket.recv(&mut buf).unwrap();
                    buf[0]
                })
            });
            one.try_clone().unwrap().send(&[1]).unwrap();
            one.send(&[2]).unwrap();
            let mut received = receivers.map(|receiver| receiver.join().unwrap());
            received.sort_unstable();
            assert_eq!(received, [1, 2]);
        });
    });
}

#[test]
fn bad_addresses() {
    everywhere(|| {
        assert_eq!(UdpSocket::bind("192.0.2.1:9999").unwrap_err().kind(), ErrorKind::AddrNotAvailable);
        let none: &[SocketAddr] = &[];
        let socket = bind();
        for error in [socket.send_to(b"x", none).unwrap_err(), socket.connect(none).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        let taken = socket.local_addr().unwrap();
        assert_eq!(UdpSocket::bind(taken).unwrap_err().kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn options() {
    everywhere(|| {
        let socket = bind();
        for on in [true, false] {
            socket.set_broadcast(on).unwrap();
            assert_eq!(socket.broadcast().unwrap(), on);
            socket.set_multicast_loop_v4(on).unwrap();
            assert_eq!(socket.multicast_loop_v4().unwrap(), on);
        }
        socket.set_ttl(77).unwrap();
        socket.set_multicast_ttl_v4(78).unwrap();
        assert_eq!((socket.ttl().unwrap(), socket.multicast_ttl_v4().unwrap()), (77, 78));
        assert!(socket.take_error().unwrap().is_none());
        if let Ok(socket) = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)) {
            socket.set_multicast_loop_v6(false).unwrap();
            assert!(!socket.multicast_loop_v6().unwrap());
        }
        let printed = format!("{socket:?}");
        assert_eq!(printed, format!("{:?}", std::net::UdpSocket::from(socket)));
    });
}

#[test]
fn groups() {
    everywhere(|| {
        let group = Ipv4Addr::new(224, 0, 0, 123);
        let socket = bind();
        socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
        assert_eq!(socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap_err().kind(), ErrorKind::AddrInUse);
        socket.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
        assert!(socket.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST).is_err());
        assert!(socket.join_multicast_v4(&Ipv4Addr::LOCALHOST, &Ipv4Addr::LOCALHOST).is_err());
    });
}
