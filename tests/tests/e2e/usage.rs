//! What may be typed, what is said of it, and what isn't accepted.

use crate::command::run;

const SAMPLES: [&str; 21] = [
    "wc",
    "digest",
    "mandelbrot",
    "sieve",
    "ring",
    "pingpong",
    "skynet",
    "philosophers",
    "hog",
    "soak",
    "echo",
    "http",
    "crawl",
    "chat",
    "usleep",
    "ffi-sqlite",
    "ffi-zlib",
    "race-demo",
    "deadlock",
    "overflow",
    "panic",
];

#[test]
fn the_list_has_a_line_for_each_sample() {
    let list = run("list").exits_with(0);
    assert_eq!(list.stderr, "");
    let lines = list.stdout.lines().map(|line| line.split_once(' ').expect("a name and a description"));
    let (names, descriptions): (Vec<_>, Vec<_>) = lines.unzip();
    assert_eq!(names, SAMPLES);
    assert!(descriptions.iter().all(|about| !about.trim().is_empty()), "{list}");
}

/// The example is one that the command takes: it would begin to run if it weren't asked for help once more.
#[test]
fn every_help_has_an_example() {
    let commands = ["", "list", "run", "bench"].map(str::to_owned);
    let samples = SAMPLES.map(|sample| format!("run {sample}"));
    for command in commands.iter().chain(&samples) {
        let help = run(&format!("{command} --help")).exits_with(0);
        let (_, example) = help.stdout.split_once("Example:\n  sward ").unwrap_or_else(|| panic!("no example; {help}"));
        let example = example.lines().next().expect("a line");
        assert!(example.starts_with(command), "{example:?} is no example of {command:?}");
        let command_alone = example.split(['|', ';']).next().expect("a command");
        run(&format!("{command_alone} --help")).exits_with(0);
    }
}

#[test]
fn bad_usage_is_refused() {
    for (line, said) in [
        ("", "Usage: sward <COMMAND>"),
        ("nonsense", "'nonsense'"),
        ("--nonsense", "'--nonsense'"),
        ("list nonsense", "'nonsense'"),
        ("run", "Usage: sward run"),
        ("run nonsense", "'nonsense'"),
        ("run wc", "<PATH>"),
        ("run digest", "<DIR>"),
        ("run digest one two", "'two'"),
        ("run sieve many", "'many' for '[N]': expected a whole number from 1 to 1000000"),
        ("run sieve 0", "'0' for '[N]': expected a whole number from 1 to 1000000"),
        ("run sieve 1 2", "'2'"),
        ("run sieve 5 --nonsense", "'--nonsense'"),
        ("run skynet 0", "expected a whole number from 1 to"),
        ("run ring --nodes 1", "expected a whole number from 2 to"),
        ("run ring --hops -1", "'-1'"),
        ("run pingpong 1.5", "expected a whole number from 0 to"),
        ("run philosophers --seats 1", "expected a whole number from 2 to"),
        ("run mandelbrot --size 0", "expected a whole number from 1 to 16384"),
        ("run mandelbrot --size 99999", "expected a whole number from 1 to 16384"),
        ("run hog --ticks 0", "expected a whole number from 1 to"),
        ("run soak --for 10", "'10' for '--for <TIME>': expected a whole number from 1 and a unit, as 10s, 5m or 2h"),
        ("run soak --for 0s", "'0s' for '--for <TIME>'"),
        ("run soak 10s", "'10s'"),
        ("run usleep --threads 0", "expected a whole number from 1 to 10000"),
        ("run usleep --times -1", "'-1'"),
        ("run ffi-sqlite --threads 0", "'0' for '--threads <N>': expected a whole number from 1 to 10000"),
        ("run ffi-sqlite --rows 0", "'0' for '--rows <N>': expected a whole number from 1 to 100000"),
        ("run ffi-sqlite --db", "'--db <FILE>'"),
        ("run ffi-sqlite --db=", "a value is required for '--db <FILE>'"),
        ("run ffi-zlib one two", "'two'"),
        ("run race-demo --broken", "'--broken'"),
        ("run sieve --heapstats=1", "'--heapstats'"),
        ("run deadlock now", "'now'"),
        (
            "run sieve --procs 0",
            "'0' for '--procs <N>': there must be at least one processor; accepted: a whole number",
        ),
        ("run sieve --procs 1025", "too many processors; accepted: a whole number from 1 to 1024"),
        ("run sieve --procs", "'--procs <N>'"),
        ("run sieve --stack-size 1K", "too small for a stack; accepted: a number of bytes from 16K to 1G"),
        ("run sieve --stack-size abc", "'abc' for '--stack-size <S>': not a size; accepted: a number of bytes from"),
        ("run sieve --schedtrace often", "'often' for '--schedtrace <MS>'"),
        ("bench nonsense", "'nonsense'"),
        ("bench pingpong --n 0", "'0' for '--n <N>'"),
        ("bench pingpong --procs 0", "there must be at least one processor"),
        ("bench chanbuf --n 6", "invalid --n 6 for chanbuf: accepted: a multiple of 4"),
        ("bench skynet --n 20", "invalid --n 20 for skynet: accepted: a power of ten"),
        ("bench all --n 5", "name one of them, not all"),
        ("bench --n 5", "name one of them, not all"),
    ] {
        let refused = run(line).exits_with(2).says(said);
        assert_eq!(refused.stdout, "", "{line}");
    }
}
