//go:build !linux

package identity

import (
	"fmt"
	"os"
	"runtime"
)

// hold refuses: only on Linux it is known which boot of which system this is.
func hold(*os.File) (string, error) {
	return "", fmt.Errorf("%w: that is not known of %s", ErrUnproven, runtime.GOOS)
}
