package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

const (
	// clickVersion 1 had three clicks without their kinds, see readOldTouches.
	clickVersion = 2
	// maxAliases bounds a contact's record; beyond it the oldest alias goes.
	maxAliases = 64
)

// clickRecord is what is stored of a contact.
type clickRecord struct {
	touches queue.Touches
	seen    int64 // the last click's time, but not in the future; expiry counts from here
	aliases []codec.KeyHash
	at      place // where it stands, or will
	indexed bool  // it has its place in the expiry index
	changed bool  // since it was read
}

// appendClicks appends a record: version, seen, the clicks (kind, time, data), aliases.
// Lists have their number of elements in front.
func appendClicks(dst []byte, c *clickRecord) []byte {
	dst = append(dst, clickVersion)
	dst = binary.AppendVarint(dst, c.seen)
	dst = binary.AppendUvarint(dst, uint64(len(c.touches)))
	for i := range c.touches {
		t := &c.touches[i]
		dst = binary.AppendVarint(append(dst, byte(t.Kind)), t.At)
		dst = codec.AppendText(dst, t.Data)
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.aliases)))
	for i := range c.aliases {
		dst = append(dst, c.aliases[i][:]...)
	}
	return dst
}

// decodeClicks reads what appendClicks wrote. The clicks are slices of b, which
// stays as it is until the transaction ends.
func decodeClicks(b []byte) (*clickRecord, error) {
	r := codec.Reader{Rest: b}
	old := len(b) > 0 && b[0] == 1
	if old {
		r.Byte()
	} else {
		r.Version(clickVersion)
	}
	c := &clickRecord{seen: r.Varint()}
	if old {
		c.touches = readOldTouches(&r)
	} else {
		c.touches = readTouches(&r)
	}
	n := r.Count()
	if hashes := r.Take(uint64(n) * uint64(len(codec.KeyHash{}))); hashes != nil {
		c.aliases = make([]codec.KeyHash, n, n+1) // one is often added
		for i := range c.aliases {
			copy(c.aliases[i][:], hashes[i*len(codec.KeyHash{}):])
		}
	}
	if r.Err != nil {
		return nil, fmt.Errorf("decoding clicks: %w", r.Err)
	}
	return c, nil
}

func readTouches(r *codec.Reader) queue.Touches {
	n := r.Elements()
	touches := make(queue.Touches, n, n+1) // one is often added
	for i := range touches {
		touches[i] = queue.Click{Kind: queue.ClickKind(r.Byte()), At: r.Varint(), Data: r.Bytes()}
		if touches[i].Kind >= queue.ClickKinds {
			r.Fail(errors.New("a click is of an unknown kind"))
		}
	}
	return touches
}

// readOldTouches reads the clicks of a record of version 1: the first, the last, and the
// last with a click id (time, data), each with a byte in front that says which of those
// before it, counted from 1, it equals.
func readOldTouches(r *codec.Reader) queue.Touches {
	var old [3]queue.Click
	for i := range old {
		if same := int(r.Byte()); same > i {
			r.Fail(codec.ErrShort)
		} else if same > 0 {
			old[i] = old[same-1]
		} else {
			old[i] = queue.Click{At: r.Varint(), Data: r.Bytes()}
		}
	}
	return queue.OldTouches(old[0], old[1], old[2])
}

// add counts a click in.
func (c *clickRecord) add(click queue.Click) {
	c.touches, c.changed = c.touches.Add(click), true
}

// clicks are the record's own, and no longer lent.
func (c *clickRecord) clicks() queue.Clicks {
	own := slices.Clone(c.touches)
	for i := range own {
		own[i].Data = bytes.Clone(own[i].Data)
	}
	return own.Clicks()
}

func (c *clickRecord) expired(now int64, o queue.Options) bool {
	return c.seen+o.RememberClicks.Milliseconds() <= now
}
