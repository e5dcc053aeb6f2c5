"""What `compare` runs on which peers, and the goal of each row."""

from dataclasses import dataclass, field

# What each label stands for. A label without a program of its own is a variant of the one named
# before its dash.
PROGRAMS = ["sward", "go", "tokio", "tokio-je", "may", "threads"]
PROGRAMS += ["sward-heap", "glibc", "mimalloc", "jemalloc", "none"]
LABELS = {
    "sward": "this project",
    "go": "what a Go user writes",
    "go-cap1": "Go with channels of capacity 1 for unbuffered ones, as tokio and may have to",
    "go-noyield": "Go without the yields of the computing goroutines",
    "tokio": "multi-thread runtime, glibc malloc",
    "tokio-je": "the same with jemalloc",
    "tokio-std": "tokio with std's mutex",
    "tokio-bip": "tokio with `block_in_place` around what blocks, or might",
    "tokio-sb": "tokio with `spawn_blocking` for what blocks, or might",
    "tokio-oneshot": "tokio with oneshot channels, not rated",
    "may": "stackful coroutines",
    "may-unb": "may with an unbounded channel, not rated",
    "threads": "OS threads with std's channels and locks, on as many CPUs as the row says",
    "sward-heap": "this project's allocator, without its runtime",
    "glibc": "what a Rust program has by default",
    "mimalloc": "the crate, with its default options",
    "jemalloc": "the crate tikv-jemallocator, with its default options",
    "none": "no allocator: what the loops themselves cost, not rated",
}
# These do less than the workload asks for.
NOT_RATED = {"may-unb", "tokio-oneshot", "none"}


@dataclass
class Goal:
    """What this project is to reach in a row: ratios to peers, or a limit of its own."""

    text: str = ""
    of_best: float | None = None  # at most so much of the best peer
    of: dict[str, float] = field(default_factory=dict)  # at most so much of these peers
    limit: float | None = None  # at most so much
    more_is_better: bool = False  # then the ratios are lower bounds

    def met(self, ours, others):
        """Whether `ours` reaches the goal beside the `others`; None when that cannot be said."""
        bounds = [others[peer] * ratio for peer, ratio in self.of.items() if peer in others]
        if self.of_best and others:
            best = max if self.more_is_better else min
            bounds.append(best(others.values()) * self.of_best)
        if self.limit:
            bounds.append(self.limit)
        if not bounds:
            return None
        return all(ours >= b if self.more_is_better else ours <= b for b in bounds)


def ratio(bound, **of):
    others = "".join(f"; ≤{r} of {peer}" for peer, r in of.items())
    return Goal(f"≤{bound}{others}", of_best=bound, of=of)


def ratio_to(bound, *peers):
    """To each of the `peers`, so to the better of them."""
    return Goal(f"≤{bound} of {', '.join(peers)}", of=dict.fromkeys(peers, bound))


def at_least(bound):
    return Goal(f"≥{bound}", of_best=bound, more_is_better=True)


@dataclass
class Workload:
    """A program to run on each of `peers`, and the goals of the metrics that it prints."""

    name: str
    peers: list[str]
    goals: dict[str, Goal]
    n: int | None = None  # None: each peer's default
    procs: int | None = None  # the only number of Ps at which it is something else; None: it is at each
    serves: bool = False  # it is a server, which `load` measures and prints the metrics of


@dataclass
class Table:
    """Workloads whose figures are printed together, with a column for each of `columns`; `ours` is what is rated."""

    title: str
    ours: str
    columns: list[str]
    workloads: list[Workload]


USUAL = ["sward", "go", "tokio", "tokio-je", "may"]
ALL = [*USUAL, "threads"]
BLOCKING = ["sward", "go", "tokio", "tokio-bip", "tokio-sb", "may", "threads"]
GREEN_THREADS = [
    Workload("spawn", ALL, {"spawn": ratio(0.8)}),
    Workload("yield", ALL, {"yield": ratio(1.0, go=0.7, may=0.7)}),
    Workload("yield1", ALL, {"yield1": ratio(0.8)}),
    Workload("pingpong", [*ALL, "go-cap1"], {"pingpong": ratio(0.7)}),
    Workload("chanbuf", [*ALL, "may-unb"], {"chanbuf": ratio(0.8)}),
    Workload("select", [*USUAL, "go-cap1"], {"select": ratio(0.7)}),
    Workload("skynet", USUAL, {"skynet": ratio(0.8)}),
    Workload("skynet", ALL, {"skynet_10000": Goal()}, n=10_000),
    Workload("sieve", [*USUAL, "go-cap1"], {"sieve": ratio(0.8)}),
    Workload("ring", [*ALL, "go-cap1"], {"ring": ratio(0.8)}),
    Workload("mutex", [*ALL, "tokio-std"], {"mutex": ratio(1.0)}),
    Workload("timers", USUAL, {"timers": ratio(0.8), "timers_cpu": ratio(0.8)}),
    Workload("timers", USUAL, {"timers_30000": Goal(), "timers_cpu_30000": Goal()}, n=30_000),
    Workload("idle", ALL, {"idle_10000": Goal()}, n=10_000),
    Workload("idle", [*USUAL, "tokio-oneshot"], {"idle_1000000": Goal("<4,900", limit=4_900)}, n=1_000_000),
    Workload("hog", BLOCKING, {"hog_p50": Goal(), "hog_p99": Goal("≤5", limit=5), "hog_max": Goal()}),
    Workload(
        "blockc",
        [*BLOCKING, "go-noyield"],
        {
            "blockc": Goal("≤116", limit=116),
            "blockc_work": Goal("≥1.0 of tokio-bip", of={"tokio-bip": 1.0}, more_is_better=True),
        },
    ),
    # Both are measured in one run of ours. tokio and may call directly: what they call holds a worker up.
    Workload("ccall", ["sward", "go", "tokio", "tokio-bip", "tokio-sb", "may"], {"ccall": Goal("≤12", limit=12)}),
    Workload("ccall", ["sward"], {"ccall_quick": Goal("≤4", limit=4)}),
    Workload(
        "echo",
        ["sward", "go", "tokio", "may"],
        {
            "echo_rps": at_least(1.1),
            "echo_p50": Goal(),
            "echo_p99": ratio(1.0),
            "echo_cpu": ratio(0.9),
            "echo_clientcpu": Goal(),
        },
        serves=True,
    ),
]

# Here the allocator is all in which the programs differ, so this project's is in one of them too, and not in `sward`.
HEAPS = ["sward-heap", "glibc", "mimalloc", "jemalloc"]
LOOPS = [*HEAPS, "go", "none"]


def real_program(name):
    return Workload(name, HEAPS, {name: ratio_to(1.03, "mimalloc", "jemalloc"), f"{name}_rss": Goal()})


ALLOCATOR = [
    Workload("malloc_fixed", LOOPS, {"malloc_fixed": ratio_to(1.1, "jemalloc")}),
    Workload(
        "malloc_churn",
        LOOPS,
        {"malloc_churn": ratio_to(1.1, "jemalloc"), "malloc_churn_rss": ratio_to(1.15, "jemalloc")},
    ),
    # These have two threads, whatever they are told.
    Workload("malloc_xthread", [*HEAPS, "go"], {"malloc_xthread": ratio_to(1.1, "jemalloc")}, procs=2),
    Workload(
        "malloc_returned", HEAPS, {"malloc_returned": Goal("≤1,000", limit=1_000), "malloc_left": Goal()}, procs=2
    ),
    Workload("bintrees", [*HEAPS, "go"], {"bintrees": Goal(), "bintrees_rss": Goal()}),
    *map(real_program, ["digest", "json", "scan"]),
]

TABLES = [
    Table("Green threads", "sward", ["go", "tokio", "tokio-je", "may", "threads"], GREEN_THREADS),
    Table("Allocator", "sward-heap", ["glibc", "mimalloc", "jemalloc", "go", "none"], ALLOCATOR),
]
