package embedded

import (
	"encoding/binary"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

const (
	// keepMessages is how long a message id leads to its contact.
	keepMessages = 8 * queue.DayMS
	// messageSlice is how many messages stand beside each other on disk: about
	// twenty pages, which all change until the slice is full, and none later.
	messageSlice = 4096
	// messageGroup is how many slices are asked about at once.
	messageGroup = 64
)

// messages knows in which slice of the bucket a message may be. Messages are a
// quarter of all webhooks and are looked up by their hash: as keys of one tree
// each would change another page, for 20 µs once there are many. So keys begin
// with the number of a slice, in the order of arrival, and what is small stays
// in memory: filters, two bytes a message.
type messages struct {
	groups []messagesGroup // the last one grows
	last   uint32          // the number of the last slice that was begun
}

// messagesGroup is some slices, and a filter of all their messages.
type messagesGroup struct {
	any    layer
	slices []messagesSlice
}

type messagesSlice struct {
	number uint32
	known  layer // a filter of its messages
}

func messageKey(dst []byte, slice uint32, m codec.KeyHash) []byte {
	return append(binary.BigEndian.AppendUint32(dst, slice), m[:]...)
}

// add chooses the slice of a new message.
func (s *messages) add(m codec.KeyHash) uint32 {
	n := len(s.groups)
	if n == 0 {
		s.begin(s.last + 1)
	} else if g := &s.groups[n-1]; g.slices[len(g.slices)-1].known.room <= 0 {
		s.begin(s.last + 1)
	}
	s.put(m)
	return s.last
}

// begin begins a slice.
func (s *messages) begin(number uint32) {
	s.last = number
	n := len(s.groups)
	if n == 0 || s.groups[n-1].any.room <= 0 {
		s.groups = append(s.groups, messagesGroup{any: newLayer(messageGroup*messageSlice, keyBits)})
		n++
	}
	g := &s.groups[n-1]
	g.slices = append(g.slices, messagesSlice{number: number, known: newLayer(messageSlice, keyBits)})
}

// put adds a message to the slice that was begun last.
func (s *messages) put(m codec.KeyHash) {
	g := &s.groups[len(s.groups)-1]
	g.any.add(probeOf(m))
	g.slices[len(g.slices)-1].known.add(probeOf(m))
}

// find calls f with the slices in which a message may be, newest first, until
// it returns true.
func (s *messages) find(m codec.KeyHash, f func(slice uint32) bool) {
	p := probeOf(m)
	for i := len(s.groups) - 1; i >= 0; i-- {
		g := &s.groups[i]
		if !g.any.has(p) {
			continue
		}
		for k := len(g.slices) - 1; k >= 0; k-- {
			if g.slices[k].known.has(p) && f(g.slices[k].number) {
				return
			}
		}
	}
}

// drop forgets the slices before number.
func (s *messages) drop(number uint32) {
	for len(s.groups) > 0 {
		g := &s.groups[0]
		for len(g.slices) > 0 && g.slices[0].number < number {
			g.slices = g.slices[1:]
		}
		if len(g.slices) > 0 {
			return
		}
		s.groups = s.groups[1:]
	}
}

// fillMessages reads what there is.
func (t *txn) fillMessages() {
	t.messages = messages{}
	c := t.table(msgsBucket).b.Cursor()
	for key, _ := c.First(); key != nil; key, _ = c.Next() {
		number, m := binary.BigEndian.Uint32(key), codec.KeyHash(key[4:])
		if number != t.messages.last {
			t.messages.begin(number)
		}
		t.messages.put(m)
	}
}

// setMessage makes a message lead to a contact.
func (t *txn) setMessage(m, contact codec.KeyHash) error {
	var key [4 + len(codec.KeyHash{})]byte
	t.scratch = binary.BigEndian.AppendUint64(t.scratch[:0], uint64(t.now+keepMessages))
	t.scratch = append(t.scratch, contact[:]...)
	return t.put(t.table(msgsBucket), messageKey(key[:0], t.messages.add(m), m), t.scratch)
}

// messageOf returns the contact that a message leads to.
func (t *txn) messageOf(m codec.KeyHash, now int64) (contact codec.KeyHash, ok bool) {
	var buf [4 + len(codec.KeyHash{})]byte
	t.messages.find(m, func(slice uint32) bool {
		v := t.table(msgsBucket).get(messageKey(buf[:0], slice, m))
		if len(v) == 8+len(contact) && int64(number(v[:8])) > now {
			contact, ok = codec.KeyHash(v[8:]), true
		}
		return ok
	})
	return contact, ok
}

// sweepMessages removes what has expired, up to the first slice of which
// something has not.
func (t *txn) sweepMessages() (int, error) {
	tb := t.table(msgsBucket)
	var keys [][]byte
	kept := t.messages.last + 1 // the first slice that stays
	c := tb.b.Cursor()
	for key, v := c.First(); key != nil && len(keys) < sweepBatch; key, v = c.Next() {
		slice := binary.BigEndian.Uint32(key)
		if slice > kept {
			break
		}
		if len(v) >= 8 && int64(number(v[:8])) > t.now {
			kept = slice
			continue
		}
		keys = append(keys, append([]byte(nil), key...))
	}
	for _, key := range keys {
		if err := t.delete(tb, key); err != nil {
			return 0, err
		}
	}
	if key, _ := tb.b.Cursor().First(); key != nil {
		kept = binary.BigEndian.Uint32(key)
	}
	t.messages.drop(kept)
	return len(keys), nil
}
