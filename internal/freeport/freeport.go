// Package freeport finds ports for the servers of tests and benchmarks. Begin with
// [New].
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// The ports are none that a system gives to connections and to listeners that
// leave it the choice: such a port can be somebody else's before its server
// listens. Each process has a block of its own, which it holds by listening at the
// first port of it, so that those that test at once never meet. A node of a Redis
// Cluster also takes the port 10000 above its own.
const (
	first     = 12000
	blocks    = 50
	blockSize = 200
)

var block struct {
	sync.Mutex
	held net.Listener // at its first port
	base int
	next int
}

// New is a TCP port that nobody listens at. It was not given to this process
// lately, and to no other one.
func New(t testing.TB) int {
	t.Helper()
	port, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Address is 127.0.0.1 with a port that nobody listens at.
func Address(t testing.TB) string {
	t.Helper()
	return address("127.0.0.1", New(t))
}

// Find is New for what is no test.
func Find() (int, error) {
	block.Lock()
	defer block.Unlock()
	if block.held == nil {
		if err := hold(); err != nil {
			return 0, err
		}
	}
	for range blockSize {
		block.next = block.next%(blockSize-1) + 1
		if port := block.base + block.next; free(port) {
			return port, nil
		}
	}
	return 0, errors.New("no port is free")
}

// hold takes a block that no other process has.
func hold() error {
	for _, i := range rand.Perm(blocks) {
		base := first + i*blockSize
		if l, err := net.Listen("tcp", address("127.0.0.1", base)); err == nil {
			block.held, block.base = l, base
			return nil
		}
	}
	return errors.New("other processes have all ports that are for tests")
}

// free reports whether a port can be listened at, on all addresses and on loopback.
func free(port int) bool {
	for _, host := range []string{"", "127.0.0.1"} {
		l, err := net.Listen("tcp", address(host, port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

func address(host string, port int) string { return fmt.Sprintf("%s:%d", host, port) }
