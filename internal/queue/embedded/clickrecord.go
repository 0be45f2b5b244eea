package embedded

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

const (
	clickVersion = 1
	// maxAliases bounds a contact's record; beyond it the oldest alias goes.
	maxAliases = 64
)

// touchpoint is one stored click; data is empty for none.
type touchpoint struct {
	at   int64
	data []byte
}

// clickRecord is what is stored of a contact.
type clickRecord struct {
	first, last, clid touchpoint
	seen              int64 // the last click's time, but not in the future; expiry counts from here
	aliases           []codec.KeyHash
	changed           bool // since it was read
}

// appendClicks appends a record: version, seen, the three clicks (time, data;
// the last and the one with a click id have a byte in front that says which
// earlier one they equal), aliases.
func appendClicks(dst []byte, c *clickRecord) []byte {
	dst = append(dst, clickVersion)
	dst = binary.AppendVarint(dst, c.seen)
	points := [3]*touchpoint{&c.first, &c.last, &c.clid}
	for i, p := range points {
		same := slices.IndexFunc(points[:i], func(q *touchpoint) bool {
			return q.at == p.at && string(q.data) == string(p.data)
		})
		dst = append(dst, byte(same+1))
		if same < 0 {
			dst = binary.AppendVarint(dst, p.at)
			dst = codec.AppendText(dst, p.data)
		}
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
	r.Version(clickVersion)
	c := &clickRecord{seen: r.Varint()}
	points := [3]*touchpoint{&c.first, &c.last, &c.clid}
	for i, p := range points {
		if same := int(r.Byte()); same > i {
			r.Fail(codec.ErrShort)
		} else if same > 0 {
			*p = *points[same-1]
		} else {
			p.at = r.Varint()
			p.data = r.Bytes()
		}
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

// add counts a click in.
func (c *clickRecord) add(click touchpoint, hasClid bool) {
	o := clickRecord{first: click, last: click}
	if hasClid {
		o.clid = click
	}
	c.join(&o)
}

// join counts another record's clicks in: the oldest, the newest, the newest with a
// click id.
func (c *clickRecord) join(o *clickRecord) {
	c.changed = true
	if len(c.first.data) == 0 || len(o.first.data) > 0 && o.first.at < c.first.at {
		c.first = o.first
	}
	if len(c.last.data) == 0 || len(o.last.data) > 0 && o.last.at >= c.last.at {
		c.last = o.last
	}
	if len(c.clid.data) == 0 || len(o.clid.data) > 0 && o.clid.at >= c.clid.at {
		c.clid = o.clid
	}
}

func (c *clickRecord) expired(now int64, o queue.Options) bool {
	return c.seen+o.RememberClicks.Milliseconds() <= now
}
