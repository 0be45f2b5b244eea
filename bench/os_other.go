//go:build !linux

package main

import (
	"os"
	"time"
)

// nanosleep is as exact as Go's timers.
func nanosleep(d time.Duration) { time.Sleep(d) }

func datasync(f *os.File) error { return f.Sync() }

// onDisk is a file's length: what it takes up is not known here.
func onDisk(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// ownCPU is not known here.
func ownCPU() time.Duration { return 0 }
