package main

import (
	"os"
	"syscall"
	"time"
)

// nanosleep sleeps in the kernel, which is late by some 50 µs.
func nanosleep(d time.Duration) {
	t := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&t, nil) // one that is interrupted is called again
}

// datasync makes what was written durable, without times and the like.
func datasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }

// onDisk is what a file takes up on disk, in bytes.
func onDisk(path string) (int64, error) {
	var s syscall.Stat_t
	if err := syscall.Stat(path, &s); err != nil {
		return 0, err
	}
	return s.Blocks * 512, nil
}

// ownCPU is the CPU time that this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
