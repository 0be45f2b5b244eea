package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// journal is the file that makes a batch durable: one write and one fdatasync,
// in blocks that are there already. The pages of the bbolt file follow at the
// next checkpoint, for thousands of webhooks at once: a bbolt commit writes
// some ten pages and syncs twice, however small it is.
//
// The file holds what was changed since the last checkpoint, as records one
// behind the other:
//
//	checksum    4 bytes, CRC-32C of the rest
//	length      4 bytes, of the changes
//	generation  8 bytes, the number of the checkpoint that they follow
//	changes     see redo.go
//
// A checkpoint stores the next generation's number in the bbolt file, in the
// same transaction as the changes. Records of another generation are void, and
// are written over. The first number of a store is random, so that no journal
// passes for that of another store, and no payload for a record.
type journal struct {
	file       *os.File // nil: there is no room for one, and every batch is a checkpoint
	size       int      // 0 without a file
	generation uint64
	syncedAt   int64 // ms
}

const (
	recordHead = 16
	// journalSize is 1200 webhooks: with twice that a webhook costs 0.6 µs less
	// (BenchmarkEmbeddedMix), but the pause of a checkpoint and the room on disk
	// that is held for it are twice as large.
	journalSize = 2 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal fills in the head of a record.
func (j *journal) seal(record []byte) {
	binary.BigEndian.PutUint32(record[4:], uint32(len(record)-recordHead))
	binary.BigEndian.PutUint64(record[8:], j.generation)
	binary.BigEndian.PutUint32(record, crc32.Checksum(record[4:], castagnoli))
}

// write writes the last record of log, which begins at from. It is durable when
// the file is synced.
func (j *journal) write(log []byte, from int) error {
	record := log[from:]
	j.seal(record)
	if _, err := j.file.WriteAt(record, int64(from)); err != nil {
		return fmt.Errorf("writing journal: %w", err)
	}
	return nil
}

// sync makes durable what was written.
func (j *journal) sync() error {
	if err := syncData(j.file); err != nil {
		return fmt.Errorf("syncing journal: %w", err)
	}
	return nil
}

// intact returns the records of a generation at the head of a journal. What
// follows was never acknowledged, or is void.
func intact(b []byte, generation uint64) []byte {
	n := 0
	for {
		rest := b[n:]
		if len(rest) <= recordHead {
			return b[:n]
		}
		length := uint64(binary.BigEndian.Uint32(rest[4:]))
		if length == 0 || length > uint64(len(rest)-recordHead) || binary.BigEndian.Uint64(rest[8:]) != generation {
			return b[:n]
		}
		end := recordHead + int(length)
		if crc32.Checksum(rest[4:end], castagnoli) != binary.BigEndian.Uint32(rest) {
			return b[:n]
		}
		n += end
	}
}

// open opens the file for writing and gives it its blocks, so that a write
// changes no metadata. What it held must be void.
func (j *journal) open(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := reserve(file, journalSize); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return errors.Join(err, file.Close())
	}
	j.file, j.size = file, journalSize
	return nil
}

// reserve fills a file with zeros up to size, unless it has that already.
func reserve(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() == size {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	if err := zeros(f, 0, size); err != nil {
		return err
	}
	return f.Sync()
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file, j.size = nil, 0
	return err
}
