package main

// #include <stdint.h>
//
// __attribute__((noinline)) static uint64_t leaf_add(uint64_t a, uint64_t b) {
//     return a + b;
// }
import "C"

import "time"

func ccall(n int) {
	var acc C.uint64_t
	start := time.Now()
	for range n {
		acc = C.leaf_add(acc, 1)
	}
	elapsed := time.Since(start)
	check("the sum of the calls", int(acc), n)
	nsPerOp("ccall", elapsed, n)
}
