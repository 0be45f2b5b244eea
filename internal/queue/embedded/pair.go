package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// The two files of a store are a pair: both carry its id, and both say how far they are.
// That is the generation, which counts checkpoints and openings. The journal's head has
// it, and says the next one just before the bbolt file does; the bbolt file has its own,
// and in base that of the journal's head when it was last written. So a file that is
// missing, of another store, or of another time than its fellow is found out.
//
// The bbolt file comes first, whole, and without a journal (base is 0); then the journal,
// whole; then the bbolt file says that there is one. Between these a crash is harmless.

// pair is what the bbolt file says of itself and of its journal.
type pair struct {
	path       string // of the bbolt file
	format     uint64 // in which it was found
	id         journal.ID
	generation uint64
	base       uint64 // 0: there is no journal
}

// appendPair appends what the bbolt file has under pairKey: id, generation, base, and a
// CRC-32C of these.
func appendPair(dst []byte, p *pair) []byte {
	dst = append(dst, p.id[:]...)
	dst = binary.BigEndian.AppendUint64(dst, p.generation)
	dst = binary.BigEndian.AppendUint64(dst, p.base)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst, castagnoli))
}

func (p *pair) read(b []byte) error {
	const sum = len(p.id) + 8 + 8
	if len(b) != sum+4 || crc32.Checksum(b[:sum], castagnoli) != binary.BigEndian.Uint32(b[sum:]) {
		return errors.New("what it says of its journal cannot be read")
	}
	copy(p.id[:], b)
	p.generation, p.base = binary.BigEndian.Uint64(b[len(p.id):]), binary.BigEndian.Uint64(b[len(p.id)+8:])
	return nil
}

// store stores how far the bbolt file is, and the generation of the journal's head.
func (p *pair) store(tx *bolt.Tx) error {
	return tx.Bucket(metaBucket).Put(pairKey, appendPair(nil, p))
}

// present makes the bbolt file where there is no store yet. It never makes one where
// something is left of another, nor where one was open before.
func (e *Store) present() error {
	for path, loss := range map[string]string{e.path: lossAll, e.journalPath(): lossBatches} {
		if disk.IsFolder(path) {
			return &Damage{File: path, What: "it is a folder, and should be a file", Loss: loss}
		}
	}
	info, err := os.Stat(e.path)
	if err == nil && info.Size() == 0 {
		return &Damage{File: e.path, What: "it is empty", Loss: lossAll}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err // nil too
	}
	if _, err := os.Lstat(e.journalPath()); err == nil {
		return missing(e.path, e.journalPath(), lossAll)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if e.id != (journal.ID{}) {
		return &Damage{File: e.path, What: "it is gone, with its journal", Loss: lossAll}
	}
	return makeFile(e.path, e.cfg.LockTimeout, func(*bolt.Tx) error { return nil })
}

func (e *Store) journalPath() string { return filepath.Join(filepath.Dir(e.path), journalName) }

// checkJournal reads the journal that goes with the bbolt file, and what is to be
// replayed of it.
func (e *Store) checkJournal(p *pair) (records []byte, headed uint64, err error) {
	if e.id != (journal.ID{}) && (p.id != e.id || p.generation < e.journal.Head.Generation) {
		return nil, 0, &Damage{File: e.path, Loss: lossSince,
			What: "it was replaced by another, or by an older one, while the edge ran"}
	}
	b, err := os.ReadFile(e.journalPath())
	switch {
	case p.format < pairedFormat && (err == nil || errors.Is(err, fs.ErrNotExist)):
		return journal.OldRecords(b, p.generation), 0, nil
	case p.base == 0:
		return nil, 0, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, missing(e.journalPath(), e.path, lossBatches)
	case err != nil:
		return nil, 0, fmt.Errorf("reading journal: %w", err)
	}
	return readJournal(e.journalPath(), b, p)
}

// readJournal reads what a store's journal holds for it. base is the least generation
// that its head must have: the one that it had when the file was last written.
func readJournal(path string, b []byte, p *pair) (records []byte, headed uint64, err error) {
	damage := func(loss, what string, args ...any) error {
		return &Damage{File: path, What: fmt.Sprintf(what, args...), Loss: loss}
	}
	if len(b) != journal.FileSize {
		return nil, 0, damage(lossBatches, "it has %d bytes and should have %d", len(b), journal.FileSize)
	}
	h, err := journal.ReadHead(b)
	headed = h.Generation
	switch {
	case err == nil && h.ID == p.id && journal.OnlyAnnounced(b, headed, p.generation):
		// What it holds is of before.
	case err != nil:
		return nil, 0, damage(lossBatches, "%s", err)
	case h.ID != p.id:
		return nil, 0, damage(lossBatches, "it belongs to another store (%s) than leadgate.db (%s)", h.ID, p.id)
	case headed < p.base:
		return nil, 0, damage(lossBatches, "it is older than leadgate.db, by %s", stepsText(p.base-headed))
	case headed > p.generation:
		return nil, 0, &Damage{File: p.path, Loss: lossSince,
			What: "it is older than leadgate.journal, by " + stepsText(headed-p.generation)}
	}
	records, later, ok := journal.Records(b[journal.HeadSize:], p.generation)
	if !ok {
		return nil, 0, damage(lossBatches, "byte %d begins a record that is not whole, and byte %d one that is",
			journal.HeadSize+len(records), journal.HeadSize+later)
	}
	return records, headed, nil
}
