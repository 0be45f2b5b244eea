//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package disk

import (
	"os"
	"time"
)

// Lock does nothing where only bbolt knows how to lock a file, which it does when it
// opens it.
func Lock(*os.File, time.Duration) error { return nil }
