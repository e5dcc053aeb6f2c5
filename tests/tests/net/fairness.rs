//! Neither do those who compute starve those who wait for the network, nor the other way round.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sward::net::TcpStream;
use sward::thread;
use sward_tests::{hog_until, run_on};

use crate::local_pair;

fn echo(mut stream: &TcpStream) {
    let mut buf = [0; 16];
    while let Ok(len @ 1..) = stream.read(&mut buf) {
        stream.write_all(&buf[..len]).unwrap();
    }
}

fn ask(mut stream: &TcpStream) {
    stream.write_all(b"ping").unwrap();
    stream.read_exact(&mut [0; 4]).unwrap();
}

/// All Ps are taken by threads that never call into the runtime.
#[test]
fn hogs_do_not_keep_messages_back() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            let (client, server) = local_pair();
            let done = AtomicBool::new(false);
            thread::scope(|s| {
                for _ in 0..procs {
                    s.spawn(|| hog_until(|| done.load(Ordering::Relaxed)));
                }
                s.spawn(|| echo(&server));
                for _ in 0..20 {
                    ask(&client);
                }
                done.store(true, Ordering::Relaxed);
                drop(client);
            });
        });
    }
}

/// Threads that always have something to do, and call into the runtime for it.
#[test]
fn busy_threads_do_not_keep_messages_back() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            let (client, server) = local_pair();
            let done = AtomicBool::new(false);
            thread::scope(|s| {
                for _ in 0..2 * procs {
                    s.spawn(|| {
                        while !done.load(Ordering::Relaxed) {
                            thread::yield_now();
                        }
                    });
                }
                s.spawn(|| echo(&server));
                for _ in 0..100 {
                    ask(&client);
                }
                done.store(true, Ordering::Relaxed);
                drop(client);
            });
        });
    }
}

/// Pairs that keep the Ps busy with messages; somebody else gets on with counting.
#[test]
fn messages_do_not_keep_others_back() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            let done = AtomicBool::new(false);
            let turns = AtomicUsize::new(0);
            thread::scope(|s| {
                for _ in 0..2 * procs {
                    s.spawn(|| {
                        let (client, server) = local_pair();
                        s.spawn(move || echo(&server));
                        while !done.load(Ordering::Relaxed) {
                            ask(&client);
                        }
                    });
                }
                s.spawn(|| {
                    while turns.fetch_add(1, Ordering::Relaxed) < 500 {
                        thread::yield_now();
                    }
                    done.store(true, Ordering::Relaxed);
                });
            });
        });
    }
}

/// A connection on which data is always there already: reading it takes turns with others on the one P.
#[test]
fn a_reader_that_never_waits_takes_turns() {
    run_on(1, || {
        let (client, server) = local_pair();
        let done = AtomicBool::new(false);
        thread::scope(|s| {
            s.spawn(|| {
                let block = [1; 4096];
                while !done.load(Ordering::Relaxed) {
                    (&client).write_all(&block).unwrap();
                }
                drop(client);
            });
            s.spawn(|| while (&server).read(&mut [0; 16]).unwrap() > 0 {});
            for _ in 0..20 {
                thread::yield_now();
            }
            done.store(true, Ordering::Relaxed);
        });
    });
}
