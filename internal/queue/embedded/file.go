package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// fileFormat is the number of the file's format. A file with a greater one
// is refused.
const fileFormat = 8

// oldestFormat is the format of the oldest file that can be read: its ids stand
// in another bucket, see ids.go.
const oldestFormat = 2

// pairedFormat is the format from which on the two files say that they belong together.
const pairedFormat = 4

const (
	pageSize = 16 << 10
	mapSize  = 1 << 30
)

var (
	metaBucket   = []byte("meta")
	destsBucket  = []byte("dests")
	seenBucket   = []byte("seen")
	seenFilters  = []byte("seenf")
	idsBucket    = []byte("ids") // of files of format 2
	onceBucket   = []byte("once")
	onceIndex    = []byte("oncex")
	clicksBucket = []byte("clicks")
	clicksIndex  = []byte("clickx")
	aliasBucket  = []byte("alias")
	msgsBucket   = []byte("msgs")
	countsBucket = []byte("counts")
	sharedBucket = []byte("shared")
	spentBucket  = []byte("spent")
	codesBucket  = []byte("codes")
	codesIndex   = []byte("codei")
	notesBucket  = []byte("journal")
	notesIndex   = []byte("journalx")
	factsBucket  = []byte("facts")

	fixedBuckets = [][]byte{
		metaBucket, destsBucket, seenBucket, seenFilters, onceBucket, onceIndex,
		clicksBucket, clicksIndex, aliasBucket, msgsBucket, countsBucket, sharedBucket, spentBucket,
		codesBucket, codesIndex, notesBucket, notesIndex, factsBucket,
	}

	formatKey     = []byte("format")
	bytesKey      = []byte("bytes")
	openedKey     = []byte("opened")
	generationKey = []byte("generation")
	pairKey       = []byte("pair") // generation stands in it since format 4
)

// openFile opens a bbolt file and returns its handle beside it.
func openFile(path string, timeout time.Duration) (*bolt.DB, *os.File, error) {
	var file *os.File
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout: timeout,
		// With bbolt's defaults the freelist is rewritten at each commit: 9 k
		// appends/s instead of 127 k after a drain.
		NoFreelistSync:  true,
		FreelistType:    bolt.FreelistMapType,
		InitialMmapSize: mapSize,
		PageSize:        pageSize,
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	})
	return db, file, err
}

// open opens the file, checks its format, and makes one commit, with what the
// journal holds. That commit also settles a file of which the last fsync failed:
// what it shows after it is durable.
func (e *Store) open() error {
	if err := e.present(); err != nil {
		return err
	}
	db, file, err := e.openWhole()
	if errors.Is(err, bolterrors.ErrTimeout) || errors.Is(err, disk.ErrLocked) {
		return fmt.Errorf("opening %s: another process has it open (waited %s); "+
			"a queue belongs to one edge: stop the other, or name another folder", e.path, e.cfg.LockTimeout)
	}
	if err != nil {
		return notOpened(e.path, err)
	}
	var p *pair
	anew := false
	err = db.Update(func(tx *bolt.Tx) error {
		var records []byte
		if p, err = prepare(tx, e.path); err != nil {
			return err
		}
		var headed uint64
		if records, headed, err = e.checkJournal(p); err != nil {
			return err
		}
		var s seen
		s.resume(tx)
		if err := replay(tx, &s, records); err != nil {
			return err
		}
		if err := s.storeSlices(tx); err != nil {
			return err
		}
		p.generation, p.base, anew = p.generation+1, headed, headed == 0
		return p.store(tx)
	})
	if err != nil {
		_ = db.Close()
		return notOpened(e.path, err)
	}
	e.id = p.id
	e.syncedAt = 0
	e.journal = journal.Writer{Head: journal.Head{Format: fileFormat, ID: p.id, Generation: p.generation}, Headed: p.base}
	if err := e.openJournal(db, anew); err != nil {
		// As on a full disk: slower, but the queue can be drained.
		e.cfg.Logger.Warn("the queue's journal could not be made; it is slower without one", zap.Error(err))
	}
	e.attach(db, file)
	e.followed = e.named(file, e.path) == nil && (e.journal.File == nil || e.named(e.journal.File, e.journalPath()) == nil)
	if !e.followed {
		e.cfg.Logger.Warn("the queue's files have other names than they were opened by: it will not be seen if they are removed")
	}
	return nil
}

// notOpened says which file an error is of, if it does not itself.
func notOpened(path string, err error) error {
	if _, ok := errors.AsType[*Damage](err); ok {
		return err
	}
	return fmt.Errorf("opening %s: %w", path, err)
}

// openJournal opens the journal, which is first made where there is none yet. Only when
// it is there, and says its generation, does the bbolt file say so.
func (e *Store) openJournal(db *bolt.DB, anew bool) error {
	j := &e.journal
	if anew {
		if err := journal.Make(e.journalPath(), j.Head); err != nil {
			return err
		}
		j.Headed = j.Head.Generation
	}
	err := j.Open(e.journalPath())
	if err == nil {
		err = j.Announce(j.Head.Generation)
	}
	if err == nil {
		p := pair{id: j.Head.ID, generation: j.Head.Generation, base: j.Head.Generation}
		err = db.Update(p.store)
	}
	if err != nil {
		return errors.Join(err, j.Close())
	}
	return nil
}

// release closes what is open. What is not durable is lost.
func (e *Store) release() error {
	e.txn.abandon()
	err := e.journal.Close()
	if e.db != nil {
		err = errors.Join(err, e.db.Close())
		e.db = nil
	}
	return err
}

// prepare checks the format, or makes an empty file one of ours. It returns what the
// file says of itself; one of an older format gets its id.
func prepare(tx *bolt.Tx, path string) (*pair, error) {
	p, fresh := &pair{path: path}, false
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		if name, _ := tx.Cursor().First(); name != nil {
			return nil, errors.New("it is a bbolt file, but no queue of Leadgate")
		}
		var err error
		if meta, err = tx.CreateBucket(metaBucket); err != nil {
			return nil, err
		}
		if err := meta.Put(formatKey, sequence(fileFormat)); err != nil {
			return nil, err
		}
		fresh = true
	}
	p.format = number(meta.Get(formatKey))
	if format := p.format; format > fileFormat {
		return nil, fmt.Errorf("it was written by a newer Leadgate (format %d, this one knows %d): "+
			"start that version, or name another folder than %s", format, fileFormat, filepath.Dir(path))
	} else if format == 0 {
		return nil, errors.New("it carries no format number: it is damaged")
	} else if format < oldestFormat {
		return nil, fmt.Errorf("it was written by an older Leadgate (format %d, this one knows %d): "+
			"have that version deliver what waits, then name another folder than %s", format, fileFormat, filepath.Dir(path))
	}
	// An older file has not all of them.
	for _, name := range fixedBuckets {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return nil, err
		}
	}
	if fresh || p.format < pairedFormat {
		p.id, p.generation = journal.NewID(), number(meta.Get(generationKey))
		if p.generation == 0 {
			id := journal.NewID()
			p.generation = binary.BigEndian.Uint64(id[:])>>1 + 1
		}
		if err := errors.Join(meta.Delete(generationKey), p.store(tx)); err != nil {
			return nil, err
		}
	} else if err := p.read(meta.Get(pairKey)); err != nil {
		return nil, &Damage{File: path, What: err.Error(), Loss: lossAll}
	}
	if err := meta.Put(formatKey, sequence(fileFormat)); err != nil {
		return nil, err
	}
	return p, meta.Put(openedKey, sequence(number(meta.Get(openedKey))+1))
}

// number reads eight big-endian bytes; 0 for anything else.
func number(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func (e *Store) attach(db *bolt.DB, file *os.File) {
	e.space.attach(file)
	e.db = db
}

// reopen closes a file of which a commit failed, and opens it again: after a
// failed fsync what is in memory need not be what is on disk. It is called by
// the writer alone, with mu held.
func (e *Store) reopen() error {
	now := e.cfg.Now()
	// At most once a second, but not never after the clock went back.
	if wait := e.retryAt.Sub(now); wait > 0 && wait <= time.Second {
		return errClosed
	}
	e.retryAt = now.Add(time.Second)
	if err := e.release(); err != nil {
		e.cfg.Logger.Warn("the queue's file could not be closed", zap.Error(err))
	}
	err := e.open()
	if err == nil {
		err = e.resume()
	}
	if err != nil {
		if _, ok := errors.AsType[*Damage](err); ok {
			e.lose(&lost{err.Error()})
		} else {
			e.cfg.Logger.Error("the queue's file could not be opened again", zap.Error(err))
		}
		return fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
	}
	e.retryAt = time.Time{}
	e.broken.Store(false)
	e.lose(nil)
	e.cfg.Logger.Info("the queue's file was opened again")
	return nil
}
