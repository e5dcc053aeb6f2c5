package main

import (
	"fmt"
	"net"
	"os"
)

// echo serves until the process is ended: what is measured, the client measures.
func echo(int) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	fmt.Println("PORT", listener.Addr().(*net.TCPAddr).Port)
	for {
		// Go sets TCP_NODELAY by itself.
		connection, err := listener.Accept()
		if err != nil {
			fail(err)
		}
		go func() {
			defer connection.Close()
			buffer := make([]byte, 4096)
			for {
				length, err := connection.Read(buffer)
				if err != nil {
					return
				}
				if _, err := connection.Write(buffer[:length]); err != nil {
					return
				}
			}
		}()
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
