package embedded

import (
	"encoding/binary"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// keepMessages is how long a message id leads to its contact. Messages are a quarter of
// all webhooks, and stand in slices.
const keepMessages = 8 * queue.DayMS

// fillMessages reads what there is.
func (t *txn) fillMessages() {
	t.messages = sliced{}
	c := t.table(msgsBucket).b.Cursor()
	for key, _ := c.First(); key != nil; key, _ = c.Next() {
		at := placeOf(key)
		if at.slice != t.messages.last {
			t.messages.begin(at.slice)
		}
		t.messages.put(at)
	}
}

// setMessage makes a message lead to a contact.
func (t *txn) setMessage(m, contact codec.KeyHash) error {
	var key [placeSize]byte
	at := place{t.messages.next(), m}
	t.messages.put(at)
	t.scratch = binary.BigEndian.AppendUint64(t.scratch[:0], uint64(t.now+keepMessages))
	t.scratch = append(t.scratch, contact[:]...)
	return t.putStamped(t.table(msgsBucket), at.key(key[:0]), t.scratch)
}

// messageLeads reads where a message leads to, and until when (ms).
func messageLeads(value []byte) (contact codec.KeyHash, till int64) {
	if value = unstamped(value); len(value) != 8+len(contact) {
		return contact, 0
	}
	return codec.KeyHash(value[8:]), int64(number(value[:8]))
}

// messageOf returns the contact that a message leads to.
func (t *txn) messageOf(m codec.KeyHash, now int64) (contact codec.KeyHash, ok bool) {
	var buf [placeSize]byte
	t.messages.find(m, func(at place) bool {
		of, till := messageLeads(t.table(msgsBucket).get(at.key(buf[:0])))
		if till > now {
			contact, ok = of, true
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
		slice := placeOf(key).slice
		if slice > kept {
			break
		}
		if _, till := messageLeads(v); till > t.now {
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
		kept = placeOf(key).slice
	}
	t.messages.drop(kept)
	return len(keys), nil
}
