package embedded

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// factKey is where a fact stands: tenant, group and key, with NUL between them.
func factKey(tenant, group, key string) []byte {
	return []byte(tenant + "\x00" + group + "\x00" + key)
}

// PutFacts implements [queue.Queue].
func (e *Store) PutFacts(ctx context.Context, tenant string, facts []queue.Fact) error {
	const doing = "keeping facts"
	if err := queue.ValidateFacts(facts); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	var size int64
	for i := range facts {
		size += onPages(int64(len(facts[i].Data) + 128))
	}
	if err := e.do(ctx, size, func(t *txn) error { return t.putFacts(tenant, facts) }); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (t *txn) putFacts(tenant string, facts []queue.Fact) error {
	b, counts := t.table(factsBucket), map[string]int{}
	for i := range facts {
		f := &facts[i]
		if _, counted := counts[f.Group]; !counted {
			counts[f.Group] = t.factsOf(tenant, f.Group)
		}
		if !b.has(factKey(tenant, f.Group, f.Key)) {
			counts[f.Group]++
		}
		if counts[f.Group] > queue.MaxFacts {
			return queue.ErrTooManyFacts
		}
	}
	for i := range facts {
		f := &facts[i]
		key := factKey(tenant, f.Group, f.Key)
		var err error
		if len(f.Data) == 0 || f.Till <= t.now {
			err = t.delete(b, key)
		} else {
			t.scratch = codec.AppendFact(t.scratch[:0], f.Till, f.Data)
			err = t.putStamped(b, key, t.scratch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// factsOf counts a group's facts, as far as they are not gone.
func (t *txn) factsOf(tenant, group string) (n int) {
	_ = eachFact(t.tx, tenant, group, func(_ string, till int64, _ []byte) {
		if till > t.now {
			n++
		}
	})
	return n
}

func eachFact(tx *bolt.Tx, tenant, group string, do func(key string, till int64, data []byte)) error {
	prefix, c := factKey(tenant, group, ""), tx.Bucket(factsBucket).Cursor()
	for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = c.Next() {
		till, data, err := codec.DecodeFact(unstamped(value))
		if err != nil {
			return err
		}
		do(string(key[len(prefix):]), till, data)
	}
	return nil
}

// Facts implements [queue.Queue]. Each group is a look of its own, so that appends don't
// wait for all.
func (e *Store) Facts(ctx context.Context, tenant string, groups ...string) (found []queue.Fact, err error) {
	now := e.cfg.Now().UnixMilli()
	for _, group := range groups {
		err := e.view(ctx, func(tx *bolt.Tx) error {
			return eachFact(tx, tenant, group, func(key string, till int64, data []byte) {
				if till > now {
					found = append(found, queue.Fact{Group: group, Key: key, Data: bytes.Clone(data), Till: till})
				}
			})
		})
		if err != nil {
			return nil, fmt.Errorf("reading facts: %w", err)
		}
	}
	return found, nil
}

// sweepFacts removes those that are gone, of as many as are looked at in a time.
func (e *Store) sweepFacts(t *txn) (int, error) {
	b := t.table(factsBucket)
	c := b.b.Cursor()
	key, value := c.Seek(e.facts.swept)
	var gone [][]byte
	for n := 0; key != nil && n < sweepBatch; n++ {
		if till, _, err := codec.DecodeFact(unstamped(value)); err != nil || till <= t.now {
			gone = append(gone, bytes.Clone(key))
		}
		key, value = c.Next()
	}
	e.facts.swept = bytes.Clone(key) // nil: from the beginning
	for _, key := range gone {
		if err := t.delete(b, key); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

// checkFact is [checkRecord] for facts.
func checkFact(key, record []byte) error {
	if strings.Count(string(key), "\x00") < 2 {
		return errShape
	}
	_, _, err := codec.DecodeFact(record)
	return err
}

// facts is how far they were swept, and the claims: those of this process, which alone has
// the store.
type facts struct {
	swept  []byte // the writer's own
	mu     sync.Mutex
	claims map[[2]string]claimed // by tenant and task
}

type claimed struct {
	by   string
	till time.Time
}

// Claim implements [queue.Queue].
func (e *Store) Claim(_ context.Context, tenant, task, by string, d time.Duration) (bool, error) {
	e.facts.mu.Lock()
	defer e.facts.mu.Unlock()
	at, now := [2]string{tenant, task}, e.cfg.Now()
	if c := e.facts.claims[at]; c.by != by && c.till.After(now) {
		return false, nil
	}
	if e.facts.claims == nil {
		e.facts.claims = make(map[[2]string]claimed)
	}
	e.facts.claims[at] = claimed{by, now.Add(d)}
	return true, nil
}
