//! Time-outs.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use sward::net::{UdpSocket, UnixDatagram, UnixStream};
use sward::thread;

use crate::{everywhere, local_pair};

/// Short, as nothing comes; and a whole number of the kernel's ticks, at 50 of them a second as at 1000.
const MOMENT: Duration = Duration::from_millis(20);

/// Checks of what all types with time-outs do. `$receive` is an operation of `$socket` that has nothing to receive.
macro_rules! check {
    ($socket:expr, $receive:expr) => {{
        let socket = $socket;
        assert_eq!((socket.read_timeout().unwrap(), socket.write_timeout().unwrap()), (None, None));

        let long = Some(Duration::from_secs(15410));
        socket.set_read_timeout(long).unwrap();
        assert_eq!((socket.read_timeout().unwrap(), socket.write_timeout().unwrap()), (long, None));
        socket.set_write_timeout(long).unwrap();
        assert_eq!(socket.write_timeout().unwrap(), long);

        for error in [socket.set_read_timeout(Some(Duration::ZERO)), socket.set_write_timeout(Some(Duration::ZERO))] {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        // It is as it was.
        assert_eq!((socket.read_timeout().unwrap(), socket.write_timeout().unwrap()), (long, long));
        socket.set_write_timeout(None).unwrap();
        assert_eq!(socket.write_timeout().unwrap(), None);

        // The kernel counts in steps of its own. The least time is one.
        let least = Some(Duration::from_nanos(1));
        let of_std = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        of_std.set_read_timeout(least).unwrap();
        socket.set_read_timeout(least).unwrap();
        assert_eq!(socket.read_timeout().unwrap(), of_std.read_timeout().unwrap());
        assert_eq!($receive(&socket).unwrap_err().kind(), ErrorKind::WouldBlock);

        for socket in [&socket, &socket.try_clone().unwrap()] {
            socket.set_read_timeout(Some(MOMENT)).unwrap();
            let begun = Instant::now();
            assert_eq!($receive(&socket).unwrap_err().kind(), ErrorKind::WouldBlock);
            assert!(begun.elapsed() >= MOMENT);
        }
        socket
    }};
}

#[test]
fn of_tcp_streams() {
    everywhere(|| {
        let (client, mut server) = local_pair();
        let mut client = check!(client, |mut socket: &sward::net::TcpStream| socket.read(&mut [0; 8]));
        // What comes later is read.
        server.write_all(b"late").unwrap();
        let mut buf = [0; 4];
        client.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"late");
        assert_eq!(client.read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn of_unix_streams() {
    everywhere(|| {
        let (one, mut other) = UnixStream::pair().unwrap();
        let mut one = check!(one, |mut socket: &UnixStream| socket.read(&mut [0; 8]));
        other.write_all(b"late").unwrap();
        let mut buf = [0; 9];
        assert_eq!(one.read(&mut buf).unwrap(), 4);
        assert_eq!(one.read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn of_udp_sockets() {
    everywhere(|| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = check!(socket, |socket: &UdpSocket| socket.recv_from(&mut [0; 8]));
        socket.send_to(b"late", socket.local_addr().unwrap()).unwrap();
        assert_eq!(socket.recv(&mut [0; 9]).unwrap(), 4);
        assert_eq!(socket.recv(&mut [0; 9]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn of_unix_datagrams() {
    everywhere(|| {
        let (one, other) = UnixDatagram::pair().unwrap();
        let one = check!(one, |socket: &UnixDatagram| socket.recv(&mut [0; 8]));
        other.send(b"late").unwrap();
        assert_eq!(one.recv(&mut [0; 9]).unwrap(), 4);
        assert_eq!(one.recv(&mut [0; 9]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

/// What has been written before the time was up has been written.
#[test]
fn writing_runs_out_of_time() {
    everywhere(|| {
        let (mut client, mut server) = local_pair();
        client.set_write_timeout(Some(MOMENT)).unwrap();
        let mut written = 0;
        let error = loop {
            match client.write(&[7; 40_000]) {
                Ok(len) => written += len,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        drop(client);
        let mut read = Vec::new();
        assert_eq!(server.read_to_end(&mut read).unwrap(), written);
    });
}

#[test]
fn sending_datagrams_runs_out_of_time() {
    everywhere(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let _receiver = UnixDatagram::bind(&path).unwrap();
        for connected in [false, true] {
            let sender = UnixDatagram::unbound().unwrap();
            sender.set_write_timeout(Some(MOMENT)).unwrap();
            let error = if connected {
                sender.connect(&path).unwrap();
                std::iter::repeat_with(|| sender.send(&[1; 100])).find_map(Result::err)
            } else {
                std::iter::repeat_with(|| sender.send_to(&[1; 100], &path)).find_map(Result::err)
            };
            assert_eq!(error.unwrap().kind(), ErrorKind::WouldBlock);
        }
    });
}

/// A time that no clock will ever show is none.
#[test]
fn more_time_than_a_clock_can_show() {
    everywhere(|| {
        let (mut client, mut server) = local_pair();
        server.set_read_timeout(Some(Duration::MAX)).unwrap();
        server.set_write_timeout(Some(Duration::MAX)).unwrap();
        let reader = thread::spawn(move || {
            let len = server.read(&mut [0; 8]).unwrap();
            server.write_all(b"!").unwrap();
            len
        });
        client.write_all(b"hello").unwrap();
        assert_eq!(reader.join().unwrap(), 5);
    });
}

/// Time-outs belong to the socket: clones made before and after share them.
#[test]
fn clones_share_them() {
    everywhere(|| {
        let (client, _server) = local_pair();
        let clone = client.try_clone().unwrap();
        clone.set_read_timeout(Some(MOMENT)).unwrap();
        assert_eq!(client.read_timeout().unwrap(), Some(MOMENT));
        assert_eq!((&client).read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(client.try_clone().unwrap().read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

/// Somebody else's bytes end the wait of one of two; the other runs out of time.
#[test]
fn one_of_two_readers_runs_out_of_time() {
    everywhere(|| {
        let (mut client, server) = local_pair();
        server.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        thread::scope(|s| {
            let readers = [(); 2].map(|()| s.spawn(|| (&server).read(&mut [0]).map_err(|error| error.kind())));
            client.write_all(&[1]).unwrap();
            let mut read = readers.map(|reader| reader.join().unwrap());
            read.sort_by_key(Result::is_err);
            assert_eq!(read, [Ok(1), Err(ErrorKind::WouldBlock)]);
        });
    });
}
