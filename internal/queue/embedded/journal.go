package embedded

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

// journal is the file that makes a batch durable: one write and one fdatasync,
// in blocks that are there already. The pages of the bbolt file follow at the
// next checkpoint, for thousands of webhooks at once: a bbolt commit writes
// some ten pages and syncs twice, however small it is.
//
// The file begins with a head (pair.go), which says of which store it is, and then holds
// what was changed since the last checkpoint, as records one behind the other:
//
//	checksum    4 bytes, CRC-32C of the rest
//	length      4 bytes, of the changes
//	generation  8 bytes, the number of the checkpoint that they follow
//	durable     4 bytes, up to where the records were synced when this one was written
//	changes     see redo.go
//
// A checkpoint writes the next generation's number into the head, and then stores it in
// the bbolt file, in the same transaction as the changes. Records of another generation
// are void, and are written over. The first number of a store is random, so that no journal
// passes for that of another store, and no payload for a record.
//
// Behind the last record that is durable stands one without changes, a mark, which the
// next record is written over. By marks and by durable a record that a crash tore, which
// nobody was answered for, is told from one that was damaged later: see readRecords.
type journal struct {
	file       *os.File // nil: there is no room for one, and every batch is a checkpoint
	size       int      // 0 without a file
	id         storeID
	generation uint64
	headed     uint64 // the generation in the file's head
	durable    int    // up to where the records are synced
	syncedAt   int64  // ms
}

const (
	recordHead = 20
	// journalSize is 1200 webhooks: with twice that a webhook costs 0.6 µs less
	// (BenchmarkEmbeddedMix), but the pause of a checkpoint and the room on disk
	// that is held for it are twice as large.
	journalSize = 2 << 20
	// journalFile is how large the file is: records and the mark behind them.
	journalFile = journalHead + journalSize + recordHead
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal fills in the head of a record.
func (j *journal) seal(record []byte) {
	binary.BigEndian.PutUint32(record[4:], uint32(len(record)-recordHead))
	binary.BigEndian.PutUint64(record[8:], j.generation)
	binary.BigEndian.PutUint32(record[16:], uint32(j.durable))
	binary.BigEndian.PutUint32(record, crc32.Checksum(record[4:], castagnoli))
}

// write writes the last record of log, which begins at from. It is durable when
// the file is synced.
func (j *journal) write(log []byte, from int) error {
	record := log[from:]
	j.seal(record)
	if _, err := j.file.WriteAt(record, journalHead+int64(from)); err != nil {
		return fmt.Errorf("writing journal: %w", err)
	}
	return nil
}

// sync makes durable what was written, up to end, and marks that.
func (j *journal) sync(end int) error {
	if err := disk.SyncData(j.file); err != nil {
		return fmt.Errorf("syncing journal: %w", err)
	}
	j.durable = end
	return j.mark()
}

// mark marks up to where the records are durable.
func (j *journal) mark() error {
	var mark [recordHead]byte
	j.seal(mark[:])
	if _, err := j.file.WriteAt(mark[:], journalHead+int64(j.durable)); err != nil {
		return fmt.Errorf("marking journal: %w", err)
	}
	return nil
}

// announce has the head say, durably, that a generation begins. The bbolt file must say the
// same before the first of its records is written: then a copy of the journal from before is
// told by its head. Without a file there is nothing to say.
func (j *journal) announce(generation uint64) error {
	if j.file == nil || j.headed == generation {
		return nil
	}
	if _, err := j.file.WriteAt(appendJournalHead(nil, j.id, generation), 0); err != nil {
		return fmt.Errorf("writing head of journal: %w", err)
	}
	if err := disk.SyncData(j.file); err != nil {
		return fmt.Errorf("syncing head of journal: %w", err)
	}
	j.headed = generation
	return nil
}

// next begins the records of a generation, which the bbolt file says. The mark tells a copy of
// that from before: the batch for which there was no room in the journal is in the file alone.
func (j *journal) next(generation uint64) error {
	if j.generation, j.durable = generation, 0; j.file == nil {
		return nil
	}
	return j.mark()
}

// open opens the file of a store for writing. What it held must be void.
func (j *journal) open(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	j.file, j.size = file, journalSize
	return nil
}

// makeJournal makes the file of a store, in place of any, with all its blocks, so that a
// write changes no metadata. It is whole before it gets its name.
func makeJournal(path string, id storeID, generation uint64) (err error) {
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
	err = disk.Zeros(file, 0, journalFile)
	if err == nil {
		_, err = file.WriteAt(appendJournalHead(nil, id, generation), 0)
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

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file, j.size = nil, 0
	return err
}
