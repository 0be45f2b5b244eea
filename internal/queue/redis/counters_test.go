package redis

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// countedGroup is a new event with a counter.
func countedGroup(id byte, day int64, key string) queue.Group {
	return queue.Group{
		Tenant: "acme", Events: []queue.Event{{ID: queue.ID{id}}},
		Counters: []queue.Counter{{Day: day, Key: key, Field: "clicks", Add: 1}},
	}
}

// TestRedisCounters looks at what the conformance suite can't see: the hash
// expires, and has a bounded number of fields.
func TestRedisCounters(t *testing.T) {
	s := redistest.Start(t)
	r, err := Open(Config{URLs: []string{s.URL()}}, queue.Options{Dedupe: time.Hour, RememberClicks: time.Hour})
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
	if left := c.PTTL(t.Context(), key).Val(); left < queue.KeepCounters-time.Hour || left > queue.KeepCounters+25*time.Hour {
		t.Errorf("expires in %s", left)
	}
	full := make([]any, 0, 2*queue.MaxCounters)
	for i := range queue.MaxCounters - 1 {
		full = append(full, i, "0")
	}
	if err := c.HSet(t.Context(), key, full...).Err(); err != nil {
		t.Fatal(err)
	}
	storeGroups(t, r, countedGroup(2, day, "another"), countedGroup(3, day, "ad"))
	if n := c.HLen(t.Context(), key).Val(); n != queue.MaxCounters {
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

func storeGroups(t *testing.T, q queue.Queue, groups ...queue.Group) {
	t.Helper()
	for _, r := range q.Append(t.Context(), groups) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}
