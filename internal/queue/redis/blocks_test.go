package redis_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// wide is one event for so many destinations, whose payload resembles no other.
func wide(n, size, destinations int) queue.Group {
	payload := make([]byte, 0, size)
	for len(payload) < size {
		payload = fmt.Appendf(payload, "%x", rand.Uint64())
	}
	var dests []queue.Dest
	for i := range destinations {
		dests = append(dests, queue.Dest{Tenant: "acme", Name: fmt.Sprintf("wide-%d", i)})
	}
	g := one(n, payload, dests...)
	for i := range g.Jobs {
		g.Jobs[i].Header.QueuedAt = g.Jobs[0].Header.QueuedAt
	}
	return g
}

// TestRedisBlocksAddUp: whatever is done to what destinations share, it is there while one
// of them waits for it, and no longer.
func TestRedisBlocksAddUp(t *testing.T) {
	s := redistest.Start(t)
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			store := open(t, redis.Config{URLs: []string{s.URL()}, Prefix: fmt.Sprintf("b%d", seed)})
			pick := func() queue.Dest { return queue.Dest{Tenant: "acme", Name: fmt.Sprintf("wide-%d", r.IntN(4))} }
			n, most := 0, 0
			for range 120 {
				switch r.IntN(8) {
				case 0, 1, 2, 3:
					var groups []queue.Group
					for range 1 + r.IntN(5) {
						if n++; r.IntN(10) == 0 {
							n -= r.IntN(n) // one that came before
						}
						groups = append(groups, wide(n, 20+r.IntN(300), 1+r.IntN(4)))
					}
					for _, result := range store.Append(t.Context(), groups) {
						must(t, result.Err)
					}
				case 4, 5:
					settle(t, store, pick(), r)
				case 6:
					_, err := store.ReplayDead(t.Context(), queue.DeadFilter{Destination: pick().Name})
					must(t, err)
				case 7:
					if from, to := pick(), pick(); from == to {
						_, _ = store.Drop(t.Context(), from)
					} else {
						_, _ = store.Move(t.Context(), from, to)
					}
				}
				most = max(most, redis.Blocks(t, store))
			}
			if most < 5 {
				t.Errorf("there were never more than %d blocks", most)
			}
			for i := range 4 {
				_, _ = store.Drop(t.Context(), queue.Dest{Tenant: "acme", Name: fmt.Sprintf("wide-%d", i)})
			}
			if n := redis.Blocks(t, store); n != 0 || s.Do("EXISTS", fmt.Sprintf("b%d:{acme}:b", seed)) != int64(0) {
				t.Errorf("%d blocks are left of nothing", n)
			}
		})
	}
}

// memoryOf is what all keys take.
func memoryOf(t *testing.T, s *redistest.Server) (n int64) {
	t.Helper()
	for _, key := range keysOf(t, s, "*") {
		size, _ := s.Do("MEMORY", "USAGE", key, "SAMPLES", 0).(int64)
		n += size
	}
	return n
}

// info is a number of Redis's INFO.
func info(t testing.TB, s *redistest.Server, name string) int64 {
	t.Helper()
	text, _ := s.Do("INFO", "all").(string)
	_, value, _ := strings.Cut(text, "\n"+name+":")
	value, _, _ = strings.Cut(value, "\r")
	n, err := strconv.ParseInt(value, 10, 64)
	must(t, err)
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// settle delivers some of a destination's entries, and has some die.
func settle(t testing.TB, store *redis.Store, d queue.Dest, r *rand.Rand) {
	t.Helper()
	e := drain(t, store, d)
	defer e.Close()
	e.ready()
	var done []queue.Pos
	var dead []queue.Death
	for _, entry := range e.all() {
		switch r.IntN(3) {
		case 0:
			done = append(done, entry.Pos)
		case 1:
			dead = append(dead, queue.Death{Pos: entry.Pos, Reason: queue.Reason{Reason: "404"}})
		}
	}
	must(t, e.Dead(t.Context(), dead))
	must(t, e.Done(t.Context(), done))
}

// TestRedisBlocksBytes: an event for ten destinations takes at most one and a half times
// the memory of one for one, and three times the append-only file, whether it comes with
// others or alone.
func TestRedisBlocksBytes(t *testing.T) {
	const events = 256
	for _, together := range []int{32, 1} {
		t.Run(fmt.Sprint(together), func(t *testing.T) {
			used := func(destinations int) (memory, file int64) {
				s := redistest.Start(t, "--appendonly", "yes", "--auto-aof-rewrite-percentage", "0")
				store := open(t, redis.Config{URLs: []string{s.URL()}})
				appendOne(t, store, wide(events+1, 10, destinations)) // destinations have keys, scripts are known
				before, began := memoryOf(t, s), info(t, s, "aof_current_size")
				for i := 0; i < events; i += together {
					var groups []queue.Group
					for j := range together {
						groups = append(groups, wide(i+j, 1500, destinations))
					}
					for _, result := range store.Append(t.Context(), groups) {
						must(t, result.Err)
					}
				}
				return memoryOf(t, s) - before, info(t, s, "aof_current_size") - began
			}
			oneMemory, oneFile := used(1)
			tenMemory, tenFile := used(10)
			t.Logf("bytes an event: memory %d and %d, file %d and %d", oneMemory/events, tenMemory/events, oneFile/events, tenFile/events)
			if tenMemory*2 > oneMemory*3 {
				t.Errorf("%d bytes of memory for ten destinations, %d for one", tenMemory, oneMemory)
			}
			if tenFile > 3*oneFile {
				t.Errorf("%d bytes of the append-only file for ten destinations, %d for one", tenFile, oneFile)
			}
		})
	}
}

// TestRedisBlockGone: events of which what they held was removed from Redis are lost, which is
// said with their number, and what is queued behind them is delivered.
func TestRedisBlockGone(t *testing.T) {
	s := redistest.Start(t)
	core, logs := observer.New(zap.ErrorLevel)
	store := open(t, redis.Config{URLs: []string{s.URL()}, Logger: zap.New(core)})
	g := wide(1, 100, 3)
	first, second, third := g.Jobs[0].Dest, g.Jobs[1].Dest, g.Jobs[2].Dest
	for _, r := range store.Append(t.Context(), []queue.Group{g, wide(2, 100, 3), wide(3, 100, 3)}) {
		must(t, r.Err)
	}
	drains := map[queue.Dest]*end{}
	for _, d := range []queue.Dest{first, second} {
		e := drain(t, store, d)
		drains[d] = e
		e.ready()
		got := e.all()
		if len(got) != 3 || !bytes.Equal(got[0].Payload, g.Payloads[0]) {
			t.Fatalf("%d entries", len(got))
		}
		// Of the first destination one was delivered, and one has failed.
		if d == first {
			must(t, e.Done(t.Context(), []queue.Pos{got[0].Pos}))
			must(t, e.Retry(t.Context(), []queue.Retry{{Pos: got[1].Pos, Attempts: 1}}))
		}
	}
	if s.Do("DEL", "leadgate:{acme}:b") != int64(1) {
		t.Fatal("there is no block")
	}
	after := wide(4, 100, 3)
	appendOne(t, store, after)
	heir := queue.Dest{Tenant: "initech", Name: third.Name}
	lost := map[queue.Dest]int64{first: 2, second: 3, third: 3}
	for _, d := range []queue.Dest{first, second, heir} {
		e := drains[d]
		if e == nil {
			e = drain(t, store, d)
			e.ready()
		}
		if got := e.all(); len(got) != 1 || !bytes.Equal(got[0].Payload, after.Payloads[0]) {
			t.Errorf("%v: %d entries, want the one that came later", d, len(got))
		}
		if retries, err := e.Retries(t.Context()); err != nil || len(retries) != 0 {
			t.Errorf("%v: retries %+v, %v, want none", d, retries, err)
		}
	}
	infos, err := store.Destinations(t.Context())
	must(t, err)
	for _, i := range infos {
		if want := 1; i.Backlog != want && i.Dest != third {
			t.Errorf("%v: %d wait, want %d", i.Dest, i.Backlog, want)
		}
	}
	for d, n := range lost {
		said := logs.FilterMessageSnippet("events are lost").FilterField(zap.Int64("events", n)).
			FilterField(zap.String("tenant", d.Tenant)).FilterField(zap.String("destination", d.Name))
		if said.Len() != 1 {
			t.Errorf("%v: it is not said that %d are lost: %+v", d, n, logs.All())
		}
	}
	if a := store.Alerts(); len(a) != 1 || a[0].Reason != queue.AlertEmptied {
		t.Errorf("alerts %+v, want one that something is gone", a)
	}
}

// TestRedisBlocksTakenOver: what one tenant's destinations share goes whole to another's.
func TestRedisBlocksTakenOver(t *testing.T) {
	s := redistest.Start(t)
	store := open(t, redis.Config{URLs: []string{s.URL()}})
	g := wide(1, 100, 2)
	appendOne(t, store, g)
	heir := queue.Dest{Tenant: "initech", Name: g.Jobs[0].Dest.Name}
	e := drain(t, store, heir)
	defer e.Close()
	e.ready()
	if got := e.all(); len(got) != 1 || !bytes.Equal(got[0].Payload, g.Payloads[0]) {
		t.Fatalf("%d entries", len(got))
	}
	if n := redis.Blocks(t, store); n != 1 {
		t.Errorf("%d blocks, and one destination waits for one", n)
	}
	stays := drain(t, store, g.Jobs[1].Dest)
	defer stays.Close()
	stays.ready()
	must(t, stays.Done(t.Context(), []queue.Pos{stays.all()[0].Pos}))
	if n := redis.Blocks(t, store); n != 0 {
		t.Errorf("%d blocks, and nobody waits", n)
	}
	if got := e.all(); len(got) != 1 || !bytes.Equal(got[0].Payload, g.Payloads[0]) {
		t.Fatalf("%d entries, when the others were delivered", len(got))
	}
}
