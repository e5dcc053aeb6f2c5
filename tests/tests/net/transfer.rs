//! Much data, many threads.

use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::net::{Shutdown, TcpListener, TcpStream, UnixStream};
use sward::thread;
use sward_tests::{Finished, run_on};

use crate::{everywhere, local_pair, sockets};

/// Serves clients, a thread each, by sending back what they send.
fn start_echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            thread::spawn(move || io::copy(&mut &client, &mut &client).unwrap());
        }
    });
    address
}

#[test]
fn many_clients_of_an_echo_server() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            let address = start_echo();
            let clients: Vec<_> = (0..60usize)
                .map(|client| {
                    thread::spawn(move || {
                        let mut stream = TcpStream::connect(address).unwrap();
                        for request in 0..40 {
                            let sent = vec![(client + request) as u8; 1 + client * request * 7 % 3000];
                            stream.write_all(&sent).unwrap();
                            let mut echoed = vec![0; sent.len()];
                            stream.read_exact(&mut echoed).unwrap();
                            assert_eq!(echoed, sent);
                        }
                    })
                })
                .collect();
            clients.into_iter().for_each(|client| client.join().unwrap());
        });
    }
}

/// Bytes in which nothing repeats soon, so that what is lost, doubled or out of order shows.
fn pattern(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(len)
    .collect()
}

/// Sends `bytes` both ways at once.
fn exchange<S>(one: S, other: S, bytes: &[u8])
where
    S: Sync,
    for<'a> &'a S: Read + Write,
{
    let is_all = |mut end: &S| {
        let mut read = vec![0; bytes.len()];
        end.read_exact(&mut read).unwrap();
        assert!(read == bytes);
    };
    thread::scope(|s| {
        for end in [&one, &other] {
            s.spawn(move || {
                let mut end = end;
                end.write_all(bytes).unwrap();
            });
            s.spawn(move || is_all(end));
        }
    });
}

#[test]
fn much_both_ways_at_once() {
    let bytes = pattern(6 << 20);
    everywhere(|| {
        let (client, server) = local_pair();
        exchange(client, server, &bytes);
    });
}

#[test]
fn much_both_ways_at_once_within_the_machine() {
    let bytes = pattern(2 << 20);
    everywhere(|| {
        let (one, other) = UnixStream::pair().unwrap();
        exchange(one, other, &bytes);
    });
}

/// Nobody reads: the writer waits, and others run. Then somebody reads.
#[test]
fn a_writer_waits_for_room() {
    for procs in [1, 4] {
        run_on(procs, || {
            let (client, mut server) = local_pair();
            let written = AtomicUsize::new(0);
            // More than all buffers on the way hold.
            let much = 64 << 20;
            thread::scope(|s| {
                let writer = s.spawn(|| {
                    let block = pattern(1 << 20);
                    while written.load(Ordering::Relaxed) < much {
                        (&client).write_all(&block).unwrap();
                        written.fetch_add(block.len(), Ordering::Relaxed);
                    }
                    client.shutdown(Shutdown::Write).unwrap();
                });
                for _ in 0..1000 {
                    thread::yield_now();
                }
                assert!(!writer.is_finished());
                assert_eq!(io::copy(&mut server, &mut io::sink()).unwrap(), much as u64);
            });
        });
    }
}

/// Each byte is read once, by one of them.
#[test]
fn many_readers_of_one_socket() {
    everywhere(|| {
        let (mut client, server) = local_pair();
        let bytes = pattern(20_000);
        thread::scope(|s| {
            let readers = [(); 4].map(|()| {
                s.spawn(|| {
                    let mut read = Vec::new();
                    let mut buf = [0; 64];
                    loop {
                        match (&server).read(&mut buf).unwrap() {
                            0 => return read,
                            len => read.extend_from_slice(&buf[..len]),
                        }
                    }
                })
            });
            for chunk in bytes.chunks(100) {
                client.write_all(chunk).unwrap();
                thread::yield_now();
            }
            client.shutdown(Shutdown::Write).unwrap();
            let mut read = readers.map(|reader| reader.join().unwrap()).concat();
            let mut sent = bytes.clone();
            read.sort_unstable();
            sent.sort_unstable();
            assert!(read == sent);
        });
    });
}

#[test]
fn many_writers_of_one_socket() {
    everywhere(|| {
        let (client, mut server) = local_pair();
        thread::scope(|s| {
            for writer in 0..4u8 {
                let client = &client;
                s.spawn(move || (0..200).for_each(|_| (&*client).write_all(&[writer; 500]).unwrap()));
            }
            let mut read = vec![0; 4 * 200 * 500];
            server.read_exact(&mut read).unwrap();
            for writer in 0..4 {
                assert_eq!(read.iter().filter(|byte| **byte == writer).count(), 200 * 500);
            }
        });
    });
}

/// One thread reads, another writes, the same socket: neither holds the other up.
#[test]
fn reading_and_writing_are_independent() {
    everywhere(|| {
        let (client, mut server) = local_pair();
        thread::scope(|s| {
            let reader = s.spawn(|| (&client).read(&mut [0; 8]).unwrap());
            for n in 0..100 {
                (&client).write_all(&[n; 10]).unwrap();
                server.read_exact(&mut [0; 10]).unwrap();
            }
            assert!(!reader.is_finished());
            server.write_all(b"now").unwrap();
            assert_eq!(reader.join().unwrap(), 3);
        });
    });
}

/// A green thread serves OS threads, and the other way round.
#[test]
fn green_threads_and_os_threads_talk() {
    for procs in [1, 2] {
        let address = run_on(procs, start_echo);
        let clients: Vec<_> = (0..4)
            .map(|n| {
                std::thread::spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    for _ in 0..100 {
                        stream.write_all(&[n; 50]).unwrap();
                        let mut buf = [0; 50];
                        stream.read_exact(&mut buf).unwrap();
                        assert_eq!(buf, [n; 50]);
                    }
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
    }
}

/// Only OS threads, in a program that never starts the runtime.
#[test]
fn without_a_runtime() {
    Finished::of(&mut sockets("without-a-runtime")).exits_with(0);
}
