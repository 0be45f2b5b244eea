package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// change is one of a journal's record, see redo.go.
type change struct {
	op         byte
	name       []byte
	key, value []byte
	number     uint64 // a sequence, or a slice of ids
	from       int64  // of an id, which is in key
}

// eachChange calls f with the changes of a record, up to the first that is none.
func eachChange(changes []byte, f func(*change) error) error {
	r := codec.Reader{Rest: changes}
	for len(r.Rest) > 0 {
		c := change{op: r.Byte(), name: r.Bytes()}
		switch c.op {
		case redoPut:
			c.key, c.value = r.Bytes(), r.Bytes()
		case redoDelete:
			c.key = r.Bytes()
		case redoSequence, redoForget:
			c.number = r.Uvarint()
		case redoRemember:
			c.number, c.from, c.key = r.Uvarint(), int64(r.Uvarint()), r.Take(uint64(len(queue.ID{})))
		case redoMake, redoRemove:
		default:
			return errors.New("an operation is unknown")
		}
		if r.Err != nil {
			return r.Err
		}
		if err := f(&c); err != nil {
			return err
		}
	}
	return nil
}

// replayJournal makes the changes of all records that can be read and that the base lacks.
func (r *repair) replayJournal(b []byte) error {
	var s seen
	s.resume(r.tx)
	if r.found.format > 0 && r.found.format < pairedFormat {
		return r.replayRecords(&s, journal.OldRecords(b, r.found.generation), r.found.generation)
	}
	generation, use := r.whichJournal(b)
	if !use {
		return nil
	}
	return r.replayRecords(&s, b[journal.HeadSize:], generation)
}

// lostSince is what the loss of a journal means.
const lostSince = "what came since leadgate.db was last written is lost, up to 2 MiB of webhooks, " +
	"and what was delivered since may be delivered again"

// whichJournal reports whether the journal has what the base lacks, and of which generation.
func (r *repair) whichJournal(b []byte) (generation uint64, use bool) {
	if len(b) <= journal.HeadSize {
		switch {
		case r.found.id == (journal.ID{}):
			r.uncounted("neither leadgate.db nor the journal says how much there was: what is not saved is lost")
		case r.found.base != 0:
			r.uncounted("the journal cannot be read: " + lostSince)
		}
		return 0, false
	}
	h, err := journal.ReadHead(b)
	generation = h.Generation
	ours := r.found.id != (journal.ID{})
	switch {
	case err != nil && ours:
		generation = r.found.generation
		r.uncounted("the journal's head cannot be read")
	case err != nil: // the first record may still say it
		generation = binary.BigEndian.Uint64(b[journal.HeadSize+8:])
		r.uncounted("the journal's head cannot be read")
	case ours && h.ID != r.found.id:
		r.uncounted("the journal is another store's, and nothing of it was taken: " + lostSince)
		return 0, false
	case ours && generation < r.found.generation:
		if generation < r.found.base {
			r.uncounted("the journal is older than leadgate.db: " + lostSince)
			return 0, false
		}
		// Its records are in the base already, or they are newer than its head.
		generation = r.found.generation
	case ours && journal.OnlyAnnounced(b, generation, r.found.generation):
		generation = r.found.generation
	case ours && generation > r.found.generation:
		r.uncounted("leadgate.db is older than the journal: what came between the two is lost, " +
			"and what was delivered in between may be delivered again")
	}
	return generation, true
}

// replayRecords makes the changes of the whole records of a generation. Of one that is not
// whole it takes the records that have a checksum of their own.
func (r *repair) replayRecords(s *seen, b []byte, generation uint64) error {
	at, marked := 0, false
	for !marked {
		rec, ok := journal.At(b, at, generation)
		switch {
		case ok && rec.Length == 0:
			marked = true
		case ok:
			changes := b[at+journal.RecordHead:][:rec.Length]
			if err := eachChange(changes, func(c *change) error { return r.apply(s, c) }); err != nil {
				return err
			}
			at += journal.RecordHead + rec.Length
		default:
			later, found := journal.Find(b, at, generation, func(journal.Record) bool { return true })
			if !found {
				r.torn(b, at)
				return s.storeSlices(r.tx)
			}
			if err := r.salvageRecord(b[at:later]); err != nil {
				return err
			}
			r.damaged(fmt.Sprintf("%s: bytes %d to %d are no whole record", r.journal, journal.HeadSize+at, journal.HeadSize+later))
			at = later
		}
	}
	return s.storeSlices(r.tx)
}

// torn notes that a journal is cut, so that nothing says what came behind its last record.
func (r *repair) torn(b []byte, at int) {
	if old := r.found.format > 0 && r.found.format < pairedFormat; !old && len(b)+journal.HeadSize < journal.FileSize {
		r.uncounted(fmt.Sprintf("the journal is cut: what came behind its byte %d, up to 2 MiB of webhooks, is not known, "+
			"and what was delivered then may be delivered again", journal.HeadSize+at))
	}
}

// apply makes a change of a whole record. What it needs and is lost is made.
func (r *repair) apply(s *seen, c *change) error {
	if derived(c.name) {
		return nil
	}
	if err := r.room(len(c.key) + len(c.value)); err != nil {
		return err
	}
	switch c.op {
	case redoPut, redoDelete:
		r.regain(c.name, c.key)
	case redoRemove:
		r.regain(c.name, nil)
		if err := r.tx.DeleteBucket(c.name); !errors.Is(err, bolterrors.ErrBucketNotFound) {
			return err
		}
		return nil
	case redoRemember:
		s.add(uint32(c.number), queue.ID(c.key), c.from, c.from)
		return nil
	case redoForget:
		return s.forget(r.tx, uint32(c.number))
	}
	b, err := r.tx.CreateBucketIfNotExists(c.name)
	switch {
	case err != nil:
		return err
	case c.op == redoPut:
		return b.Put(c.key, c.value)
	case c.op == redoDelete:
		return b.Delete(c.key)
	case c.op == redoSequence:
		return b.SetSequence(max(b.Sequence(), c.number))
	}
	return nil
}

// salvageRecord takes what can be trusted of a record that is not whole.
func (r *repair) salvageRecord(b []byte) error {
	if len(b) <= journal.RecordHead {
		return nil
	}
	r.unnamed = true
	err := eachChange(b[journal.RecordHead:], func(c *change) error {
		switch c.op {
		case redoDelete:
			r.regain(c.name, c.key)
		case redoRemember:
			r.report.Forgotten++ // it has no checksum of its own
		}
		if c.op != redoPut || !stamped(c.name) {
			return nil
		}
		if record, err := checked(c.name, c.key, c.value); err == nil && len(record) < len(c.value) {
			return r.apply(nil, c)
		}
		r.lose(c.name, c.key)
		return nil
	})
	if err != nil {
		r.uncounted("a record of the journal can be read in part only: its events are counted by what the destinations say of them")
	}
	return nil
}

// putRecord stores a record with its stamp.
func putRecord(b *bolt.Bucket, bucket, key, record []byte) error {
	value := binary.BigEndian.AppendUint32([]byte{stampByte}, stampOf(bucket, key, record))
	return b.Put(key, append(value, record...))
}
