package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// In these workloads Go frees nothing: its collector takes what nobody points to any more. Memory comes
// zeroed, which the others need not do.

const small = 64 // bytes of the blocks that go at once

func mallocFixed(n int) {
	// The slots are on the heap, so that the blocks are too, and in cache lines of their own.
	type slot struct {
		block []byte
		_     [40]byte
	}
	slots := make([]slot, runtime.GOMAXPROCS(0))
	start := time.Now()
	onThreads(func(id int) {
		for range n {
			block := make([]byte, small)
			block[0] = 1
			slots[id].block = block
		}
	})
	nsPerOp("malloc_fixed", time.Since(start), n)
}

func mallocChurn(n int) {
	const slots, sizes = 10_000, 1017
	start := time.Now()
	onThreads(func(id int) {
		random := xorshift(id + 1)
		blocks := make([][]byte, slots)
		for slot := range blocks {
			blocks[slot] = markedBlock(8+random.draw()%sizes, byte(slot))
		}
		for range n {
			x := random.draw()
			blocks[x%slots] = markedBlock(8+x%sizes, byte(x%slots))
		}
		for slot, block := range blocks {
			check("the mark of a block", block[0], byte(slot))
			check("the mark of a block", block[len(block)-1], byte(slot))
		}
	})
	nsPerOp("malloc_churn", time.Since(start), n)
	mib("malloc_churn_rss", peakResidentBytes())
}

// markedBlock has the mark in its first and its last byte.
func markedBlock(size uint64, mark byte) []byte {
	block := make([]byte, size)
	block[0], block[size-1] = mark, mark
	return block
}

func mallocXthread(n int) {
	var (
		wg   sync.WaitGroup
		ring ring1024
	)
	start := time.Now()
	wg.Go(func() {
		for i := range n {
			block := make([]byte, small)
			block[0] = byte(i)
			ring.push(block)
		}
	})
	wg.Go(func() {
		for i := range n {
			block := ring.pop()
			check("the byte in a block", block[0], byte(i))
			block[0]++
		}
	})
	wg.Wait()
	nsPerOp("malloc_xthread", time.Since(start), n)
}

// ring1024 is a queue of blocks from one goroutine to another, with an index for each that has a cache line
// of its own.
type ring1024 struct {
	head   atomic.Uint64
	_      [56]byte
	tail   atomic.Uint64
	_      [56]byte
	places [1024][]byte
}

func (r *ring1024) push(block []byte) {
	tail := r.tail.Load()
	waitUntil(func() bool { return tail-r.head.Load() < uint64(len(r.places)) })
	r.places[tail%uint64(len(r.places))] = block
	r.tail.Store(tail + 1)
}

func (r *ring1024) pop() []byte {
	head := r.head.Load()
	waitUntil(func() bool { return r.tail.Load() != head })
	place := &r.places[head%uint64(len(r.places))]
	block := *place
	*place = nil
	r.head.Store(head + 1)
	return block
}

// waitUntil looks a hundred times before it lets other goroutines run.
func waitUntil(ready func() bool) {
	for spins := 0; !ready(); spins++ {
		if spins >= 100 {
			runtime.Gosched()
		}
	}
}

// onThreads runs work on as many goroutines as may run at the same time, and waits for them.
func onThreads(work func(id int)) {
	var wg sync.WaitGroup
	for id := range runtime.GOMAXPROCS(0) {
		wg.Go(func() { work(id) })
	}
	wg.Wait()
}

// xorshift is Marsaglia's generator of 64 bits.
type xorshift uint64

func (x *xorshift) draw() uint64 {
	*x ^= *x << 13
	*x ^= *x >> 7
	*x ^= *x << 17
	return uint64(*x)
}
