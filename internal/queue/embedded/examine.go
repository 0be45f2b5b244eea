package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// lowSpace is how much an embedded queue needs to begin with.
const lowSpace = 64 << 20

// Examine is what the doctor says of the folder of a store: whether it could be
// written. It does not open the file, which a running edge may have.
func Examine(folder string, maxSize int64) finding.List {
	where := "queue: embedded in " + folder
	at, err := existing(folder)
	if err == nil {
		err = writable(at)
	}
	if err != nil {
		return one(finding.Fail, where+" cannot be written: "+err.Error(),
			"give the folder to the user that runs the edge, or name another with `queue embedded <path>`")
	}
	note := ""
	if at != folder {
		note = "; it will be made"
	}
	file := filepath.Join(folder, fileName)
	switch info, err := os.Stat(file); {
	case err == nil && !info.Mode().IsRegular():
		return one(finding.Fail, where+": "+file+" is no file", "move it away")
	case err == nil:
		if err := disk.MayWrite(file); err != nil {
			return one(finding.Fail, where+": "+file+" belongs to another user: "+err.Error(), "run this command and the edge as the same user")
		}
		if found := half(file, info.Size(), where); found != nil {
			return found
		}
		note = fmt.Sprintf("; its file has %s", megabytes(info.Size()))
	case errors.Is(err, fs.ErrNotExist) && exists(filepath.Join(folder, journalName)):
		return damaged(where, missing(file, journalName, lossAll))
	case !errors.Is(err, fs.ErrNotExist):
		return one(finding.Fail, where+": "+err.Error(), "")
	}
	free, known := disk.Free(at)
	if !known {
		return one(finding.OK, where+" can be written"+note, "")
	}
	note += "; " + megabytes(free) + " are free"
	switch {
	case free < lowSpace:
		return one(finding.Fail, where+": the disk is full"+note, "make room; until then webhooks are answered 503")
	case free < maxSize:
		return one(finding.Warn, where+" can be written"+note+", less than max_size ("+megabytes(maxSize)+")",
			"make room, or set a smaller max_size, so that a backlog doesn't fill the disk for others")
	}
	return one(finding.OK, where+" can be written"+note, "")
}

// half says what is wrong with the pair of files, as far as that shows without opening
// what a running edge may have open.
func half(file string, size int64, where string) finding.List {
	path := filepath.Join(filepath.Dir(file), journalName)
	info, err := os.Stat(path)
	switch {
	case size == 0:
		return damaged(where, &Damage{File: file, What: "it is empty", Loss: lossAll})
	case err == nil && info.Size() < journal.Size:
		return damaged(where, &Damage{File: path, What: fmt.Sprintf("it is cut: it has %d bytes", info.Size()), Loss: lossBatches})
	case errors.Is(err, fs.ErrNotExist):
		return one(finding.Warn, where+": "+path+" is missing",
			"if the edge does not start, put both files back as they were at one moment, or run caddy leadgate repair --dir "+filepath.Dir(file))
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func damaged(where string, damage *Damage) finding.List {
	return one(finding.Fail, where+": "+damage.File+" is damaged: "+damage.What,
		"put both files back as they were at one moment, or run caddy leadgate repair --dir "+filepath.Dir(damage.File))
}

func megabytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

func one(level finding.Level, what, fix string) finding.List {
	return finding.List{{Level: level, What: what, Fix: fix}}
}

// existing is the folder itself, or the nearest above it that there is.
func existing(folder string) (string, error) {
	for {
		info, err := os.Stat(folder)
		switch {
		case err == nil && !info.IsDir():
			return "", fmt.Errorf("%s is no folder", folder)
		case err == nil:
			return folder, nil
		case !errors.Is(err, fs.ErrNotExist) || filepath.Dir(folder) == folder:
			return "", err
		}
		folder = filepath.Dir(folder)
	}
}

// writable makes a file in a folder, and removes it.
func writable(folder string) error {
	f, err := os.CreateTemp(folder, ".leadgate-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
