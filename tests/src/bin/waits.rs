//! Small programs in which a green thread called "waiter" waits for ever in `sward::sync`: `waits NAME` runs one of them.

use std::sync::mpsc;

use sward::channel;
use sward::sync::mpsc as green_mpsc;
use sward::sync::{Arc, Barrier, Condvar, Mutex, Once, OnceLock, RwLock, Semaphore, WaitGroup};
use sward::thread::{Builder, JoinHandle};

/// The programs, by name.
const SCENARIOS: &[(&str, fn())] = &[
    ("mutex", mutex),
    ("mutex-of-an-os-thread", mutex_of_an_os_thread),
    ("locked-twice", locked_twice),
    ("ring", ring),
    ("rwlock-read", rwlock_read),
    ("rwlock-write-after-a-writer", rwlock_write_after_a_writer),
    ("rwlock-write-after-a-reader", rwlock_write_after_a_reader),
    ("once", once),
    ("once-lock", once_lock),
    ("once-lock-that-nobody-writes", once_lock_that_nobody_writes),
    ("condvar", condvar),
    ("barrier", barrier),
    ("semaphore", semaphore),
    ("wait-group", wait_group),
    ("mpsc", multi_producer),
];

fn main() {
    sward_tests::chosen(SCENARIOS)();
}

/// Starts a green thread.
fn spawn(name: &str, f: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    Builder::new().name(name.into()).spawn(f).expect("a thread")
}

/// Waits for ever, in main, for the waiter, which waits for ever itself.
fn join_waiter(f: impl FnOnce() + Send + 'static) {
    let _ = spawn("waiter", f).join();
}

fn mutex() {
    static MUTEX: Mutex<()> = Mutex::new(());
    sward::run(|| {
        let _guard = MUTEX.lock();
        join_waiter(|| drop(MUTEX.lock()));
    });
}

fn mutex_of_an_os_thread() {
    static MUTEX: Mutex<()> = Mutex::new(());
    let (locked, is_locked) = mpsc::channel();
    // Neither the thread nor its channel is ever heard of again.
    std::thread::spawn(move || {
        let (_keeps_it_open, never) = channel::bounded::<()>(0);
        let _guard = MUTEX.lock();
        locked.send(()).expect("main listens");
        never.recv()
    });
    is_locked.recv().expect("it locks");
    sward::run(|| join_waiter(|| drop(MUTEX.lock())));
}

fn locked_twice() {
    static MUTEX: Mutex<()> = Mutex::new(());
    sward::run(|| {
        let _guard = MUTEX.lock();
        drop(MUTEX.lock());
    });
}

/// Each holds a mutex, and locks that of the next.
fn ring() {
    sward::run(|| {
        let forks: [Arc<Mutex<()>>; 3] = Default::default();
        let all_have_one = Arc::new(Barrier::new(3));
        let philosophers = ["one", "two", "three"].into_iter().enumerate().map(|(own, name)| {
            let (left, right, all_have_one) = (forks[own].clone(), forks[(own + 1) % 3].clone(), all_have_one.clone());
            spawn(name, move || {
                let _left = left.lock();
                all_have_one.wait();
                drop(right.lock());
            })
        });
        philosophers.collect::<Vec<_>>().into_iter().for_each(|philosopher| drop(philosopher.join()));
    });
}

static RW_LOCK: RwLock<()> = RwLock::new(());

fn rwlock_read() {
    sward::run(|| {
        let _guard = RW_LOCK.write();
        join_waiter(|| drop(RW_LOCK.read()));
    });
}

fn rwlock_write_after_a_writer() {
    sward::run(|| {
        let _guard = RW_LOCK.write();
        join_waiter(|| drop(RW_LOCK.write()));
    });
}

fn rwlock_write_after_a_reader() {
    sward::run(|| {
        let _guard = RW_LOCK.read();
        join_waiter(|| drop(RW_LOCK.write()));
    });
}

fn once() {
    static ONCE: Once = Once::new();
    sward::run(|| ONCE.call_once(|| join_waiter(|| ONCE.call_once(|| unreachable!()))));
}

fn once_lock() {
    static CELL: OnceLock<()> = OnceLock::new();
    sward::run(|| {
        CELL.get_or_init(|| {
            join_waiter(|| {
                CELL.wait();
            })
        });
    });
}

fn once_lock_that_nobody_writes() {
    static CELL: OnceLock<()> = OnceLock::new();
    sward::run(|| {
        join_waiter(|| {
            CELL.wait();
        })
    });
}

fn condvar() {
    sward::run(|| join_waiter(|| drop(Condvar::new().wait_while(Mutex::new(()).lock().expect("no panic"), |_| true))));
}

fn barrier() {
    sward::run(|| {
        join_waiter(|| {
            Barrier::new(2).wait();
        })
    });
}

fn semaphore() {
    sward::run(|| join_waiter(|| drop(Semaphore::new(1).acquire_many(2))));
}

fn wait_group() {
    sward::run(|| {
        let group = WaitGroup::new();
        let other = group.clone();
        join_waiter(|| other.wait());
        drop(group);
    });
}

fn multi_producer() {
    sward::run(|| {
        let (keeps_it_open, receiver) = green_mpsc::channel::<()>();
        join_waiter(move || {
            let _ = receiver.recv();
        });
        drop(keeps_it_open);
    });
}
