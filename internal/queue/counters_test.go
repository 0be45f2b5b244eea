package queue

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// countedGroup is a new event with a counter.
func countedGroup(id byte, day int64, key string) Group {
	return Group{
		Tenant: "acme", Events: []Event{{ID: ID{id}}},
		Counters: []Counter{{Day: day, Key: key, Field: "clicks", Add: 1}},
	}
}

func mustCount(t *testing.T, q Queue, day int64, want int) {
	t.Helper()
	counts, err := q.Counters(t.Context(), "acme", day, day)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range counts {
		n += int(c.N)
	}
	if n != want {
		t.Errorf("%d counted, want %d", n, want)
	}
}

// TestRedisCounters looks at what the conformance suite can't see: the hash
// expires, and has a bounded number of fields.
func TestRedisCounters(t *testing.T) {
	s := redistest.Start(t)
	r, err := OpenRedis(RedisConfig{URLs: []string{s.URL()}}, Options{Dedupe: time.Hour, RememberClicks: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	day := time.Now().UnixMilli() / dayMS
	storeGroups(t, r, countedGroup(1, day, "ad"))
	c := s.Client()
	key := r.keys("acme").counts(day)
	if left := c.PTTL(t.Context(), key).Val(); left < KeepCounters-time.Hour || left > KeepCounters+25*time.Hour {
		t.Errorf("expires in %s", left)
	}
	full := make([]any, 0, 2*maxCounters)
	for i := range maxCounters - 1 {
		full = append(full, i, "0")
	}
	if err := c.HSet(t.Context(), key, full...).Err(); err != nil {
		t.Fatal(err)
	}
	storeGroups(t, r, countedGroup(2, day, "another"), countedGroup(3, day, "ad"))
	if n := c.HLen(t.Context(), key).Val(); n != maxCounters {
		t.Errorf("%d fields", n)
	}
	if v := c.HGet(t.Context(), key, "ad\nclicks").Val(); v != "2" {
		t.Errorf("the known ad: %s", v)
	}
	// A key of another kind in the figures' place costs the figures, no event.
	broken := r.keys("acme").counts(day - 1)
	if err := c.Set(t.Context(), broken, "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	storeGroups(t, r, countedGroup(4, day-1, "ad"))
	if v, err := c.Get(t.Context(), broken).Result(); v != "x" || errors.Is(err, redis.Nil) {
		t.Errorf("it was changed: %q, %v", v, err)
	}
}

// TestEmbeddedCounters is the same for the file, and one of the time before
// there were counters.
func TestEmbeddedCounters(t *testing.T) {
	dir := t.TempDir()
	open := func() *Embedded {
		e, err := OpenEmbedded(dir, Options{Dedupe: time.Hour}, EmbeddedConfig{Tick: make(chan time.Time)})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	shut := func(e *Embedded) {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	change := func(f func(*bolt.Tx) error) {
		db, _, err := openFile(filepath.Join(dir, "leadgate.db"), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Update(f); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	shut(open())
	change(func(tx *bolt.Tx) error { return tx.DeleteBucket(countsBucket) })
	e := open()
	const day = 20_000
	storeGroups(t, e, countedGroup(1, day, "ad"))
	mustCount(t, e, day, 1)
	shut(e)
	change(func(tx *bolt.Tx) error {
		return tx.Bucket(countsBucket).Put(countKey(day, "acme"), sequence(maxCounters))
	})
	e = open()
	defer shut(e)
	storeGroups(t, e, countedGroup(2, day, "another"), countedGroup(3, day, "ad"))
	mustCount(t, e, day, 2)
}

func storeGroups(t *testing.T, q Queue, groups ...Group) {
	t.Helper()
	for _, r := range q.Append(t.Context(), groups) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}
