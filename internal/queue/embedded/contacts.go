package embedded

import (
	"bytes"
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// Clicks implements [queue.Queue].
func (e *Store) Clicks(ctx context.Context, tenant string, keys []string) ([]queue.Clicks, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	found := make([]queue.Clicks, len(keys))
	now, opts := e.cfg.Now().UnixMilli(), *e.opts.Load()
	err := e.view(ctx, func(*bolt.Tx) error {
		for i, key := range keys {
			_, rec, err := e.txn.lookUp(codec.HashKey(tenant, key), now)
			if err != nil {
				return err
			}
			if rec != nil && !rec.expired(now, opts) {
				found[i] = rec.clicks()
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading clicks: %w", err)
	}
	return found, nil
}

// lookUp finds the record of a contact's key, alias or message id. The contact
// is returned also where it has no record; the record is lent.
func (t *txn) lookUp(key codec.KeyHash, now int64) (codec.KeyHash, *clickRecord, error) {
	at, value := t.whose(key)
	if value == nil {
		// A message's contact may have become another's alias since.
		if of, ok := t.messageOf(key, now); ok {
			key = of
			at, value = t.whose(of)
		}
	}
	if value == nil {
		return key, nil, nil
	}
	rec, err := decodeClicks(value)
	if err != nil {
		return key, nil, err
	}
	rec.at, rec.indexed = at, true
	return at.hash, rec, nil
}

// Erase implements [queue.Queue]. It counts the contact's clicks as one, each alias, each
// code, and each dead letter.
func (e *Store) Erase(ctx context.Context, tenant, key string) (int, error) {
	keys := map[codec.KeyHash]bool{codec.HashKey(tenant, key): true}
	n := 0
	err := e.do(ctx, 0, func(t *txn) error {
		n = 0
		contact, rec, err := t.lookUp(codec.HashKey(tenant, key), t.now)
		if err != nil {
			return err
		}
		if rec != nil {
			keys[contact] = true
			n++
			for _, alias := range rec.aliases {
				keys[alias] = true
				if t.leadsTo(rec.at.beside(alias), contact) {
					n++
				}
			}
			if err := t.forget(rec); err != nil {
				return err
			}
		}
		noted, err := t.eraseNotes(keys)
		if noted && n == 0 {
			n = 1
		}
		return err
	})
	if err == nil {
		err = e.eraseMessages(ctx, keys)
	}
	if err == nil {
		var codes int
		codes, err = e.eraseCodes(ctx, keys)
		n += codes
	}
	if err != nil {
		return n, fmt.Errorf("erasing clicks: %w", err)
	}
	refs, err := e.selectDead(ctx, queue.DeadFilter{}, func(l *queue.DeadLetter) (bool, error) {
		if l.Dest.Tenant != tenant && l.Dest != queue.Unmatched {
			return false, nil
		}
		h := &l.Header
		return h.Contact != "" && keys[codec.HashKey(tenant, h.Contact)] || h.ClickKey != "" && keys[codec.HashKey(tenant, h.ClickKey)], nil
	})
	if err != nil {
		return n, fmt.Errorf("erasing dead letters: %w", err)
	}
	dropped, err := e.changeDead(ctx, refs, (*txn).removeDead)
	if err != nil {
		return n, fmt.Errorf("erasing dead letters: %w", err)
	}
	return n + dropped, nil
}

// eraseMessages removes the message ids that lead to one of these contacts. They
// stand in the order in which they came, so all are looked at, some at a time.
func (e *Store) eraseMessages(ctx context.Context, contacts map[codec.KeyHash]bool) error {
	var after []byte
	for {
		var found [][]byte
		looked := 0
		err := e.view(ctx, func(tx *bolt.Tx) error {
			c := tx.Bucket(msgsBucket).Cursor()
			key, v := c.Seek(after)
			for ; key != nil && looked < viewMessages; key, v = c.Next() {
				looked++
				if bytes.Equal(key, after) {
					continue
				}
				after = append(after[:0], key...)
				if of, _ := messageLeads(v); contacts[of] {
					found = append(found, bytes.Clone(key))
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(found) > 0 {
			err := e.do(ctx, 0, func(t *txn) error {
				for _, key := range found {
					if err := t.delete(t.table(msgsBucket), key); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		if looked < viewMessages {
			return nil
		}
	}
}

// viewMessages is how many messages one read transaction looks at.
const viewMessages = 10_000
