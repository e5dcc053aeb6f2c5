//! Unix sockets.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use sward::net::unix::SocketAddr;
use sward::net::{Shutdown, UnixDatagram, UnixListener, UnixStream};
use sward::thread;
use sward_tests::run_on;
use tempfile::TempDir;

use crate::everywhere;

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A name that no other test has.
fn abstract_address() -> SocketAddr {
    let unique = dir();
    SocketAddr::from_abstract_name(unique.path().as_os_str().as_encoded_bytes()).unwrap()
}

#[test]
fn by_path() {
    everywhere(|| {
        let dir = dir();
        let path = dir.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(&*path));
        let server = thread::spawn(move || {
            let (mut stream, peer) = listener.accept().unwrap();
            assert!(peer.is_unnamed());
            let mut buf = [0; 5];
            stream.read_exact(&mut buf).unwrap();
            stream.write_all(&buf).unwrap();
        });
        let mut stream = UnixStream::connect(&path).unwrap();
        assert_eq!(stream.peer_addr().unwrap().as_pathname(), Some(&*path));
        assert!(stream.local_addr().unwrap().is_unnamed());
        stream.write_all(b"hello").unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello");
        server.join().unwrap();
    });
}

#[test]
fn by_abstract_name() {
    everywhere(|| {
        let address = abstract_address();
        let name = address.as_abstract_name();
        let listener = UnixListener::bind_addr(&address).unwrap();
        assert_eq!(listener.local_addr().unwrap().as_abstract_name(), name);
        let streams = [(); 2].map(|()| UnixStream::connect_addr(&address).unwrap());
        for (mut near, far) in streams.into_iter().zip(&listener) {
            assert_eq!(near.peer_addr().unwrap().as_abstract_name(), name);
            far.unwrap().write_all(b"hello").unwrap();
            let mut said = String::new();
            near.read_to_string(&mut said).unwrap();
            assert_eq!(said, "hello");
        }
    });
}

/// A client may have a name too, of the longest kind.
#[test]
fn clients_with_names() {
    everywhere(|| {
        let dir = dir();
        let listener = UnixListener::bind(dir.path().join("socket")).unwrap();
        let server = rustix::net::SocketAddrUnix::new(dir.path().join("socket")).unwrap();
        let longest = format!("{}/{}", dir.path().display(), "x".repeat(200));
        let longest = rustix::net::SocketAddrUnix::new(&longest[..108]).unwrap();
        let abstract_name = rustix::net::SocketAddrUnix::new_abstract_name(&[7; 107]).unwrap();
        for name in [longest, abstract_name] {
            let client =
                rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
            rustix::net::bind(&client, &name).unwrap();
            rustix::net::connect(&client, &server).unwrap();
            let (_, peer) = listener.accept().unwrap();
            match name.abstract_name() {
                Some(name) => assert_eq!(peer.as_abstract_name(), Some(name)),
                None => assert_eq!(peer.as_pathname().unwrap().as_os_str().len(), 108),
            }
        }
    });
}

#[test]
fn bad_paths() {
    everywhere(|| {
        let dir = dir();
        let path = dir.path().join("socket");
        let too_long = dir.path().join("x".repeat(120));
        for error in [
            UnixStream::connect(&too_long).unwrap_err(),
            UnixListener::bind(&too_long).unwrap_err(),
            UnixDatagram::bind(&too_long).unwrap_err(),
            UnixStream::connect("\0name").unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(UnixStream::connect(&path).unwrap_err().kind(), ErrorKind::NotFound);
        drop(UnixListener::bind(&path).unwrap());
        // The file stays.
        assert_eq!(UnixListener::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(UnixStream::connect(&path).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn pairs() {
    everywhere(|| {
        let (mut one, mut other) = UnixStream::pair().unwrap();
        let reader = thread::spawn(move || {
            let (mut a, mut b) = ([0; 6], [0; 7]);
            let len = other.read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)]).unwrap();
            assert_eq!((len, &a, &b), (12, b"hello ", b"world!\0"));
            assert_eq!(other.read(&mut a).unwrap(), 0);
            other.write_all(b"bye").unwrap();
        });
        let words = [IoSlice::new(b"hello"), IoSlice::new(b" "), IoSlice::new(b"world!")];
        assert_eq!(one.write_vectored(&words).unwrap(), 12);
        one.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        one.read_to_string(&mut said).unwrap();
        assert_eq!(said, "bye");
        reader.join().unwrap();
        assert_eq!(one.write(&[1]).unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert!(one.take_error().unwrap().is_none());
    });
}

#[test]
fn clones() {
    everywhere(|| {
        let (mut one, other) = UnixStream::pair().unwrap();
        let clone = other.try_clone().unwrap();
        one.write_all(b"ab").unwrap();
        for mut handle in [other, clone] {
            handle.read_exact(&mut [0]).unwrap();
        }
        assert_eq!(one.write(&[1]).unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

/// A read stops short where a file descriptor was sent along, though there is more behind.
#[test]
fn descriptors_on_the_way_hide_nothing() {
    everywhere(|| {
        let (mut one, mut other) = UnixStream::pair().unwrap();
        let reader = thread::spawn(move || {
            let mut said = Vec::new();
            while said.len() < 20 {
                let mut buf = [0; 100];
                let len = other.read(&mut buf).unwrap();
                said.extend_from_slice(&buf[..len]);
            }
            said
        });
        for _ in 0..2 {
            let passed = [io::stderr()];
            let passed = [passed[0].as_fd()];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            assert!(control.push(SendAncillaryMessage::ScmRights(&passed)));
            sendmsg(&one, &[IoSlice::new(b"first")], &mut control, SendFlags::empty()).unwrap();
            one.write_all(b"after").unwrap();
        }
        assert_eq!(reader.join().unwrap(), b"firstafterfirstafter");
    });
}

/// More than may wait to be accepted: they wait to be let wait.
#[test]
fn a_queue_that_is_full() {
    for procs in [1, 2] {
        run_on(procs, || {
            let dir = dir();
            let path = dir.path().join("socket");
            let listener = UnixListener::bind(&path).unwrap();
            rustix::net::listen(&listener, 1).unwrap();
            thread::scope(|s| {
                let clients: Vec<_> = (0..10).map(|_| s.spawn(|| UnixStream::connect(&path).unwrap())).collect();
                let served: Vec<_> = listener.incoming().take(10).collect();
                assert!(served.iter().all(Result::is_ok));
                clients.into_iter().for_each(|client| drop(client.join().unwrap()));
            });
        });
    }
}

#[test]
fn datagrams_by_path() {
    everywhere(|| {
        let dir = dir();
        let (path, other_path) = (dir.path().join("one"), dir.path().join("other"));
        let (one, other) = (UnixDatagram::bind(&path).unwrap(), UnixDatagram::bind(&other_path).unwrap());
        let mut buf = [0; 11];
        assert_eq!(one.send_to(b"hello world", &other_path).unwrap(), 11);
        let (len, from) = other.recv_from(&mut buf).unwrap();
        assert_eq!((len, from.as_pathname()), (11, Some(&*path)));

        // To whence it came.
        other.connect_addr(&from).unwrap();
        assert_eq!(other.peer_addr().unwrap().as_pathname(), Some(&*path));
        other.send(b"back").unwrap();
        assert_eq!(one.recv(&mut buf).unwrap(), 4);
        assert_eq!(one.local_addr().unwrap().as_pathname(), Some(&*path));

        let nameless = UnixDatagram::unbound().unwrap();
        nameless.connect(&path).unwrap();
        nameless.send(b"").unwrap();
        let (len, from) = one.recv_from(&mut buf).unwrap();
        assert!(len == 0 && from.is_unnamed());
        drop(one);
        assert_eq!(nameless.send(b"x").unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(nameless.send_to(b"x", dir.path().join("nobody")).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(nameless.take_error().unwrap().is_none());
    });
}

#[test]
fn datagrams_by_abstract_name() {
    everywhere(|| {
        let address = abstract_address();
        let receiver = UnixDatagram::bind_addr(&address).unwrap();
        let sender = UnixDatagram::bind_addr(&abstract_address()).unwrap();
        sender.send_to_addr(b"hello", &address).unwrap();
        let mut buf = [0; 9];
        let (len, from) = receiver.recv_from(&mut buf).unwrap();
        assert_eq!((len, from.as_abstract_name()), (5, sender.local_addr().unwrap().as_abstract_name()));
    });
}

#[test]
fn datagram_pairs() {
    everywhere(|| {
        let (one, other) = UnixDatagram::pair().unwrap();
        let clone = one.try_clone().unwrap();
        let thread = thread::spawn(move || {
            let mut buf = [0; 9];
            let len = other.recv(&mut buf).unwrap();
            other.send(&buf[..len]).unwrap();
        });
        one.send(b"hello").unwrap();
        assert_eq!(clone.recv(&mut [0; 9]).unwrap(), 5);
        thread.join().unwrap();
        let waiter = thread::spawn(move || clone.recv(&mut [0; 9]).unwrap());
        one.shutdown(Shutdown::Read).unwrap();
        assert_eq!(waiter.join().unwrap(), 0);
        let (len, from) = one.recv_from(&mut [0; 9]).unwrap();
        assert!(len == 0 && from.is_unnamed());
        // As in std.
        one.set_nonblocking(true).unwrap();
        assert_eq!(one.recv(&mut [0; 9]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

/// Nothing is lost: who sends to one that has no room waits, also when the two are not connected.
#[test]
fn datagrams_wait_for_room() {
    everywhere(|| {
        let dir = dir();
        let path = dir.path().join("socket");
        for is_connected in [false, true] {
            for _ in 0..2 {
                let receiver = UnixDatagram::bind(&path).unwrap();
                let sender = UnixDatagram::unbound().unwrap();
                if is_connected {
                    sender.connect(&path).unwrap();
                }
                let path = path.clone();
                let thread = thread::spawn(move || {
                    for n in 0..1000u16 {
                        let sent = n.to_le_bytes();
                        let len = if is_connected { sender.send(&sent) } else { sender.send_to(&sent, &path) };
                        assert_eq!(len.unwrap(), 2);
                    }
                });
                for n in 0..1000u16 {
                    let mut buf = [0; 3];
                    assert_eq!(receiver.recv(&mut buf).unwrap(), 2);
                    assert_eq!(buf[..2], n.to_le_bytes());
                }
                thread.join().unwrap();
                std::fs::remove_file(dir.path().join("socket")).unwrap();
            }
        }
    });
}
