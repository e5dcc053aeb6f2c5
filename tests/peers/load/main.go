// The client of the workload `echo`: it measures a server, whichever runtime that is written for.
//
// Each of its goroutines has a connection, writes a message of 64 bytes and reads it back, over and over. After half a
// second to warm up, that is measured for --seconds: the requests, how long each took, and what processor time the server, a process of
// this machine, and this client have used meanwhile. It prints METRIC LABEL VALUE UNIT lines. A wrong answer or a broken
// connection ends it with exit code 1.
package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	messageSize = 64
	warmUp      = 500 * time.Millisecond
	// In these /proc counts processor time, for all programs.
	ticksPerSecond = 100
)

func main() {
	port := flag.Int("port", 0, "where the server listens, on 127.0.0.1")
	pid := flag.Int("pid", 0, "the server's process")
	procs := flag.Int("procs", 2, "GOMAXPROCS")
	connections := flag.Int("connections", 128, "how many connections")
	seconds := flag.Float64("seconds", 5, "how long to measure")
	label := flag.String("peer", "", "the label that the output lines carry")
	flag.Parse()
	runtime.GOMAXPROCS(*procs)

	clients := make([]net.Conn, *connections)
	for i := range clients {
		connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
		check(err)
		clients[i] = connection
	}
	begin := time.Now().Add(warmUp)
	end := begin.Add(time.Duration(*seconds * float64(time.Second)))
	taken := make(chan []time.Duration)
	for i, connection := range clients {
		go func() { taken <- requests(connection, uint64(i), begin, end) }()
	}

	time.Sleep(time.Until(begin))
	server, own := processTime(*pid), ownTime()
	time.Sleep(time.Until(end))
	server, own = processTime(*pid)-server, ownTime()-own

	var all []time.Duration
	for range clients {
		all = append(all, <-taken...)
	}
	if len(all) == 0 {
		check(fmt.Errorf("no request was answered in time"))
	}
	slices.Sort(all)
	micros := func(percent int) float64 {
		// Nearest rank: the smallest value that so many percent do not exceed.
		return float64(all[(len(all)*percent+99)/100-1].Nanoseconds()) / 1e3
	}
	perMillion := func(used time.Duration) float64 { return used.Seconds() * 1e6 / float64(len(all)) }
	line := func(metric string, value float64, unit string) {
		fmt.Printf("%s %s %.2f %s\n", metric, *label, value, unit)
	}
	line("echo_rps", float64(len(all))/(*seconds), "req/s")
	line("echo_p50", micros(50), "µs")
	line("echo_p99", micros(99), "µs")
	line("echo_cpu", perMillion(server), "s")
	line("echo_clientcpu", perMillion(own), "s")
}

// requests keeps a connection busy, and returns how long each request took that was made and answered between begin and end.
func requests(connection net.Conn, number uint64, begin, end time.Time) []time.Duration {
	defer connection.Close()
	taken := make([]time.Duration, 0, 1<<13)
	var message, answer [messageSize]byte
	binary.LittleEndian.PutUint64(message[:], number)
	sent := time.Now()
	for count := uint64(0); sent.Before(end); count++ {
		binary.LittleEndian.PutUint64(message[messageSize-8:], count)
		_, err := connection.Write(message[:])
		check(err)
		_, err = io.ReadFull(connection, answer[:])
		check(err)
		if !bytes.Equal(message[:], answer[:]) {
			check(fmt.Errorf("the answer is not the message"))
		}
		answered := time.Now()
		if !sent.Before(begin) && !answered.After(end) {
			taken = append(taken, answered.Sub(sent))
		}
		sent = answered
	}
	return taken
}

// processTime is the user and system time of a process so far.
func processTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	check(err)
	// The second field is a name in parentheses, which may hold anything; the third comes after it.
	_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')'):]), " ")
	fields := strings.Fields(rest)
	var user, system int64
	_, err = fmt.Sscan(fields[14-3]+" "+fields[15-3], &user, &system)
	check(err)
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// ownTime is the same of this process.
func ownTime() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
