//! `sward bench`: each workload checks its own result and prints its lines.

use std::io::{Read, Write};

use crate::command::{run, sward};
use crate::server::Server;

/// A workload, a small amount of work for it, and what it prints: a metric and a unit to each line.
struct Workload {
    name: &'static str,
    n: u64,
    prints: &'static [(&'static str, &'static str)],
}

const WORKLOADS: [Workload; 19] = [
    Workload { name: "spawn", n: 2_000, prints: &[("spawn", "ns")] },
    Workload { name: "skynet", n: 1_000, prints: &[("skynet_1000", "ms")] },
    Workload { name: "yield", n: 10, prints: &[("yield", "ns")] },
    Workload { name: "yield1", n: 1_000, prints: &[("yield1", "ns")] },
    Workload { name: "pingpong", n: 1_000, prints: &[("pingpong", "ns")] },
    Workload { name: "chanbuf", n: 1_000, prints: &[("chanbuf", "ns")] },
    Workload { name: "select", n: 1_000, prints: &[("select", "ns")] },
    Workload { name: "ring", n: 1_000, prints: &[("ring", "ns")] },
    Workload { name: "sieve", n: 50, prints: &[("sieve", "ms")] },
    Workload { name: "mutex", n: 500, prints: &[("mutex", "ns")] },
    Workload { name: "timers", n: 20, prints: &[("timers_20", "ms"), ("timers_cpu_20", "ms")] },
    Workload { name: "idle", n: 100, prints: &[("idle_100", "B")] },
    Workload { name: "hog", n: 5, prints: &[("hog_p50", "ms"), ("hog_p99", "ms"), ("hog_max", "ms")] },
    Workload { name: "blockc", n: 2, prints: &[("blockc", "ms"), ("blockc_work", "chunks/ms")] },
    Workload { name: "ccall", n: 1_000, prints: &[("ccall", "ns"), ("ccall_quick", "ns")] },
    Workload { name: "malloc_fixed", n: 1_000, prints: &[("malloc_fixed", "ns")] },
    Workload { name: "malloc_churn", n: 1_000, prints: &[("malloc_churn", "ns"), ("malloc_churn_rss", "MiB")] },
    Workload { name: "malloc_xthread", n: 5_000, prints: &[("malloc_xthread", "ns")] },
    Workload { name: "bintrees", n: 5, prints: &[("bintrees_5", "ms"), ("bintrees_rss_5", "MiB")] },
];

/// Checks a metric's value, which is a number; but a ticker beside hogs may not get to run on a machine that is busy.
fn is_value(metric: &str, value: &str) -> bool {
    (metric.starts_with("hog_") && value == "STARVED") || value.parse::<f64>().is_ok_and(|value| value >= 0.0)
}

#[test]
fn every_workload_is_known_here() {
    let help = run("bench --help").exits_with(0);
    let named = help.stdout.lines().filter_map(|line| line.trim().strip_prefix("- ")?.split_once(':'));
    let named: Vec<&str> = named.map(|(name, _)| name).collect();
    let names = WORKLOADS.iter().map(|workload| workload.name);
    let known: Vec<&str> = ["all"].into_iter().chain(names).chain(["echo"]).collect();
    assert_eq!(named, known, "{help}");
}

#[test]
fn a_workload_prints_a_line_for_each_metric() {
    for Workload { name, n, prints } in WORKLOADS {
        for procs in [1, 2, 8] {
            let finished = run(&format!("bench {name} --n {n} --procs {procs}")).exits_with(0);
            assert_eq!(finished.stderr, "", "{name}");
            let lines: Vec<Vec<&str>> = finished.stdout.lines().map(|line| line.split(' ').collect()).collect();
            assert_eq!(lines.len(), prints.len(), "{finished}");
            for (line, (metric, unit)) in lines.iter().zip(prints) {
                let [found_metric, "sward", value, found_unit] = line[..] else { panic!("not a metric; {finished}") };
                assert_eq!((found_metric, found_unit), (*metric, *unit), "{finished}");
                assert!(is_value(metric, value), "{finished}");
            }
        }
    }
}

#[test]
fn echo_serves_until_it_is_ended() {
    run("bench echo --n 5").exits_with(2).says("echo has no --n");
    for procs in [1, 8] {
        let server = Server::start_announced(sward(&format!("bench echo --procs {procs}")), "PORT ");
        let clients: Vec<_> = (0..128).map(|_| server.connect()).collect();
        for mut client in &clients {
            client.write_all(&[b'x'; 10_000]).expect("it can be sent");
        }
        for mut client in &clients {
            let mut back = [0; 10_000];
            client.read_exact(&mut back).expect("it comes back");
            assert!(back == [b'x'; 10_000]);
        }
        server.end().dies_of(libc::SIGTERM);
    }
}

#[test]
fn a_workload_prints_json_and_a_label_if_asked_to() {
    let finished = run("bench timers --n 20 --procs 2 --json --peer other").exits_with(0);
    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{finished}");
    for (line, metric) in lines.iter().zip(["timers_20", "timers_cpu_20"]) {
        let object: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}; {finished}"));
        assert_eq!(object["metric"], metric);
        assert_eq!(object["label"], "other");
        assert_eq!(object["unit"], "ms");
        assert_eq!((&object["n"], &object["procs"]), (&20.into(), &2.into()));
        assert!(object["value"].is_number(), "{line}");
    }
    let finished = run("bench yield1 --n 10 --peer other").exits_with(0);
    assert!(finished.stdout.starts_with("yield1 other "), "{finished}");
}
