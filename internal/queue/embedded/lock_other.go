//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package embedded

import (
	"os"
	"time"
)

// lock does nothing where only bbolt knows how to lock a file, which it does when it
// opens it.
func lock(*os.File, time.Duration) error { return nil }
