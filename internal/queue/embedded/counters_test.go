package embedded

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

// countedGroup is a new event with a counter.
func countedGroup(id byte, day int64, key string) queue.Group {
	return queue.Group{
		Tenant: "acme", Events: []queue.Event{{ID: queue.ID{id}}},
		Counters: []queue.Counter{{Day: day, Key: key, Field: "clicks", Add: 1}},
	}
}

func mustCount(t *testing.T, q queue.Queue, day int64, want int) {
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

// TestEmbeddedCounters looks at what the conformance suite can't see: counters
// are bounded, and a file of the time before there were any gets them.
func TestEmbeddedCounters(t *testing.T) {
	dir := t.TempDir()
	open := func() *Store {
		e, err := Open(Config{Dir: dir, Tick: make(chan time.Time)}, queue.Options{Dedupe: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	shut := func(e *Store) {
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
	change(func(tx *bolt.Tx) error {
		return errors.Join(tx.DeleteBucket(countsBucket), tx.Bucket(metaBucket).Put(formatKey, sequence(3)))
	})
	e := open()
	const day = 20_000
	storeGroups(t, e, countedGroup(1, day, "ad"))
	mustCount(t, e, day, 1)
	shut(e)
	change(func(tx *bolt.Tx) error {
		return tx.Bucket(countsBucket).Put(countKey(day, "acme"), sequence(queue.MaxCounters))
	})
	e = open()
	defer shut(e)
	storeGroups(t, e, countedGroup(2, day, "another"), countedGroup(3, day, "ad"))
	mustCount(t, e, day, 2)
}

func storeGroups(t *testing.T, q queue.Queue, groups ...queue.Group) {
	t.Helper()
	for _, r := range q.Append(t.Context(), groups) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}
