//go:build !linux

package embedded

// freeSpace is not known on this system.
func freeSpace(string) (int64, bool) { return 0, false }

// mayWrite can't be found out on this system without opening the file, which a
// running edge may have open.
func mayWrite(string) error { return nil }
