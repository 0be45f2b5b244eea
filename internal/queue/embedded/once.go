package embedded

import (
	"context"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// Remembers implements [queue.Queue].
func (e *Store) Remembers(ctx context.Context, tenant string, once []string) ([]bool, error) {
	if len(once) == 0 {
		return nil, nil
	}
	known, now := make([]bool, len(once)), e.cfg.Now().UnixMilli()
	err := e.view(ctx, func(*bolt.Tx) error {
		for i, key := range once {
			hash := codec.HashKey(tenant, key)
			known[i] = int64(number(unstamped(e.txn.table(onceBucket).get(hash[:])))) > now
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking up once keys: %w", err)
	}
	return known, nil
}

// onceKnown reports whether a once key is remembered, or set by an earlier job of
// the group.
func (t *txn) onceKnown(key codec.KeyHash) bool {
	if expiry, ok := t.draft.keys[key]; ok {
		return expiry > t.now
	}
	return int64(number(unstamped(t.table(onceBucket).get(key[:])))) > t.now
}

// setOnce stores a key's expiry, and the index entry by which Sweep finds it.
func (t *txn) setOnce(key codec.KeyHash, expiry int64) error {
	b, x := t.table(onceBucket), t.table(onceIndex)
	if old := unstamped(b.get(key[:])); len(old) == 8 {
		if err := t.delete(x, timeKey(int64(number(old)), key[:])); err != nil {
			return err
		}
	}
	t.scratch = binary.BigEndian.AppendUint64(t.scratch[:0], uint64(max(expiry, 0)))
	if err := t.putStamped(b, key[:], t.scratch); err != nil {
		return err
	}
	return t.put(x, timeKey(expiry, key[:]), nil)
}

// timeKey is an index entry: eight bytes of time, and a key.
func timeKey(at int64, key []byte) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(key)), uint64(max(at, 0))), key[:]...)
}
