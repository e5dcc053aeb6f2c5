//! WebSocket, by `tungstenite`.

use std::io::ErrorKind;
use std::time::Duration;

use sward::net::TcpStream;
use sward_tests::run_on;
use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tungstenite::{Error, Message, WebSocket};

use crate::{all_at_once, serve};

/// Sends back what comes, until the client closes.
fn echo(stream: TcpStream) {
    let mut socket = tungstenite::accept(stream).unwrap();
    loop {
        match socket.read() {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => socket.send(message).unwrap(),
            Ok(_) => {}
            Err(Error::ConnectionClosed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

fn connect(address: std::net::SocketAddr) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    tungstenite::client(format!("ws://{address}/"), stream).unwrap().0
}

#[test]
fn messages_of_all_sizes() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            let (address, server) = serve(8, echo);
            all_at_once(8, |client| {
                let mut socket = connect(address);
                for n in 0..20 {
                    let message = Message::text(format!("{n} of client {client}"));
                    socket.send(message.clone()).unwrap();
                    assert_eq!(socket.read().unwrap(), message);
                }
                let large = Message::binary(vec![client as u8; 1 << 20]);
                socket.send(large.clone()).unwrap();
                assert_eq!(socket.read().unwrap(), large);
                socket.send(Message::Ping(b"there?".as_slice().into())).unwrap();
                assert_eq!(socket.read().unwrap(), Message::Pong(b"there?".as_slice().into()));
                socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "done".into() })).unwrap();
                while socket.read().is_ok() {}
            });
            server.join().unwrap();
        });
    }
}

/// A time-out of the socket is an error of the library's, from which it goes on.
#[test]
fn a_time_out_comes_through() {
    run_on(2, || {
        let (address, server) = serve(1, echo);
        let mut socket = connect(address);
        socket.get_ref().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        match socket.read() {
            Err(Error::Io(error)) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            other => panic!("{other:?}"),
        }
        socket.get_ref().set_read_timeout(None).unwrap();
        socket.send(Message::text("still there")).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text("still there"));
        socket.close(None).unwrap();
        while socket.read().is_ok() {}
        server.join().unwrap();
    });
}
