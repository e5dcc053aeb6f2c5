package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

func timers(n int) {
	var wg sync.WaitGroup
	wg.Add(n)
	start, startCPU := time.Now(), cpuTime()
	for id := range n {
		go func() {
			for _, nap := range sleeps(id) {
				time.Sleep(nap)
			}
			wg.Done()
		}()
	}
	wg.Wait()
	elapsed, cpu := time.Since(start), cpuTime()-startCPU
	check("whether all sleeps lasted", elapsed >= longestSleeper(n), true)
	ms(sized("timers", n, 100_000), elapsed)
	ms(sized("timers_cpu", n, 100_000), cpu)
}

// sleeps says how long the goroutine id sleeps each time: 1 to 20 ms, by a linear congruential
// generator.
func sleeps(id int) [10]time.Duration {
	var naps [10]time.Duration
	x := uint64(id)
	for i := range naps {
		x = x*6364136223846793005 + 1442695040888963407
		naps[i] = time.Duration(1+(x>>33)%20) * time.Millisecond
	}
	return naps
}

func longestSleeper(n int) time.Duration {
	var longest time.Duration
	for id := range n {
		var sum time.Duration
		for _, nap := range sleeps(id) {
			sum += nap
		}
		longest = max(longest, sum)
	}
	return longest
}

// cpuTime is the user and system time that this process has taken so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func hog(n int) {
	const nap = time.Millisecond
	metrics := []string{"hog_p50", "hog_p99", "hog_max"}
	time.AfterFunc(10*time.Second, func() {
		for _, metric := range metrics {
			fmt.Printf("%s %s STARVED ms\n", metric, label)
		}
		os.Exit(0)
	})
	time.Sleep(nap)
	counts := make([]uint64, runtime.GOMAXPROCS(0))
	for i := range counts {
		go func() {
			for {
				counts[i]++
			}
		}()
	}
	late := make([]time.Duration, n)
	for i := range late {
		start := time.Now()
		time.Sleep(nap)
		late[i] = time.Since(start) - nap
	}
	slices.Sort(late)
	for i, percent := range []int{50, 99, 100} {
		ms(metrics[i], late[(n*percent+99)/100-1]) // nearest rank
	}
}
