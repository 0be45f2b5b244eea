package embedded

import "syscall"

// freeSpace is how many bytes this user may still write in a folder.
func freeSpace(folder string) (int64, bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(folder, &s) != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // an int32 on 32-bit systems
}

// mayWrite reports whether this user may write a file, without opening it.
func mayWrite(file string) error {
	const read, write = 4, 2
	return syscall.Access(file, read|write)
}
