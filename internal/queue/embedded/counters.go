package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// countKey is a counter's key: four bytes of day, so that whole days expire at
// once, the tenant, the key and the field, with NUL between them. The tenant
// alone holds how many counters it has on that day.
func countKey(day int64, tenant string, more ...string) []byte {
	key := binary.BigEndian.AppendUint32(make([]byte, 0, 64), uint32(max(day, 0)))
	key = append(key, tenant...)
	for _, m := range more {
		key = append(append(key, 0), m...)
	}
	return key
}

// The kinds of a counter's value: the kind's byte, then the number or the text.
const (
	numberCount = 'n'
	textCount   = 't'
)

// count writes the counters of a group that count.
func (t *txn) count(g *queue.Group, r *queue.Result) error {
	if len(g.Counters) == 0 {
		return nil
	}
	b := t.table(countsBucket)
	for i := range g.Counters {
		c := &g.Counters[i]
		if !c.Counts(r, func(event int) bool { return t.draft.first[event] }) {
			continue
		}
		if c.Once != "" {
			m := codec.CountedHash(g.Tenant, c)
			if t.onceKnown(m) {
				continue
			}
			t.draft.keys[m] = t.now + max(c.Window.Milliseconds(), 1)
			if err := t.setOnce(m, t.draft.keys[m]); err != nil {
				return err
			}
		}
		key := countKey(c.Day, g.Tenant, c.Key, c.Field)
		old := unstamped(b.get(key))
		if c.Text == "" && len(old) > 0 && old[0] == textCount {
			continue // to a text nothing is added
		}
		if old == nil {
			total := countKey(c.Day, g.Tenant)
			n := number(unstamped(b.get(total)))
			if n >= queue.MaxCounters {
				continue
			}
			if err := t.putStamped(b, total, sequence(n+1)); err != nil {
				return err
			}
		}
		var value []byte
		if c.Text != "" {
			value = append([]byte{textCount}, c.Text...)
		} else {
			n := uint64(c.Add)
			if len(old) == 9 && old[0] == numberCount {
				n += number(old[1:])
			}
			value = append([]byte{numberCount}, sequence(n)...)
		}
		if bytes.Equal(old, value) {
			continue
		}
		if err := t.putStamped(b, key, value); err != nil {
			return err
		}
	}
	return nil
}

// Counters implements [queue.Queue]. Each day is a look of its own, so that appends
// don't wait for a year's.
func (e *Store) Counters(ctx context.Context, tenant string, from, to int64) ([]queue.Count, error) {
	var all []queue.Count
	more := true
	for day := max(from, 0); day <= to && more; day++ {
		err := e.view(ctx, func(tx *bolt.Tx) (err error) {
			all, more, err = appendCounts(all, tx.Bucket(countsBucket).Cursor(), day, tenant)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading counters: %w", err)
		}
	}
	return all, nil
}

// appendCounts appends a tenant's counters of a day. It reports whether there may
// be a later day.
func appendCounts(all []queue.Count, c *bolt.Cursor, day int64, tenant string) ([]queue.Count, bool, error) {
	prefix := append(countKey(day, tenant), 0)
	key, value := c.Seek(prefix)
	if key == nil {
		return all, false, nil
	}
	for ; bytes.HasPrefix(key, prefix); key, value = c.Next() {
		name, field, ok := bytes.Cut(key[len(prefix):], []byte{0})
		if value = unstamped(value); !ok || len(value) == 0 {
			return nil, false, fmt.Errorf("counter of day %d is damaged", day)
		}
		found := queue.Count{Day: day, Key: string(name), Field: string(field)}
		if value[0] == textCount {
			found.Text = string(value[1:])
		} else {
			found.N = int64(number(value[1:]))
		}
		all = append(all, found)
	}
	return all, true, nil
}

func (t *txn) sweepCounters() (int, error) {
	b := t.table(countsBucket)
	end := (t.now - queue.KeepCounters.Milliseconds()) / queue.DayMS
	if end <= 0 {
		return 0, nil
	}
	keys := before(b, countKey(end, ""), sweepBatch)
	for _, key := range keys {
		if err := t.delete(b, key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}
