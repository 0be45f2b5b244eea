package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
)

// Writer is a store's journal, open for writing. It is not for use at the same time.
type Writer struct {
	File    *os.File // nil: there is no room for one, and every batch is a checkpoint
	Size    int      // how long the log may be; 0 without a file
	Head    Head     // of the store, and of the generation that is written now
	Headed  uint64   // the generation in the file's head
	durable int      // up to where the records are synced
}

const (
	// RecordHead is how much the head of a record takes.
	RecordHead = 20
	// Size is 1200 webhooks: with twice that a webhook costs 0.6 µs less
	// (BenchmarkEmbeddedMix), but the pause of a checkpoint and the room on disk
	// that is held for it are twice as large.
	Size = 2 << 20
	// FileSize is how large the file is: records and the mark behind them.
	FileSize = HeadSize + Size + RecordHead
)

// seal fills in the head of a record.
func (j *Writer) seal(record []byte) {
	binary.BigEndian.PutUint32(record[4:], uint32(len(record)-RecordHead))
	binary.BigEndian.PutUint64(record[8:], j.Head.Generation)
	binary.BigEndian.PutUint32(record[16:], uint32(j.durable))
	binary.BigEndian.PutUint32(record, crc32.Checksum(record[4:], sumTable))
}

// Write writes the last record of log, which begins at from. It is durable when
// the file is synced.
func (j *Writer) Write(log []byte, from int) error {
	record := log[from:]
	j.seal(record)
	if _, err := j.File.WriteAt(record, HeadSize+int64(from)); err != nil {
		return fmt.Errorf("writing journal: %w", err)
	}
	return nil
}

// Sync makes durable what was written, up to end, and marks that.
func (j *Writer) Sync(end int) error {
	if err := disk.SyncData(j.File); err != nil {
		return fmt.Errorf("syncing journal: %w", err)
	}
	j.durable = end
	return j.mark()
}

// mark marks up to where the records are durable.
func (j *Writer) mark() error {
	var mark [RecordHead]byte
	j.seal(mark[:])
	if _, err := j.File.WriteAt(mark[:], HeadSize+int64(j.durable)); err != nil {
		// Not as a write that was refused: what is marked stands all the same.
		return errors.New("marking journal: " + err.Error())
	}
	return nil
}

// Announce has the head say, durably, that a generation begins. The bbolt file must say the
// same before the first of its records is written: then a copy of the journal from before is
// told by its head. Without a file there is nothing to say.
func (j *Writer) Announce(generation uint64) error {
	if j.File == nil || j.Headed == generation {
		return nil
	}
	h := j.Head
	h.Generation = generation
	if _, err := j.File.WriteAt(h.Append(nil), 0); err != nil {
		return fmt.Errorf("writing head of journal: %w", err)
	}
	if err := disk.SyncData(j.File); err != nil {
		return fmt.Errorf("syncing head of journal: %w", err)
	}
	j.Headed = generation
	return nil
}

// Next begins the records of a generation, which the bbolt file says. The mark tells a copy of
// that from before: the batch for which there was no room in the journal is in the file alone.
func (j *Writer) Next(generation uint64) error {
	if j.Head.Generation, j.durable = generation, 0; j.File == nil {
		return nil
	}
	return j.mark()
}

// Open opens the file of a store for writing. What it held must be void.
func (j *Writer) Open(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	j.File, j.Size = file, Size
	return nil
}

// Make makes the file of a store, in place of any, with all its blocks, so that a
// write changes no metadata. It is whole before it gets its name.
func Make(path string, h Head) (err error) {
	made := path + ".new"
	if err := os.Remove(made); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(made, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(made))
		}
	}()
	err = disk.Zeros(file, 0, FileSize)
	if err == nil {
		_, err = file.WriteAt(h.Append(nil), 0)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(made, path); err != nil {
		return err
	}
	return disk.SyncFolder(filepath.Dir(path))
}

// Close closes the file, if there is one.
func (j *Writer) Close() error {
	if j.File == nil {
		return nil
	}
	err := j.File.Close()
	j.File, j.Size = nil, 0
	return err
}
