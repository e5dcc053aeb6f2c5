//! A TCP server, whose client does the measuring: `tests/peers/load`.

use std::convert::Infallible;
use std::io::{self, Read, Write};

use sward::net::{TcpListener, TcpStream};

/// How much is read at a time. The buffer is on the connection's stack, which has another page in memory for it.
const BUFFER: usize = 4096;

/// Prints `PORT n`, and sends back what comes there, a task to each connection, until the process is ended.
///
/// # Errors
/// The port could not be opened, a connection not be accepted, or standard output not be written.
pub fn serve() -> io::Result<Infallible> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "PORT {}", listener.local_addr()?.port())?;
    loop {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        // A client that breaks its connection has measured enough.
        sward::spawn(move || drop(echo(stream)));
    }
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length])?;
    }
}
