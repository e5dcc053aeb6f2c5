//! TCP connections: std's tests.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};

use rustix::net::{SendFlags, send};
use sward::channel;
use sward::net::{Shutdown, TcpListener, TcpStream};
use sward::thread;

use crate::{everywhere, local_pair, pair, with_each_ip};

#[test]
fn names() {
    with_each_ip(|ip| {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let (server, peer) = listener.accept().unwrap();
        assert_eq!(client.peer_addr().unwrap(), address);
        assert_eq!(server.local_addr().unwrap(), address);
        assert_eq!((server.peer_addr().unwrap(), peer), (client.local_addr().unwrap(), client.local_addr().unwrap()));
    });
}

#[test]
fn bytes_go_both_ways() {
    with_each_ip(|ip| {
        let (mut client, mut server) = pair(ip);
        let peer = thread::spawn(move || {
            let mut buf = [0; 10];
            assert_eq!(server.read(&mut buf).unwrap(), 1);
            assert_eq!(server.write(&[buf[0] + 1]).unwrap(), 1);
        });
        client.write_all(&[99]).unwrap();
        let mut buf = [0; 10];
        assert_eq!(client.read(&mut buf).unwrap(), 1);
        assert_eq!(buf[0], 100);
        peer.join().unwrap();
    });
}

#[test]
fn the_end_is_read_again_and_again() {
    with_each_ip(|ip| {
        let (client, mut server) = pair(ip);
        (&client).write_all(b"last").unwrap();
        drop(client);
        let mut said = String::new();
        server.read_to_string(&mut said).unwrap();
        assert_eq!(said, "last");
        for _ in 0..3 {
            assert_eq!(server.read(&mut [0]).unwrap(), 0);
        }
    });
}

/// The end comes while somebody waits for it.
#[test]
fn a_waiting_reader_sees_the_end() {
    everywhere(|| {
        let (client, mut server) = local_pair();
        let reader = thread::spawn(move || server.read(&mut [0; 8]).unwrap());
        drop(client);
        assert_eq!(reader.join().unwrap(), 0);
    });
}

#[test]
fn nothing_into_and_out_of_empty_buffers() {
    everywhere(|| {
        let (mut client, mut server) = local_pair();
        assert_eq!(client.write(&[]).unwrap(), 0);
        client.write_all(b"x").unwrap();
        assert_eq!(server.read(&mut []).unwrap(), 0);
        assert_eq!(server.read(&mut [0; 2]).unwrap(), 1);
    });
}

#[test]
fn several_buffers_at_once() {
    everywhere(|| {
        let (mut client, mut server) = local_pair();
        let written = client.write_vectored(&[IoSlice::new(&[]), IoSlice::new(&[10]), IoSlice::new(&[11, 12])]);
        assert_eq!(written.unwrap(), 3);
        let (mut a, mut b, mut c) = ([], [0], [0; 3]);
        let bufs = &mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b), IoSliceMut::new(&mut c)];
        assert_eq!(server.read_vectored(bufs).unwrap(), 3);
        assert_eq!((b, c), ([10], [11, 12, 0]));
    });
}

/// More buffers than the kernel takes at a time, filled to the last byte: what is behind them is not overlooked.
#[test]
fn very_many_buffers() {
    everywhere(|| {
        let (mut client, mut server) = local_pair();
        client.write_all(&[7; 3000]).unwrap();
        let mut bytes = [0; 3000];
        let mut read = 0;
        while read < bytes.len() {
            let mut bufs: Vec<_> = bytes[read..].chunks_mut(1).map(IoSliceMut::new).collect();
            read += server.read_vectored(&mut bufs).unwrap();
        }
        assert_eq!(bytes, [7; 3000]);
    });
}

#[test]
fn peeking_takes_nothing() {
    everywhere(|| {
        let (mut client, mut server) = local_pair();
        let peer = thread::spawn(move || client.write_all(b"again").map(|()| client));
        let mut buf = [0; 9];
        while server.peek(&mut buf).unwrap() < 5 {}
        assert_eq!(server.peek(&mut buf).unwrap(), 5);
        assert_eq!(server.read(&mut buf).unwrap(), 5);
        assert_eq!(&buf[..5], b"again");
        server.set_nonblocking(true).unwrap();
        assert_eq!(server.peek(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        peer.join().unwrap().unwrap();
    });
}

#[test]
fn closing_one_direction_leaves_the_other() {
    with_each_ip(|ip| {
        let (mut client, mut server) = pair(ip);
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.write(&[1]).unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(server.read(&mut [0]).unwrap(), 0);
        server.write_all(&[2]).unwrap();
        let mut buf = [0; 2];
        assert_eq!(client.read(&mut buf).unwrap(), 1);
        assert_eq!(buf[0], 2);
    });
}

#[test]
fn closing_is_for_all_handles() {
    everywhere(|| {
        let (mut client, _server) = local_pair();
        let before = client.try_clone().unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        client.shutdown(Shutdown::Read).unwrap();
        let after = client.try_clone().unwrap();
        assert!(client.write(&[0]).is_err());
        for mut clone in [before, after] {
            assert!(clone.write(&[0]).is_err());
            assert_eq!(clone.read(&mut [0]).unwrap(), 0);
            // The other end may or may not have gone meanwhile.
            let _ = clone.shutdown(Shutdown::Both);
        }
    });
}

#[test]
fn closing_wakes_a_reader() {
    with_each_ip(|ip| {
        let (client, _server) = pair(ip);
        let (tx, rx) = channel::bounded(0);
        let mut clone = client.try_clone().unwrap();
        let reader = thread::spawn(move || {
            tx.send(()).unwrap();
            clone.read(&mut [0]).unwrap()
        });
        rx.recv().unwrap();
        client.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reader.join().unwrap(), 0);
    });
}

#[test]
fn closing_wakes_a_writer() {
    everywhere(|| {
        let (client, _server) = local_pair();
        let mut clone = client.try_clone().unwrap();
        let writer = thread::spawn(move || {
            loop {
                if let Err(error) = clone.write(&[0; 65536]) {
                    break error.kind();
                }
            }
        });
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(writer.join().unwrap(), ErrorKind::BrokenPipe);
    });
}

/// A connection lives as long as any of its handles.
#[test]
fn a_clone_keeps_the_connection() {
    everywhere(|| {
        let (mut client, server) = local_pair();
        let mut clone = server.try_clone().unwrap();
        client.write_all(&[1]).unwrap();
        assert_eq!((&server).read(&mut [0; 8]).unwrap(), 1);
        let writer = thread::spawn(move || {
            client.write_all(&[2]).unwrap();
            client
        });
        // Whatever has been found out for one handle, the other finds what comes.
        assert_eq!(clone.read(&mut [0; 8]).unwrap(), 1);
        drop(server);
        clone.write_all(&[3]).unwrap();
        assert_eq!(writer.join().unwrap().read(&mut [0; 8]).unwrap(), 1);
    });
}

#[test]
fn cloning_while_somebody_reads() {
    everywhere(|| {
        let (mut client, server) = local_pair();
        let mut clone = server.try_clone().unwrap();
        let reader = thread::spawn(move || clone.read(&mut [0]).unwrap());
        drop(server.try_clone().unwrap());
        client.write_all(&[1]).unwrap();
        assert_eq!(reader.join().unwrap(), 1);
    });
}

#[test]
fn options() {
    everywhere(|| {
        let (client, _server) = local_pair();
        assert!(!client.nodelay().unwrap());
        client.set_nodelay(true).unwrap();
        assert!(client.nodelay().unwrap());
        client.set_ttl(77).unwrap();
        assert_eq!(client.ttl().unwrap(), 77);
        client.set_quickack(false).unwrap();
        assert!(!client.quickack().unwrap());
        assert!(client.take_error().unwrap().is_none());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_ttl(77).unwrap();
        assert_eq!(listener.ttl().unwrap(), 77);
        assert!(listener.take_error().unwrap().is_none());
    });
}

#[test]
fn they_print_as_in_std() {
    everywhere(|| {
        let (client, _server) = local_pair();
        let printed = format!("{client:?}");
        assert!(printed.starts_with("TcpStream { addr: 127.0.0.1:"), "{printed}");
        assert_eq!(printed, format!("{:?}", std::net::TcpStream::from(client)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let printed = format!("{listener:?}");
        assert_eq!(printed, format!("{:?}", std::net::TcpListener::from(listener)));
    });
}

/// A read stops short where urgent data was, though there is more behind.
#[test]
fn urgent_data_hides_nothing() {
    everywhere(|| {
        for _ in 0..20 {
            let (mut client, server) = local_pair();
            let reader = thread::spawn(move || {
                let mut said = Vec::new();
                while said.len() < 10 {
                    let mut buf = [0; 100];
                    let len = (&server).read(&mut buf).unwrap();
                    said.extend_from_slice(&buf[..len]);
                }
                said
            });
            client.write_all(b"begin").unwrap();
            send(&client, b"!", SendFlags::OOB).unwrap();
            client.write_all(b"after").unwrap();
            assert_eq!(reader.join().unwrap(), b"beginafter");
        }
    });
}

fn is_unwind_safe<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe + Send + Sync + Unpin>() {}

#[test]
fn the_types_have_the_traits_of_stds() {
    is_unwind_safe::<TcpStream>();
    is_unwind_safe::<TcpListener>();
    is_unwind_safe::<sward::net::Incoming<'_>>();
    is_unwind_safe::<sward::net::UdpSocket>();
    is_unwind_safe::<sward::net::UnixStream>();
    is_unwind_safe::<sward::net::UnixListener>();
    is_unwind_safe::<sward::net::UnixDatagram>();
}
