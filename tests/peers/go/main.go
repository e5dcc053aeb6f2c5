// The workloads of `sward bench` in Go: what a Go user would write.
//
// The peer go-cap1 has channels of capacity 1 where go has unbuffered ones, which makes it the fair
// partner of the peers without such channels. In blockc the peer go-noyield leaves out the yields of
// the computing goroutines, as Go code would.
//
// It takes WORKLOAD [--procs P] [--n N] [--peer LABEL] and prints METRIC LABEL VALUE UNIT lines. A
// wrong result ends the process with exit code 1.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"
)

// A workload measures one thing, doing n times as much or what its name says.
type workload struct {
	run      func(n int)
	defaultN int
}

var workloads = map[string]workload{
	"spawn":    {spawn, 1_000_000},
	"skynet":   {skynet, 1_000_000},
	"yield":    {yieldMany, 1_000},
	"yield1":   {yieldAlone, 1_000_000},
	"pingpong": {pingpong, 1_000_000},
	"chanbuf":  {chanbuf, 4_000_000},
	"select":   {selectOne, 1_000_000},
	"ring":     {ring, 2_000_000},
	"sieve":    {sieve, 1_500},
	"mutex":    {mutex, 500_000},
	"timers":   {timers, 100_000},
	"idle":     {idle, 1_000_000},
	"hog":      {hog, 100},
	"blockc":   {blockc, 100},
	"ccall":    {ccall, 10_000_000},
	"echo":     {echo, 0},

	"malloc_fixed":   {mallocFixed, 20_000_000},
	"malloc_churn":   {mallocChurn, 5_000_000},
	"malloc_xthread": {mallocXthread, 5_000_000},
	"bintrees":       {bintrees, 18},
}

var (
	label string // which variant of the peer this is
	unbuf int    // the capacity of channels that are unbuffered where the runtime has such
)

func main() {
	if len(os.Args) < 2 {
		usage("name a workload")
	}
	flags := flag.NewFlagSet("go", flag.ExitOnError)
	procs := flags.Int("procs", 2, "GOMAXPROCS")
	n := flags.Int("n", 0, "how much work")
	flags.StringVar(&label, "peer", "go", "which variant: go, go-cap1, go-noyield")
	flags.Parse(os.Args[2:])

	name := os.Args[1]
	w, known := workloads[name]
	if !known {
		usage("no workload " + name)
	}
	switch {
	case label == "go":
	case label == "go-cap1":
		unbuf = 1
	case label == "go-noyield" && name == "blockc":
	default:
		usage("no variant " + label + " of " + name)
	}
	if *n == 0 {
		*n = w.defaultN
	}
	runtime.GOMAXPROCS(*procs)
	w.run(*n)
}

func usage(problem string) {
	fmt.Fprintln(os.Stderr, problem)
	os.Exit(2)
}

// line prints one measurement.
func line(metric string, value float64, unit string) {
	fmt.Printf("%s %s %.2f %s\n", metric, label, value, unit)
}

// nsPerOp prints how many nanoseconds each of ops operations took.
func nsPerOp(metric string, elapsed time.Duration, ops int) {
	line(metric, float64(elapsed.Nanoseconds())/float64(ops), "ns")
}

// ms prints a time in milliseconds.
func ms(metric string, elapsed time.Duration) {
	line(metric, float64(elapsed.Nanoseconds())/1e6, "ms")
}

// mib prints an amount of memory in MiB.
func mib(metric string, bytes int) {
	line(metric, float64(bytes)/(1<<20), "MiB")
}

// sized names a metric whose value depends on the amount of work in kind, not only in length.
func sized(metric string, n, usual int) string {
	if n == usual {
		return metric
	}
	return fmt.Sprintf("%s_%d", metric, n)
}

// check ends the process unless the workload computed what it should have.
func check[T comparable](what string, got, expected T) {
	if got != expected {
		fmt.Fprintf(os.Stderr, "wrong result: %s is %v, expected %v\n", what, got, expected)
		os.Exit(1)
	}
}
