//! `echo`.

use std::io::{self, Read, Write};

use may::go;
use may::net::{TcpListener, TcpStream};
use peer_common::ECHO_BUFFER;

/// Serves until the process is ended: what is measured, the client measures.
pub fn echo() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("PORT {}", listener.local_addr().expect("it is bound").port());
    loop {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_nodelay(true).expect("it is connected");
        go!(move || serve(stream));
    }
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; ECHO_BUFFER];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length])?;
    }
}
