package main

// #include <unistd.h>
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func blockc(n int) {
	const workers, sleepers = 2, 64
	var (
		wg     sync.WaitGroup
		chunks atomic.Uint64
		stop   atomic.Bool
	)
	wg.Add(sleepers)
	start := time.Now()
	for range workers {
		go func() {
			for !stop.Load() {
				computeChunk()
				chunks.Add(1)
				if label != "go-noyield" {
					runtime.Gosched()
				}
			}
		}()
	}
	for range sleepers {
		go func() {
			for range n {
				C.usleep(1000)
			}
			wg.Done()
		}()
	}
	wg.Wait()
	elapsed, done := time.Since(start), chunks.Load()
	stop.Store(true)
	ms("blockc", elapsed)
	line("blockc_work", float64(done)/(float64(elapsed.Nanoseconds())/1e6), "chunks/ms")
}

// computeChunk is some 20 µs of work: each step of a xorshift needs the last. Not inlined, so that
// the compiler cannot see that nobody wants the result.
//
//go:noinline
func computeChunk() uint64 {
	x := uint64(1)
	for range 10_000 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}
