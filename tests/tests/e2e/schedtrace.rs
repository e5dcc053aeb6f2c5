//! The lines about the scheduler that `SWARD_DEBUG=schedtrace=MS` and `--schedtrace MS` ask for.

use crate::command::{Running, run, sward};

/// The figures of a line, in order, before the lists of each P's.
const FIGURES: [&str; 9] =
    ["procs", "idleprocs", "spinningthreads", "threads", "idlethreads", "greenthreads", "stacks", "timers", "runqueue"];

/// A line: after how many milliseconds it was printed, its figures, and for each P the length of its queue and its slices.
///
/// ```text
/// SCHED 10ms: procs=2 idleprocs=0 … runqueue=0 [ 0 1 ] slices=[ 9120 8801 ]
/// ```
struct Line {
    millis: u64,
    figures: [u64; FIGURES.len()],
    queues: Vec<u64>,
    slices: Vec<u64>,
}

impl Line {
    fn read(line: &str) -> Option<Line> {
        let (millis, rest) = line.strip_prefix("SCHED ")?.split_once("ms: ")?;
        let (figures, rest) = rest.split_once(" [ ")?;
        let (queues, slices) = rest.split_once(" ] slices=[ ")?;
        let numbers = |list: &str| list.split(' ').map(|number| number.parse().ok()).collect::<Option<Vec<u64>>>();
        let figures = FIGURES.iter().zip(figures.split(' ')).map(|(name, figure)| {
            let (found, number) = figure.split_once('=')?;
            if found == *name { number.parse().ok() } else { None }
        });
        Some(Line {
            millis: millis.parse().ok()?,
            figures: figures.collect::<Option<Vec<u64>>>()?.try_into().ok()?,
            queues: numbers(queues)?,
            slices: numbers(slices.strip_suffix(" ]")?)?,
        })
    }

    fn figure(&self, name: &str) -> u64 {
        self.figures[FIGURES.iter().position(|&known| known == name).expect("a figure of this name")]
    }
}

/// Reads a line as soon as it comes.
#[track_caller]
fn next_line(running: &mut Running) -> Line {
    let line = running.wait_for_line(|line| line.starts_with("SCHED "));
    Line::read(&line).unwrap_or_else(|| panic!("not as it should be: {line}"))
}

/// Checks some lines of a sample with two hogs and a sleeper on two Ps.
#[track_caller]
fn check(mut running: Running) {
    let first = next_line(&mut running);
    let mut before = first.millis;
    for _ in 0..5 {
        let line = next_line(&mut running);
        assert!(line.millis >= before, "{} ms after {before} ms", line.millis);
        before = line.millis;
        assert_eq!(line.figure("procs"), 2);
        assert!(line.figure("idleprocs") <= 2);
        assert!(line.figure("idlethreads") <= line.figure("threads"));
        assert_eq!((line.queues.len(), line.slices.len()), (2, 2));
    }
    // In the end all have begun, and so have stacks.
    let begun = |line: &Line| (line.figure("greenthreads"), line.figure("stacks")) == (3, 3);
    let line = std::iter::repeat_with(|| next_line(&mut running)).find(begun).expect("lines do not end");
    assert!(line.slices.iter().any(|&slices| slices > 0), "three threads have run in no slice");
}

#[test]
fn the_environment_asks_for_lines() {
    check(Running::start(sward("run hog --ticks 10000000").env("SWARD_DEBUG", "schedtrace=10")));
}

#[test]
fn an_option_asks_for_lines() {
    check(Running::start(&mut sward("run hog --ticks 10000000 --schedtrace 10")));
}

#[test]
fn details_have_a_line_for_each_p_and_m() {
    let mut command = sward("run hog --ticks 10000000");
    let mut running = Running::start(command.env("SWARD_DEBUG", "schedtrace=10,scheddetail=1"));
    let mut fields = |start: &str| {
        let line = running.wait_for_line(|line| line.starts_with(start));
        line.split_whitespace().filter_map(|word| Some(word.split_once('=')?.0.to_owned())).collect::<Vec<_>>()
    };
    for p in ["  P0: ", "  P1: "] {
        assert_eq!(fields(p), ["m", "runqueue", "timers", "slices", "syscalls", "spawned", "ended"]);
    }
    assert_eq!(fields("  M1: "), ["tid", "spinning", "thread", "locked"]);
}

#[test]
fn nobody_asks_for_lines() {
    run("run hog --ticks 50").exits_with(0).does_not_say("SCHED");
    run("run hog --ticks 50 --schedtrace 0").exits_with(0).does_not_say("SCHED");
}
