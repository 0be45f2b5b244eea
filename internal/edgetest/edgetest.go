// Package edgetest runs the Caddy of this repository as a process of its own, for
// tests that kill it, attack it or look at all of it, and asks it what they all
// ask: a webhook posted as Meta does, the admin API. Begin with [New]. Ports come
// from package freeport, Redis servers from redistest, a fake of Meta's Conversions
// API from capitest.
package edgetest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/built"
)

// GiveUp ends a test that has failed; nothing is measured by it.
const GiveUp = 2 * time.Minute

// Main is for TestMain: it runs the tests and removes what Binary built.
func Main(m *testing.M) (code int) {
	code = m.Run()
	if binaryDir != "" {
		if err := os.RemoveAll(binaryDir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return code
}

var binaryDir string

// Binary builds the Caddy of this repository, once in a run, or is the one that
// LEADGATE_FAULTS_EDGE names: a release, say.
var Binary = sync.OnceValues(func() (path string, err error) {
	if path := os.Getenv("LEADGATE_FAULTS_EDGE"); path != "" {
		return filepath.Abs(path)
	}
	if binaryDir, err = os.MkdirTemp("", "leadgate-test-"); err != nil {
		return "", fmt.Errorf("making folder: %w", err)
	}
	return built.Caddy(binaryDir)
})

// Until waits for something to become true.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(GiveUp)
	defer end.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}
