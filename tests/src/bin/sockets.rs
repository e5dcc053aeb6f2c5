//! Small programs that use sockets, for tests of what concerns a whole process: `sockets NAME` runs one of them.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sward::channel;
use sward::net::{SocketAddr, TcpListener, TcpStream, UdpSocket, UnixStream};
use sward::thread::{self, Builder};
use sward_tests::os_threads;

type Outcome = Result<(), Box<dyn Error>>;
type Program = fn() -> Outcome;

/// The programs, by name.
const PROGRAMS: &[(&str, Program)] = &[
    ("crowd", || sward::run(crowd).map_err(Into::into)),
    ("no-file-for-a-client", || on_a_green_thread(no_file_for_a_client)),
    ("no-file-for-a-client-that-is-waited-for", || on_a_green_thread(no_file_for_a_client_that_is_waited_for)),
    ("no-file-for-the-netpoller", || on_a_green_thread(no_file_for_the_netpoller)),
    ("broken-pipe", || on_a_green_thread(broken_pipe)),
    ("dump", || on_a_green_thread(dump)),
    ("wait-for-a-client", || on_a_green_thread(wait_for_a_client)),
    ("deadlock-afterwards", || on_a_green_thread(deadlock_afterwards)),
    ("without-a-runtime", || without_a_runtime().map_err(Into::into)),
];

fn main() -> Outcome {
    sward_tests::chosen(PROGRAMS)()
}

fn on_a_green_thread(f: fn() -> io::Result<()>) -> Outcome {
    Ok(sward::run(f)?)
}

fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves whoever comes, until it is killed: says a byte again, or how many OS threads there are.
fn crowd() -> io::Result<()> {
    let (listener, address) = listen()?;
    println!("{address}");
    for client in listener.incoming() {
        let mut client = client?;
        thread::spawn(move || {
            let mut buf = [0];
            while client.read(&mut buf)? > 0 {
                let answer = if buf[0] == b'?' { os_threads() as u32 } else { buf[0].into() };
                client.write_all(&answer.to_le_bytes())?;
            }
            io::Result::Ok(())
        });
    }
    Ok(())
}

/// Opens files until the process may have no more but `left`.
fn use_up_files(left: usize) -> io::Result<Vec<File>> {
    let limit = getrlimit(Resource::Nofile);
    let used = File::open("/dev/null")?.as_raw_fd() as u64;
    setrlimit(Resource::Nofile, Rlimit { current: Some(used + 20), ..limit })?;
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    files.truncate(files.len() - left);
    Ok(files)
}

#[track_caller]
fn is_for_lack_of_files<T>(result: io::Result<T>) {
    assert_eq!(result.err().and_then(|error| error.raw_os_error()), Some(libc::EMFILE));
}

/// The client is there, and there is no file for it, several times.
fn no_file_for_a_client() -> io::Result<()> {
    let (listener, address) = listen()?;
    let client = TcpStream::connect(address)?;
    let files = use_up_files(0)?;
    for _ in 0..3 {
        is_for_lack_of_files(listener.accept());
    }
    is_for_lack_of_files(TcpStream::connect(address));
    drop(files);
    let (mut server, peer) = listener.accept()?;
    assert_eq!(peer, client.local_addr()?);
    serve_and_accept_another(&listener, &mut server, client)
}

/// The client comes while it is waited for.
fn no_file_for_a_client_that_is_waited_for() -> io::Result<()> {
    let (listener, address) = listen()?;
    // What there is once is there: the netpoller, the pipe of a signal handler.
    drop((TcpStream::connect(address)?, listener.accept()?));
    thread::scope(|s| {
        let waiter = s.spawn(|| listener.accept());
        while !waiter.is_finished() && WAITS.load(Ordering::Relaxed) < 1000 {
            WAITS.fetch_add(1, Ordering::Relaxed);
            thread::yield_now();
        }
        let files = use_up_files(1)?;
        let client = TcpStream::connect(address)?;
        is_for_lack_of_files(waiter.join().expect("no panic"));
        is_for_lack_of_files(listener.accept());
        drop(files);
        let (mut server, peer) = listener.accept()?;
        assert_eq!(peer, client.local_addr()?);
        serve_and_accept_another(&listener, &mut server, client)
    })
}

static WAITS: AtomicUsize = AtomicUsize::new(0);

fn serve_and_accept_another(listener: &TcpListener, server: &mut TcpStream, mut client: TcpStream) -> io::Result<()> {
    let address = listener.local_addr()?;
    thread::scope(|s| {
        let reader = s.spawn(|| {
            let mut buf = [0; 5];
            server.read_exact(&mut buf).map(|()| buf)
        });
        let next = s.spawn(|| listener.accept());
        client.write_all(b"hello")?;
        assert_eq!(&reader.join().expect("no panic")?, b"hello");
        let another = TcpStream::connect(address)?;
        assert_eq!(next.join().expect("no panic")?.1, another.local_addr()?);
        Ok(())
    })
}

/// There are files for the first sockets, and none for waiting for them.
fn no_file_for_the_netpoller() -> io::Result<()> {
    for left in [2, 3] {
        let files = use_up_files(left)?;
        let (mut one, _other) = UnixStream::pair()?;
        is_for_lack_of_files(one.read(&mut [0]));
        drop(files);
    }
    let (mut one, mut other) = UnixStream::pair()?;
    // From here on waiting needs no more files.
    let files = use_up_files(0)?;
    let reader = thread::spawn(move || one.read(&mut [0; 8]));
    thread::yield_now();
    other.write_all(b"hello")?;
    assert_eq!(reader.join().expect("no panic")?, 5);
    drop(files);
    Ok(())
}

/// SIGPIPE does what it does to a C program.
fn broken_pipe() -> io::Result<()> {
    // SAFETY: no handler of anybody's is replaced.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let (listener, address) = listen()?;
    let client = TcpStream::connect(address)?;
    client.shutdown(sward::net::Shutdown::Write)?;
    let (one, other) = UnixStream::pair()?;
    drop(other);
    for error in [(&client).write(b"x"), (&one).write(b"x")] {
        assert_eq!(error.err().map(|error| error.kind()), Some(io::ErrorKind::BrokenPipe));
    }
    drop(listener);
    Ok(())
}

/// Threads that wait for ever, each for something else; then asks for a dump. Runs on one P.
fn dump() -> io::Result<()> {
    static READY: AtomicUsize = AtomicUsize::new(0);
    fn start<T>(name: &str, wait: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<()> {
        let thread = Builder::new().name(name.into()).spawn(move || {
            READY.fetch_add(1, Ordering::Relaxed);
            wait().map(drop)
        });
        thread.map(drop)
    }

    let (listener, address) = listen()?;
    let client = TcpStream::connect(address)?;
    let server = listener.accept()?.0;
    let writer = client.try_clone()?;
    start("reader", move || (&client).read(&mut [0]))?;
    start("writer", move || (&writer).write_all(&vec![0; 64 << 20]))?;
    let (full, address) = listen()?;
    rustix::net::listen(&full, 0)?;
    let mut queue = Vec::new();
    while let Ok(client) = TcpStream::connect_timeout(&address, Duration::from_millis(50)) {
        queue.push(client);
    }
    start("acceptor", move || listener.accept())?;
    start("connector", move || TcpStream::connect(address))?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    start("receiver", move || socket.recv(&mut [0]))?;
    // On one P, who has begun to wait waits; a thread that was interrupted on its way gets there.
    while READY.load(Ordering::Relaxed) < 5 {
        thread::yield_now();
    }
    for _ in 0..100 {
        thread::yield_now();
    }
    // SAFETY: the runtime handles the signal.
    unsafe { libc::raise(libc::SIGQUIT) };
    thread::sleep(Duration::MAX);
    drop((server, full, queue));
    Ok(())
}

/// All wait: one for the network, the others for that one.
fn wait_for_a_client() -> io::Result<()> {
    let (listener, address) = listen()?;
    let (tx, rx) = channel::bounded(0);
    thread::spawn(move || tx.send(listener.accept()));
    println!("{address}");
    let (client, _) = rx.recv().expect("a client")?;
    let mut said = String::new();
    thread::spawn(move || (&client).read_to_string(&mut said).map(|_| said)).join().expect("no panic").map(|said| {
        println!("{said}");
    })
}

/// Nobody waits for the network any more, and nobody wakes the last thread.
fn deadlock_afterwards() -> io::Result<()> {
    let (mut one, mut other) = UnixStream::pair()?;
    let reader = thread::spawn(move || other.read(&mut [0]).map(|_| other));
    thread::yield_now();
    one.write_all(&[1])?;
    let _other = reader.join().expect("no panic")?;
    loop {
        thread::park();
    }
}

/// OS threads, which use sockets as they would use std's. No runtime is started for them.
fn without_a_runtime() -> io::Result<()> {
    let (listener, address) = listen()?;
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        stream.write_all(said.as_bytes())
    });
    let mut client = TcpStream::connect(("localhost", address.port()))?;
    client.set_read_timeout(Some(Duration::from_millis(10)))?;
    assert_eq!(client.read(&mut [0]).err().map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
    client.set_read_timeout(None)?;
    client.write_all(b"hello")?;
    client.shutdown(sward::net::Shutdown::Write)?;
    let mut said = String::new();
    client.read_to_string(&mut said)?;
    assert_eq!(said, "hello");
    server.join().expect("no panic")?;
    // An emulator has threads of its own.
    assert!(os_threads() == 1 || sward_tests::is_emulated());
    Ok(())
}
