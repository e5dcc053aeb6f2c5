package main

import "time"

func pingpong(n int) {
	toOther := make(chan uint64, unbuf)
	toMain := make(chan uint64, unbuf)
	start := time.Now()
	go func() {
		for value := range toOther {
			toMain <- value
		}
	}()
	for i := range uint64(n) {
		toOther <- i
		check("the number sent back", <-toMain, i)
	}
	nsPerOp("pingpong", time.Since(start), n)
}

func chanbuf(n int) {
	const senders = 4
	each := uint64(n / senders)
	messages := make(chan uint64, 128)
	start := time.Now()
	for range senders {
		go func() {
			for i := range each {
				messages <- i
			}
		}()
	}
	var sum uint64
	for range n {
		sum += <-messages
	}
	elapsed := time.Since(start)
	check("the sum of the messages", sum, senders*(each*(each-1)/2))
	nsPerOp("chanbuf", elapsed, n)
}

// selectOne receives from four channels, whichever is ready.
func selectOne(n int) {
	const senders = 4
	each := uint64(n / senders)
	start := time.Now()
	var channels [senders]chan uint64
	for id := range channels {
		channels[id] = make(chan uint64, unbuf)
		go func() {
			for i := range each {
				channels[id] <- i
			}
		}()
	}
	a, b, c, d := channels[0], channels[1], channels[2], channels[3]
	var sum uint64
	for range n {
		select {
		case number := <-a:
			sum += number
		case number := <-b:
			sum += number
		case number := <-c:
			sum += number
		case number := <-d:
			sum += number
		}
	}
	elapsed := time.Since(start)
	check("the sum of the messages", sum, senders*(each*(each-1)/2))
	nsPerOp("select", elapsed, n)
}

func ring(n int) {
	const tasks = 503
	tellMain := make(chan int, 1)
	start := time.Now()
	var links [tasks]chan uint64
	for id := range links {
		links[id] = make(chan uint64, unbuf)
	}
	for id := range links {
		go passOn(id, links[id], links[(id+1)%tasks], tellMain)
	}
	links[0] <- uint64(n)
	holder := <-tellMain
	elapsed := time.Since(start)
	check("the goroutine that saw zero", holder, n%tasks)
	nsPerOp("ring", elapsed, n)
}

func passOn(id int, previous <-chan uint64, next chan<- uint64, tellMain chan<- int) {
	for value := range previous {
		if value == 0 {
			tellMain <- id
		} else {
			next <- value - 1
		}
	}
}

func sieve(n int) {
	start := time.Now()
	candidates := make(chan uint64, unbuf)
	go generate(candidates)
	for range n - 1 {
		prime := <-candidates
		passed := make(chan uint64, unbuf)
		go filter(prime, candidates, passed)
		candidates = passed
	}
	last := <-candidates
	elapsed := time.Since(start)
	check("the last prime", last, nthPrime(n))
	ms("sieve", elapsed)
}

func generate(numbers chan<- uint64) {
	for number := uint64(2); ; number++ {
		numbers <- number
	}
}

func filter(prime uint64, incoming <-chan uint64, passed chan<- uint64) {
	for number := range incoming {
		if number%prime != 0 {
			passed <- number
		}
	}
}

// nthPrime computes by trial division.
func nthPrime(n int) uint64 {
	for number := uint64(2); ; number++ {
		if isPrime(number) {
			n--
		}
		if n == 0 {
			return number
		}
	}
}

func isPrime(number uint64) bool {
	for divisor := uint64(2); divisor*divisor <= number; divisor++ {
		if number%divisor == 0 {
			return false
		}
	}
	return true
}
