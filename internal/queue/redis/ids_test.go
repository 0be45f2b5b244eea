package redis_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// idsAt is a group of events from to from+n-1 of one time, ms, without jobs.
func idsAt(from, n int, at int64) queue.Group {
	g := queue.Group{Tenant: crm.Tenant}
	for i := from; i < from+n; i++ {
		g.Events = append(g.Events, queue.Event{ID: eventID(i), Time: at})
	}
	return g
}

// newOf appends a group, and says how many of its events were new.
func newOf(t *testing.T, r *redis.Store, g queue.Group) (n int) {
	t.Helper()
	result := appendOne(t, r, g)
	if result.Err != nil {
		t.Fatal(result.Err)
	}
	for _, fresh := range result.New {
		if fresh {
			n++
		}
	}
	return n
}

func keysOf(t *testing.T, s *redistest.Server, pattern string) (keys []string) {
	t.Helper()
	for _, k := range s.Do("KEYS", pattern).([]any) {
		keys = append(keys, k.(string))
	}
	return keys
}

// Generations follow each other as time goes by, each id is known for the window,
// every key expires, and what a generation holds is bounded in its sets.
func TestRedisGenerations(t *testing.T) {
	s, clock := redistest.Start(t), queuetest.NewClock(start)
	r := open(t, redis.Config{URLs: []string{s.URL()}, Now: clock.Now})
	const steps, each = 60, 150 // of 10 hours: three levels, and four generations
	for i := range steps {
		if n := newOf(t, r, idsAt(i*each, each, clock.Now().UnixMilli())); n != each {
			t.Fatalf("step %d: %d of %d are new", i, n, each)
		}
		for back := 0; back*10 < 7*24 && back <= i; back += 3 {
			if n := newOf(t, r, idsAt((i-back)*each, each, 0)); n != 0 {
				t.Fatalf("step %d: %d of %d hours ago are new again", i, n, back*10)
			}
		}
		clock.Advance(10 * time.Hour)
	}
	// An id is forgotten when the generation after its own is over.
	if n := newOf(t, r, idsAt(0, each, start.UnixMilli())); n != each {
		t.Errorf("%d of %d are new after three windows", n, each)
	}
	for _, k := range keysOf(t, s, "*:i*") {
		if ttl := s.Do("PTTL", k).(int64); ttl <= 0 || ttl > (15*24*time.Hour).Milliseconds() {
			t.Errorf("%s lives for %d ms", k, ttl)
		}
		if strings.HasSuffix(k, "}:i") {
			continue
		}
		if n := s.Do("SCARD", k).(int64); n > 600 {
			t.Errorf("%s has %d ids", k, n)
		}
	}
	if old := keysOf(t, s, "*:e:*"); len(old) > 0 {
		t.Errorf("written as an older Leadgate did: %q", old)
	}
}

// A call splits a few shards and no more, however many of its ids ask for it; and
// ids are known while shards are still to be split.
func TestRedisSplitsAFew(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	now := time.Now().UnixMilli()
	const n = 60_000
	for i := 0; i < n; i += 250 {
		before := len(keysOf(t, s, "*:i:*:*"))
		if got := newOf(t, r, idsAt(i, 250, now)); got != 250 {
			t.Fatalf("from %d on, %d of 250 are new", i, got)
		}
		if split := (len(keysOf(t, s, "*:i:*:*")) - before + 8) / 9; split > 17 {
			t.Fatalf("one call split %d shards", split)
		}
		if got := newOf(t, r, idsAt(i*3/4, 250, 0)); got != 0 {
			t.Fatalf("%d of %d are new again", got, i)
		}
	}
	for i := 0; i < n; i += 1000 {
		if got := newOf(t, r, idsAt(i, 1000, now+int64(i))); got != 0 {
			t.Fatalf("%d are new again", got)
		}
	}
}

// What a Leadgate before there were generations remembered is known, by its time,
// while it can be there, and is not looked for after that.
func TestRedisReadsOldIDs(t *testing.T) {
	s, clock := redistest.Start(t), queuetest.NewClock(start)
	r := open(t, redis.Config{URLs: []string{s.URL()}, Now: clock.Now})
	base := "leadgate:{" + crm.Tenant + "}:"
	at := start.Add(-time.Hour).UnixMilli()
	bucket := base + "e:" + strconv.FormatInt(at/600_000, 10)
	day := base + "e:u" + strconv.FormatInt(start.UnixMilli()/86_400_000-1, 10)
	id := func(n int) string { return strconv.FormatInt(redis.RememberedID(eventID(n)), 10) }
	last := func(n, digits int) string { return id(n)[len(id(n))-digits:] }
	s.Do("SADD", base+"dests", crm.Name)
	// Event 1 stands in a set of its own, 2 in a shard that was split, 3 in one that
	// is still to be split, 4 had no time.
	s.Do("SADD", bucket, 0, id(1))
	s.Do("SADD", day, 0, id(4))
	later := base + "e:" + strconv.FormatInt(at/600_000+1, 10)
	s.Do("SET", later+":l", "2 9")
	s.Do("SADD", later+":"+last(2, 2), 0, id(2))
	s.Do("SADD", later+":"+last(3, 1), 0, id(3))
	for n, event := range []int64{0, at, at + 600_000, at + 600_000, 0} {
		if n > 0 && newOf(t, r, idsAt(n, 1, event)) != 0 {
			t.Errorf("event %d of an older Leadgate is new", n)
		}
	}
	if n := newOf(t, r, idsAt(100, 10, at)) + newOf(t, r, idsAt(110, 10, 0)); n != 20 {
		t.Errorf("%d of 20 are new", n)
	}
	clock.Advance(11 * 24 * time.Hour)
	s.Do("CONFIG", "RESETSTAT")
	if n := newOf(t, r, idsAt(200, 10, at)); n != 10 {
		t.Errorf("%d of 10 are new", n)
	}
	stats, _ := s.Do("INFO", "commandstats").(string)
	for line := range strings.Lines(stats) {
		if calls, ok := strings.CutPrefix(line, "cmdstat_sismember:calls="); ok && !strings.HasPrefix(calls, "10,") {
			t.Errorf("old ids are still looked for: %s", line)
		}
	}
}
