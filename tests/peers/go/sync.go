package main

import (
	"sync"
	"time"
)

func mutex(n int) {
	const tasks = 8
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total int
	)
	wg.Add(tasks)
	start := time.Now()
	for range tasks {
		go func() {
			for range n {
				mu.Lock()
				total++
				mu.Unlock()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	elapsed := time.Since(start)
	check("the number of increments", total, tasks*n)
	nsPerOp("mutex", elapsed, tasks*n)
}
