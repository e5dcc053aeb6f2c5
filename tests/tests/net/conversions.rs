//! Into sockets of std's and out of them, file descriptors, and what is no socket.

use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl};
use sward::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use sward::thread;

use crate::{everywhere, local_pair};

fn is_nonblocking(fd: impl AsFd) -> bool {
    fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK)
}

/// std's socket blocks, as it did before. `$T` is one of ours, `$Std` what std calls it.
macro_rules! there_and_back {
    ($T:ty, $Std:ty, $new:expr) => {{
        let socket: $Std = $new;
        let number = socket.as_raw_fd();
        assert!(!is_nonblocking(&socket));

        let socket = <$T>::from(socket);
        assert_eq!((socket.as_raw_fd(), socket.as_fd().as_raw_fd()), (number, number));
        assert!(is_nonblocking(&socket));
        let socket = <$Std>::from(socket);
        assert!(!is_nonblocking(&socket));

        let socket = <$T>::from(OwnedFd::from(socket));
        let socket = OwnedFd::from(socket);
        assert!(!is_nonblocking(&socket));

        // SAFETY: the descriptor is given from hand to hand.
        let socket = unsafe { <$T>::from_raw_fd(socket.into_raw_fd()) };
        assert_eq!(socket.as_raw_fd(), number);
        // SAFETY: as above.
        let socket = unsafe { <$Std>::from_raw_fd(socket.into_raw_fd()) };
        assert!(!is_nonblocking(&socket));

        // The caller's mode goes along.
        socket.set_nonblocking(true).unwrap();
        let socket = <$T>::from(socket);
        let socket = <$Std>::from(socket);
        assert!(is_nonblocking(&socket));
        let socket = <$T>::from(socket);
        socket.set_nonblocking(false).unwrap();
        let socket = <$Std>::from(socket);
        assert!(!is_nonblocking(&socket));
    }};
}

#[test]
fn there_and_back() {
    everywhere(|| {
        let dir = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        there_and_back!(TcpStream, std::net::TcpStream, stream);
        there_and_back!(TcpListener, std::net::TcpListener, listener);
        there_and_back!(UdpSocket, std::net::UdpSocket, std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
        use std::os::unix::net;
        there_and_back!(UnixStream, net::UnixStream, net::UnixStream::pair().unwrap().0);
        there_and_back!(UnixListener, net::UnixListener, net::UnixListener::bind(dir.path().join("socket")).unwrap());
        there_and_back!(UnixDatagram, net::UnixDatagram, net::UnixDatagram::unbound().unwrap());
    });
}

/// One that blocks in std parks here: its other end is served on the same P.
#[test]
fn one_of_stds_parks() {
    everywhere(|| {
        let listener = TcpListener::from(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buf = [0; 4];
            stream.read_exact(&mut buf).unwrap();
            stream.write_all(&buf).unwrap();
        });
        let mut stream = TcpStream::from(std::net::TcpStream::connect(address).unwrap());
        stream.write_all(b"echo").unwrap();
        let mut buf = [0; 4];
        stream.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"echo");
        server.join().unwrap();
    });
}

/// One of ours that has been waited for blocks in std.
#[test]
fn one_of_ours_blocks() {
    everywhere(|| {
        let (client, mut server) = local_pair();
        let writer = thread::spawn(move || {
            server.write_all(b"a").unwrap();
            server.read_exact(&mut [0]).unwrap();
            server.write_all(b"b").unwrap();
        });
        assert_eq!((&client).read(&mut [0; 2]).unwrap(), 1);
        let mut client = std::net::TcpStream::from(client);
        sward::unblock(|| {
            client.write_all(b"!").unwrap();
            assert_eq!(client.read(&mut [0; 2]).unwrap(), 1);
        });
        writer.join().unwrap();
    });
}

#[test]
fn time_outs_go_along() {
    everywhere(|| {
        let (short, long) = (Some(Duration::from_millis(20)), Some(Duration::from_secs(1000)));
        let (client, _server) = local_pair();
        client.set_write_timeout(long).unwrap();
        let client = std::net::TcpStream::from(client);
        assert_eq!((client.read_timeout().unwrap(), client.write_timeout().unwrap()), (None, long));
        client.set_read_timeout(short).unwrap();
        let mut client = TcpStream::from(client);
        assert_eq!((client.read_timeout().unwrap(), client.write_timeout().unwrap()), (short, long));
        assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

/// As in std, operations say that it is no socket. It is given back as it was.
#[test]
fn no_socket() {
    everywhere(|| {
        let stream = TcpStream::from(OwnedFd::from(std::fs::File::open("/proc/self/stat").unwrap()));
        let not_a_socket = Some(libc::ENOTSOCK);
        assert_eq!((&stream).read(&mut [0; 8]).unwrap_err().raw_os_error(), not_a_socket);
        assert_eq!((&stream).write(&[0; 8]).unwrap_err().raw_os_error(), not_a_socket);
        assert_eq!(stream.peer_addr().unwrap_err().raw_os_error(), not_a_socket);
        let mut text = String::new();
        std::fs::File::from(OwnedFd::from(stream)).read_to_string(&mut text).unwrap();
        assert!(!text.is_empty());
        let listener = TcpListener::from(OwnedFd::from(std::io::pipe().unwrap().0));
        assert_eq!(listener.accept().unwrap_err().raw_os_error(), not_a_socket);
        assert!(!is_nonblocking(OwnedFd::from(listener)));
    });
}

/// A listener that does not listen, a stream that is not connected.
#[test]
fn not_ready() {
    everywhere(|| {
        let family = rustix::net::AddressFamily::INET;
        let new = || rustix::net::socket(family, rustix::net::SocketType::STREAM, None).unwrap();
        let error = TcpListener::from(new()).accept().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let mut stream = TcpStream::from(new());
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::NotConnected);
        assert_eq!(stream.write(&[0]).unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}
