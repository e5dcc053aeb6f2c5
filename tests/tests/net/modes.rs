//! Non-blocking mode: who would wait is told so instead.

use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;

use sward::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener};
use sward::thread;
use sward_tests::yield_until;

use crate::{everywhere, local_pair};

#[test]
fn nothing_to_read() {
    everywhere(|| {
        let (mut client, mut server) = local_pair();
        client.set_nonblocking(true).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        server.write_all(b"x").unwrap();
        let mut buf = [0; 8];
        yield_until(|| client.read(&mut buf).is_ok_and(|len| len == 1));
        drop(server);
        yield_until(|| client.read(&mut buf).is_ok_and(|len| len == 0));
    });
}

#[test]
fn no_room() {
    everywhere(|| {
        let (mut client, mut server) = local_pair();
        client.set_nonblocking(true).unwrap();
        let mut written = 0;
        while let Ok(len) = client.write(&[1; 10_000]) {
            written += len;
        }
        assert_eq!(client.write(&[1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        // And back: who waits for room gets it.
        client.set_nonblocking(false).unwrap();
        thread::scope(|s| {
            s.spawn(|| (&client).write_all(&[2; 100_000]).unwrap());
            server.read_exact(&mut vec![0; written + 100_000]).unwrap();
        });
    });
}

#[test]
fn nobody_to_accept() {
    everywhere(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(listener.incoming().next().unwrap().unwrap_err().kind(), ErrorKind::WouldBlock);
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut accepted = None;
        yield_until(|| {
            accepted = listener.accept().ok();
            accepted.is_some()
        });
        // Who is accepted is not in that mode: a read waits.
        let (mut server, _) = accepted.unwrap();
        let reader = thread::spawn(move || server.read(&mut [0; 8]).unwrap());
        drop(client);
        assert_eq!(reader.join().unwrap(), 0);
    });
}

#[test]
fn datagrams() {
    everywhere(|| {
        let dir = tempfile::tempdir().unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_nonblocking(true).unwrap();
        assert_eq!(udp.recv_from(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(udp.peek_from(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);

        let path = dir.path().join("socket");
        let (receiver, sender) = (UnixDatagram::bind(&path).unwrap(), UnixDatagram::unbound().unwrap());
        receiver.set_nonblocking(true).unwrap();
        sender.set_nonblocking(true).unwrap();
        assert_eq!(receiver.recv(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        while sender.send_to(&[1], &path).is_ok() {}
        assert_eq!(sender.send_to(&[1], &path).unwrap_err().kind(), ErrorKind::WouldBlock);

        let listener = UnixListener::bind(dir.path().join("listener")).unwrap();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

/// The mode belongs to the socket: clones made before and after share it.
#[test]
fn clones_share_it() {
    everywhere(|| {
        let (client, _server) = local_pair();
        let before = client.try_clone().unwrap();
        client.set_nonblocking(true).unwrap();
        for mut clone in [before, client.try_clone().unwrap()] {
            assert_eq!(clone.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        }
    });
}
