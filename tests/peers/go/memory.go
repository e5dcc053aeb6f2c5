package main

import (
	"bufio"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

func idle(n int) {
	var started atomic.Int64
	all := make(chan uint64)
	senders := make([]chan uint64, n)
	for i := range senders {
		senders[i] = all // so that the array is resident before the first look
	}
	before := residentBytes()
	for i := range senders {
		own := make(chan uint64, unbuf)
		senders[i] = own
		go func() {
			if started.Add(1) == int64(n) {
				close(all)
			}
			<-own
		}()
	}
	<-all
	time.Sleep(200 * time.Millisecond)
	line(fmt.Sprintf("idle_%d", n), float64(residentBytes()-before)/float64(n), "B")
}

// residentBytes is how much of this process is in memory.
func residentBytes() int {
	return statusBytes("VmRSS")
}

// peakResidentBytes is how much of this process has been in memory at most.
func peakResidentBytes() int {
	return statusBytes("VmHWM")
}

// statusBytes is the amount of memory that the kernel has under name for this process.
func statusBytes(name string) int {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		panic(err)
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		var kib int
		if _, err := fmt.Sscanf(lines.Text(), name+": %d kB", &kib); err == nil {
			return kib * 1024
		}
	}
	panic("no " + name + " in /proc/self/status")
}
