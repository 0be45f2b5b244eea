package disk

import "syscall"

// Free is how many bytes this user may still write in a folder.
func Free(folder string) (int64, bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(folder, &s) != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // an int32 on 32-bit systems
}

// MayWrite says why this user may not write a file, without opening it.
func MayWrite(file string) error {
	const read, write = 4, 2
	return syscall.Access(file, read|write)
}
