//! One regression test for each bug that Go's scheduler had and ours could have, and for those that ours had.
//!
//! Each names Go's issue or commit, and says what the interleaving would be here. The tests make the parties meet, thousands of times; what
//! is lost shows as a hang, which the watchdog reports. That holds for work that is lost while nobody runs. Where somebody does, sysmon finds
//! lost work within a time slice, so there a test shows only that it is found at all; the protocol itself is proved by the loom models in
//! `sward-sched` (`handshake`, `run_queue`, `status`).
//!
//! Without a test:
//! - *suspendG against stop-the-world* (c6ac736288, golang/go#72740): nothing stops the world here. What comes nearest, dumps that
//!   hold threads by SCAN, is tested below.
//! - *Bias of the random stealing order* (510ad4561f): a unit test beside the code, `random_order_visits_each_once`.

use std::cell::Cell;
use std::collections::HashSet;
use std::hint;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::pin::pin;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use sward::channel;
use sward::net::UnixStream;
use sward::thread::{self, lock_os_thread};
use sward_tests::{Finished, hog_until, os_thread, program, run_on, yield_until};

fn scenario(name: &str, procs: &str) -> Finished {
    Finished::of(program(env!("CARGO_BIN_EXE_scenario")).arg(name).env("SWARD_PROCS", procs))
}

/// Parks until `condition`: `park` may return for no reason.
fn park_until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::park();
    }
}

/// Different at each `round`, to shift two parties against each other: up to some microseconds.
fn delay(round: usize) {
    (0..round * 37 % 1000).for_each(|_| hint::spin_loop());
}

/// Go: `runqempty` looked at queue and `runnext` one after the other, and found both empty while a goroutine moved from one to the other
/// (fcd7c02c70).
///
/// Here: an M that is about to sleep finds `run_next` of another P empty; that P's G wakes A, which goes there, then B, which pushes A into
/// the queue; if the M had looked at the queue first, it would have missed both. It looks after it has counted its P as idle, so
/// whoever pushes A out after the look wakes somebody.
#[test]
fn a_queue_that_never_was_empty_is_not_found_empty() {
    run_on(2, || {
        let rounds = 1000;
        let go = AtomicUsize::new(0);
        let ran = AtomicUsize::new(0);
        thread::scope(|s| {
            let pair: Vec<_> = (0..2)
                .map(|_| {
                    s.spawn(|| {
                        for round in 1..=rounds {
                            park_until(|| go.load(Ordering::Acquire) >= round);
                            ran.fetch_add(1, Ordering::AcqRel);
                        }
                    })
                })
                .collect();
            for round in 1..=rounds {
                go.store(round, Ordering::Release);
                for thread in &pair {
                    delay(round);
                    thread.thread().unpark();
                }
                // Both run on the other P, one after the other, while this one is kept busy.
                hog_until(|| ran.load(Ordering::Acquire) == 2 * round);
            }
        });
    });
}

/// Go: a spinning M looked at all queues but the global one before it slept (dd5db4df56, golang/go#55160).
///
/// Here: an OS thread pushes a G to the global queue, finds an M spinning, and wakes nobody; the M has just looked there, and sleeps. It
/// must look once more after it has stopped spinning. Nobody else runs, so what is lost stays so.
#[test]
fn the_global_queue_is_looked_at_last() {
    for procs in [1, 2, 4] {
        run_on(procs, || {
            let rounds = 5000;
            let ball = AtomicUsize::new(0);
            thread::scope(|green| {
                std::thread::scope(|os| {
                    let player = green.spawn(|| {
                        for round in 0..rounds {
                            park_until(|| ball.load(Ordering::Acquire) > 2 * round);
                            ball.fetch_add(1, Ordering::AcqRel);
                        }
                    });
                    let (ball, thread) = (&ball, player.thread().clone());
                    let other = os.spawn(move || {
                        for round in 0..rounds {
                            delay(round);
                            ball.fetch_add(1, Ordering::AcqRel);
                            thread.unpark();
                            hog_until(|| ball.load(Ordering::Acquire) > 2 * round + 1);
                        }
                    });
                    sward::unblock(|| other.join().unwrap());
                });
            });
        });
    }
}

/// Go: `Gosched` put the goroutine into the global queue and woke nobody, though Ps were idle (ad943066f6).
///
/// Here: a G that yields goes to its own P's queue, and the P takes another one out, so there is no more to run than before, and whoever
/// made that other one runnable has woken somebody. If that one is a hog, the G that yielded must be taken by the idle P.
#[test]
fn who_yields_to_a_hog_goes_on_elsewhere() {
    run_on(2, || {
        for round in 0..300 {
            let turns = AtomicUsize::new(0);
            thread::scope(|s| {
                s.spawn(|| hog_until(|| turns.load(Ordering::Acquire) == 3));
                delay(round);
                for _ in 0..3 {
                    thread::yield_now();
                    turns.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
    });
}

/// Go: to save useless spinning an M slept without a look at the queues (ecfce58965), and work was lost when the one that did spin
/// stopped at that moment (8cb350d69a, golang/go#43997, #45867).
///
/// Here: M1 may not spin, since M2 does; M2 finds work and sees no idle P, so wakes nobody; its G submits more, and sees no idle P either;
/// then M1 releases its P and sleeps. Every G here submits and then waits without letting go of its P, so each must be found by another.
#[test]
fn an_m_that_may_not_spin_overlooks_nothing() {
    for procs in [2, 3, 4] {
        run_on(procs, || {
            for round in 0..200 {
                let running = AtomicUsize::new(0);
                let chain = Chain { running: &running, length: procs };
                thread::scope(|s| chain.link(s, round));
            }
        });
    }
}

/// Threads that start one another until as many run as there are Ps. All spin until the last one does.
#[derive(Clone, Copy)]
struct Chain<'env> {
    running: &'env AtomicUsize,
    length: usize,
}

impl<'env> Chain<'env> {
    fn link<'scope>(self, s: &'scope thread::Scope<'scope, 'env>, round: usize) {
        if self.running.fetch_add(1, Ordering::AcqRel) + 1 < self.length {
            delay(round);
            s.spawn(move || self.link(s, round + 1));
        }
        hog_until(|| self.running.load(Ordering::Acquire) == self.length);
    }
}

/// Go: the detector counted Ms while one was being started for an idle P, and declared a deadlock (85afa2eb19, ff059add10, golang/go#59600).
///
/// Here: timers, OS threads and locked threads wake Ms of a program that sleeps as a whole again and again. In a process of its own, where no
/// other OS thread keeps the detector from its verdict.
#[test]
fn a_program_that_only_naps_is_not_dead() {
    for procs in ["1", "2", "4"] {
        scenario("naps", procs).exits_with(0);
        scenario("locked-naps", procs).exits_with(0);
        scenario("calls", procs).exits_with(0);
        scenario("visits", procs).exits_with(0);
    }
}

/// Go: a thread that died by a fatal error met another that was dying already, and waited for it with a lock that it needed
/// (f229787aff).
///
/// Here: two threads overflow their stacks at the same time; one of them reports, the other waits for the end.
#[test]
fn two_fatal_errors_at_once_make_one_report() {
    for procs in ["2", "4"] {
        let finished = scenario("overflows", procs).dies_of(libc::SIGABRT);
        assert_eq!(finished.stderr.matches("fatal: stack overflow").count(), 1, "{finished}");
    }
}

/// Go: printing all tracebacks took a lock that the dying thread held (6b37b15d95).
///
/// Here: SIGQUIT comes while threads are born, wait, wake each other and end; the dump holds each for a moment by SCAN, while others want to
/// run it. It must come to its end.
#[test]
fn a_dump_under_load_ends() {
    for procs in ["1", "2", "4"] {
        scenario("quit-under-load", procs).exits_with(2).says("SIGQUIT: quit").says("spawned at ");
    }
}

/// Go: a thief compared timers with a time that it had read long before (6f13d0bfe4).
///
/// Here: an M sleeps until the first timer of all, an hour away; each nap arms an earlier one while it does. Who misses that sleeps on.
#[test]
fn a_timer_that_is_armed_later_may_fire_earlier() {
    for procs in [1, 2] {
        run_on(procs, || {
            let far = thread::spawn(|| thread::park_timeout(Duration::from_secs(3600)));
            for round in 0..300 {
                let deadline = Instant::now() + Duration::from_micros(50);
                thread::scope(|s| {
                    s.spawn(|| thread::sleep(Duration::from_micros(round % 100)));
                    thread::sleep_until(deadline);
                });
                assert!(Instant::now() >= deadline);
            }
            far.thread().unpark();
            far.join().unwrap();
        });
    }
}

/// Go: of several goroutines that became runnable at once, one was given to an idle P, and the others waited (24070cf747).
///
/// Here: an OS thread wakes as many as there are Ps; a deadline does; so does a P that has been taken away with a full queue, when there are
/// more Ps again. All of them must run at once, as each waits for the others without letting go of its P.
#[test]
fn all_idle_ps_get_some_of_what_comes_at_once() {
    let procs = 4;
    run_on(procs, || {
        let meet = |meeting: &AtomicUsize| {
            meeting.fetch_add(1, Ordering::AcqRel);
            hog_until(|| meeting.load(Ordering::Acquire) == procs);
        };
        for round in 0..50 {
            let (go, meeting) = (AtomicBool::new(false), AtomicUsize::new(0));
            thread::scope(|s| {
                let threads: Vec<_> = (0..procs)
                    .map(|_| {
                        s.spawn(|| {
                            park_until(|| go.load(Ordering::Acquire));
                            meet(&meeting);
                        })
                    })
                    .map(|handle| handle.thread().clone())
                    .collect();
                (0..round % 7).for_each(|_| thread::yield_now());
                sward::unblock(|| {
                    go.store(true, Ordering::Release);
                    threads.iter().for_each(thread::Thread::unpark);
                });
            });

            let meeting = AtomicUsize::new(0);
            let deadline = Instant::now() + Duration::from_micros(200);
            thread::scope(|s| {
                for _ in 0..procs {
                    s.spawn(|| {
                        thread::sleep_until(deadline);
                        meet(&meeting);
                    });
                }
            });

            let meeting = AtomicUsize::new(0);
            sward::set_procs(1);
            thread::scope(|s| {
                (0..procs).for_each(|_| drop(s.spawn(|| meet(&meeting))));
                sward::set_procs(procs);
            });
        }
    });
}

/// Go: a thread that was started by one locked to its OS thread inherited what that one had changed there (d0f8a7517a, 2595fe7fb6;
/// golang/go#20676).
///
/// Here: the kernel copies signal mask, CPU affinity, priority and more from the OS thread that starts another. A locked G waits,
/// so its M gives the P away, and there is no idle M. The one that is started for it must not inherit anything from a locked M.
#[test]
fn the_state_of_a_locked_os_thread_does_not_spread() {
    run_on(2, || {
        let homes = Mutex::new(HashSet::new());
        let done = AtomicBool::new(false);
        thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| {
                    // Never unlocked, so that nobody else runs where the signal is blocked.
                    std::mem::forget(lock_os_thread());
                    block_sigusr2();
                    homes.lock().unwrap().insert(os_thread());
                    while !done.load(Ordering::Acquire) {
                        thread::sleep(Duration::from_micros(100));
                    }
                });
            }
            yield_until(|| homes.lock().unwrap().len() == 8);
            let tainted = (0..200).find_map(|_| {
                thread::sleep(Duration::from_micros(50));
                thread::spawn(|| sigusr2_is_blocked().then(os_thread)).join().unwrap()
            });
            done.store(true, Ordering::Release);
            assert_eq!(tainted, None, "this OS thread has it from one of {homes:?}");
        });
    });
}

fn block_sigusr2() {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the set is initialised by the first call; only this OS thread's mask is changed.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGUSR2);
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut());
    }
}

fn sigusr2_is_blocked() -> bool {
    let mut mask = MaybeUninit::uninit();
    // SAFETY: the call fills the mask and changes nothing.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr());
        libc::sigismember(mask.as_ptr(), libc::SIGUSR2) == 1
    }
}

/// Ours: an M that was woken to spin with a P that was retired at that moment went to sleep and stayed counted as spinning. Nobody
/// was woken any more.
///
/// 1. An OS thread submits, and hands idle P1 to M1, counted as spinning.
/// 2. `set_procs(1)`.
/// 3. M1 wakes, sees that its P is one too many, gives it up, and sleeps.
/// 4. Submitters find somebody spinning, and leave it to that one.
#[test]
fn an_m_whose_p_is_retired_does_not_spin() {
    for _ in 0..300 {
        run_on(2, || {
            let ran = AtomicUsize::new(0);
            thread::scope(|s| {
                sward::unblock(|| {
                    for _ in 0..4 {
                        s.spawn(|| ran.fetch_add(1, Ordering::AcqRel));
                        sward::set_procs(1);
                        s.spawn(|| ran.fetch_add(1, Ordering::AcqRel));
                        sward::set_procs(2);
                    }
                });
            });
            assert_eq!(ran.into_inner(), 8);
        });
    }
}

/// Ours: a G that made one short blocking call after the other was never asked to let others run. It is a hog that sysmon always
/// finds in a call, or in a runtime section.
#[test]
fn short_calls_in_a_row_do_not_starve_others() {
    run_on(1, || {
        let (stop, calls) = (AtomicBool::new(false), AtomicI32::new(0));
        thread::scope(|s| {
            s.spawn(|| {
                while !stop.load(Ordering::Acquire) {
                    calls.fetch_max(sward::unblock(os_thread), Ordering::AcqRel);
                }
            });
            yield_until(|| calls.load(Ordering::Acquire) > 0);
            stop.store(true, Ordering::Release);
        });
    });
}

/// Ours: a G was left waiting for a socket with nobody in the netpoller.
///
/// 1. An M falls asleep while nobody waits for a socket: on its note.
/// 2. A G waits for a socket, on another P.
/// 3. A G there locks itself to its M, makes that P one too many, and waits: the P is retired, and its M sleeps too.
#[test]
fn a_socket_is_polled_when_the_last_p_is_retired() {
    for _ in 0..40 {
        run_on(2, || {
            let (mut writer, mut reader) = UnixStream::pair().unwrap();
            let (waits, retired) = (AtomicBool::new(false), AtomicBool::new(false));
            let (done, is_done) = channel::bounded::<()>(0);
            std::thread::scope(|os| {
                os.spawn(|| {
                    hog_until(|| waits.load(Ordering::Acquire) && retired.load(Ordering::Acquire));
                    // For the race: the Ms shall be asleep. For the test it does not matter.
                    std::thread::sleep(Duration::from_millis(2));
                    writer.write_all(b"x").unwrap();
                });
                thread::scope(|s| {
                    s.spawn(|| {
                        waits.store(true, Ordering::Release);
                        reader.read_exact(&mut [0]).unwrap();
                        drop(done);
                    });
                    s.spawn(|| {
                        hog_until(|| waits.load(Ordering::Acquire));
                        let _locked = thread::lock_os_thread();
                        sward::set_procs(1);
                        retired.store(true, Ordering::Release);
                        assert!(is_done.recv().is_err());
                    });
                });
            });
        });
    }
}

/// Ours: Ps were made, and their timers moved, on the stack of whoever asked for it.
#[test]
fn ps_are_made_and_retired_on_a_small_stack() {
    run_on(1, || {
        let changes = || {
            for n in [64, 1, 64] {
                sward::set_procs(n);
            }
        };
        thread::Builder::new().stack_size(1).spawn(changes).unwrap().join().unwrap();
    });
}

/// Ours: what a task's waker kept in a thread-local went to the next thread on the same G.
#[test]
fn a_waker_leaves_nothing_to_the_next_thread() {
    sward::thread_local! {
        static MARK: Cell<u32> = const { Cell::new(0) };
    }
    struct Marks(AtomicBool);
    impl Wake for Marks {
        fn wake(self: Arc<Self>) {
            MARK.set(1);
            self.0.store(true, Ordering::Release);
        }
    }
    run_on(1, || {
        let (tx, rx) = channel::bounded::<()>(0);
        let mut ended = pin!(thread::spawn(move || rx.recv()).into_future());
        let marks = Arc::new(Marks(AtomicBool::new(false)));
        assert!(ended.as_mut().poll(&mut Context::from_waker(&Waker::from(marks.clone()))).is_pending());
        drop(tx);
        yield_until(|| marks.0.load(Ordering::Acquire));
        for _ in 0..100 {
            assert_eq!(thread::spawn(|| MARK.get()).join().unwrap(), 0);
        }
    });
}
