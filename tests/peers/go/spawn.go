package main

import (
	"runtime"
	"sync"
	"time"
)

func spawn(n int) {
	const batch = 1000
	var wg sync.WaitGroup
	start := time.Now()
	for range n / batch {
		wg.Add(batch)
		for range batch {
			go func() { wg.Done() }()
		}
		wg.Wait()
	}
	nsPerOp("spawn", time.Since(start), n)
}

func skynet(n int) {
	start := time.Now()
	total := make(chan uint64, 1)
	go node(total, 0, uint64(n))
	sum := <-total
	elapsed := time.Since(start)
	check("the sum of the leaves", sum, uint64(n)*uint64(n-1)/2)
	ms(sized("skynet", n, 1_000_000), elapsed)
}

// node sends parent the sum of num ... num+size-1.
func node(parent chan<- uint64, num, size uint64) {
	if size == 1 {
		parent <- num
		return
	}
	sums := make(chan uint64, 10)
	for i := range uint64(10) {
		go node(sums, num+i*size/10, size/10)
	}
	var sum uint64
	for range 10 {
		sum += <-sums
	}
	parent <- sum
}

func yieldMany(n int) {
	const yields = 1000
	var wg sync.WaitGroup
	wg.Add(n)
	start := time.Now()
	for range n {
		go func() {
			for range yields {
				runtime.Gosched()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	nsPerOp("yield", time.Since(start), n*yields)
}

func yieldAlone(n int) {
	start := time.Now()
	for range n {
		runtime.Gosched()
	}
	nsPerOp("yield1", time.Since(start), n)
}
