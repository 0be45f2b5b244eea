package redis_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

var (
	crm = queue.Dest{Tenant: "acme", Name: "crm"}
	n8n = queue.Dest{Tenant: "acme", Name: "n8n"}
)

// fast opens a store with short leases, so that tests need not wait long.
func fast(t testing.TB, cfg redis.Config) *redis.Store {
	t.Helper()
	r, err := redis.OpenWith(cfg, queuetest.DefaultOptions(),
		redis.Timing(20*time.Millisecond, 600*time.Millisecond, 300*time.Millisecond))
	return closed(t, r, err)
}

func eventID(n int) (id queue.ID) {
	binary.BigEndian.PutUint64(id[:8], uint64(n+1)*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// one is a group of one event with a job for each destination.
func one(n int, payload []byte, dests ...queue.Dest) queue.Group {
	g := queue.Group{
		Tenant:   dests[0].Tenant,
		Events:   []queue.Event{{ID: eventID(n), Time: time.Now().UnixMilli()}},
		Payloads: [][]byte{payload},
	}
	for _, d := range dests {
		g.Jobs = append(g.Jobs, queue.Job{Dest: d, Events: []int{0}, Header: queue.Header{
			EventID: eventID(n), Format: queue.FormatEvent, Contact: "15551234567", QueuedAt: time.Now().UnixMilli(),
		}})
	}
	return g
}

func appendOne(t testing.TB, r *redis.Store, g queue.Group) queue.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return r.Append(ctx, []queue.Group{g})[0]
}

// end is an open drain with its wake.
type end struct {
	queue.Drain
	t     testing.TB
	woken chan struct{}
}

func drain(t testing.TB, r *redis.Store, d queue.Dest) *end {
	t.Helper()
	e := &end{t: t, woken: make(chan struct{}, 1)}
	e.Drain = r.Drain(d, func() {
		select {
		case e.woken <- struct{}{}:
		default:
		}
	})
	t.Cleanup(e.Close)
	return e
}

func (e *end) until(what string, condition func() bool) {
	e.t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for !condition() {
		select {
		case <-e.woken:
		case <-deadline.C:
			e.t.Fatalf("never woken for %s", what)
		}
	}
}

func (e *end) ready() uint64 {
	e.t.Helper()
	var epoch uint64
	e.until("the right to drain", func() bool {
		n, ok := e.Epoch()
		epoch = n
		return ok
	})
	return epoch
}

// all reads everything; while Redis can't be reached it tries again.
func (e *end) all() (all []queue.Entry) {
	e.t.Helper()
	var after queue.Pos
	eventually(e.t, "everything is read", func() bool {
		for {
			entries, err := e.Read(context.Background(), after, 100, 1<<20)
			if err != nil && !errors.Is(err, queue.ErrUnavailable) {
				e.t.Fatal(err)
			}
			if len(entries) == 0 {
				return err == nil
			}
			all = append(all, entries...)
			after = entries[len(entries)-1].Pos
		}
	})
	return all
}

// eventually asks until a condition holds that nothing announces.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("never: %s", what)
		}
	}
}

func TestRedisFullMemory(t *testing.T) {
	s := redistest.Start(t, "--maxmemory", "8mb", "--maxmemory-policy", "noeviction")
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	e := drain(t, r, crm)
	e.ready()

	large := bytes.Repeat([]byte("x"), 100_000)
	refused := -1
	for n := range 200 {
		g := one(n, large, crm)
		g.Events[0].Contact = fmt.Sprintf("contact-%d", n)
		g.Events[0].Clicks = []queue.Click{{At: time.Now().UnixMilli(), Kind: queue.ClickClid, Data: []byte(`{}`)}}
		g.Jobs[0].Once = []queue.Once{{Key: fmt.Sprintf("once-%d", n), Window: time.Hour}}
		result := appendOne(t, r, g)
		if result.Err == nil {
			continue
		}
		if !errors.Is(result.Err, queue.ErrFull) {
			t.Fatalf("event %d: %v, want %v", n, result.Err, queue.ErrFull)
		}
		refused = n
		break
	}
	if refused < 3 {
		t.Fatalf("event %d was the first to be refused", refused)
	}
	entries := e.all()
	if len(entries) != refused {
		t.Fatalf("%d entries of %d acknowledged events", len(entries), refused)
	}
	clicks, err := r.Clicks(t.Context(), crm.Tenant, []string{fmt.Sprintf("contact-%d", refused)})
	if err != nil || clicks[0].First != nil {
		t.Fatalf("the refused event left a click behind: %s, %v", clicks[0].First, err)
	}

	// A full Redis can be drained.
	last := entries[len(entries)-1].Pos
	if err := e.Retry(t.Context(), []queue.Retry{{Pos: last, Attempts: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := e.Dead(t.Context(), []queue.Death{{Pos: entries[0].Pos, Attempts: 1, Reason: queue.Reason{Reason: "400"}}}); err != nil {
		t.Fatal(err)
	}
	if err := r.SetState(t.Context(), crm, queue.State{Parked: true}); err != nil {
		t.Fatal(err)
	}
	var at []queue.Pos
	for _, entry := range entries[1:] {
		at = append(at, entry.Pos)
	}
	if err := e.Done(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	result := appendOne(t, r, one(refused, large, crm))
	if result.Err != nil || !result.New[0] || result.Jobs[0] != queue.Queued {
		t.Fatalf("after draining: %+v", result)
	}
}

func TestRedisReplica(t *testing.T) {
	replica := redistest.Replica(t, redistest.Start(t))
	r := open(t, redis.Config{URLs: []string{replica.URL()}})
	err := appendOne(t, r, one(1, []byte("x"), crm)).Err
	if !errors.Is(err, queue.ErrUnavailable) || !strings.Contains(err.Error(), "replica") {
		t.Fatalf("appending to a replica: %v", err)
	}
}

// TestRedisKilled kills Redis under load: with appendfsync always nothing that
// was acknowledged is lost, and redelivery of the rest makes each event be there
// once.
func TestRedisKilled(t *testing.T) {
	s := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	r := fast(t, redis.Config{URLs: []string{s.URL()}})
	const writers, each = 16, 40
	half := make(chan struct{}, writers)
	var acknowledged [writers * each]bool
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				n := w*each + i
				acknowledged[n] = appendOne(t, r, one(n, []byte("x"), crm)).Err == nil
				if i == each/2 {
					half <- struct{}{}
				}
			}
		})
	}
	<-half
	s.Kill()
	wg.Wait()
	s.Restart()
	e := drain(t, r, crm)
	e.ready()
	found := map[queue.ID]int{}
	for _, entry := range e.all() {
		found[entry.Header.EventID]++
	}
	for n, ok := range acknowledged {
		if ok && found[eventID(n)] != 1 {
			t.Fatalf("event %d was acknowledged and is there %d times", n, found[eventID(n)])
		}
	}
	for n := range acknowledged {
		eventually(t, "a redelivery is taken", func() bool { return appendOne(t, r, one(n, []byte("x"), crm)).Err == nil })
	}
	if entries := e.all(); len(entries) != writers*each {
		t.Fatalf("%d entries of %d events", len(entries), writers*each)
	}
}

// TestRedisRestarted also runs as a user who may not ask for the server's run id.
func TestRedisRestarted(t *testing.T) {
	args := []string{"--appendonly", "yes", "--appendfsync", "always", "--user", "edge"}
	s := redistest.Start(t, append(args, strings.Fields(aclRules)...)...)
	for _, user := range []string{"", "edge:secret@"} {
		t.Run("user "+user, func(t *testing.T) {
			r := fast(t, redis.Config{URLs: []string{"redis://" + user + s.Addr}, Prefix: "leadgate" + user[:min(len(user), 4)]})
			e := drain(t, r, crm)
			before := e.ready()
			if err := appendOne(t, r, one(1, []byte("x"), crm)).Err; err != nil {
				t.Fatal(err)
			}
			at := e.all()[0].Pos
			want := queue.Retry{Pos: at, Attempts: 3, FirstAt: 1_763_600_000_000, Due: 1_763_600_004_000, Reason: "503"}
			if err := e.Retry(t.Context(), []queue.Retry{want}); err != nil {
				t.Fatal(err)
			}
			if now, ok := e.Epoch(); !ok || now != before {
				t.Fatalf("epoch %d, %v before the restart, was %d", now, ok, before)
			}
			s.Kill()
			s.Restart()
			e.until("another epoch", func() bool { now, ok := e.Epoch(); return ok && now != before })
			var retries []queue.Retry
			eventually(t, "Redis can be read again", func() (ok bool) {
				var err error
				retries, err = e.Retries(t.Context())
				return err == nil
			})
			if len(retries) != 1 || retries[0] != want {
				t.Fatalf("retries %+v, want %+v", retries, want)
			}
		})
	}
}

func TestRedisHangs(t *testing.T) {
	s := redistest.Start(t)
	r := fast(t, redis.Config{URLs: []string{s.URL()}})
	e := drain(t, r, crm)
	e.ready()
	if err := appendOne(t, r, one(0, []byte("x"), crm)).Err; err != nil {
		t.Fatal(err)
	}
	s.Stop()
	// What was sent waits in the hanging server's socket; the caller doesn't.
	var wg sync.WaitGroup
	for n := 1; n <= 8; n++ {
		wg.Go(func() {
			if err := appendOne(t, r, one(n, []byte("x"), crm)).Err; !errors.Is(err, queue.ErrUnavailable) {
				t.Errorf("event %d: %v, want %v", n, err, queue.ErrUnavailable)
			}
		})
	}
	wg.Wait()
	s.Continue()
	for n := range 9 {
		eventually(t, "a redelivery is taken", func() bool { return appendOne(t, r, one(n, []byte("x"), crm)).Err == nil })
	}
	e.ready()
	found := map[queue.ID]bool{}
	for _, entry := range e.all() {
		if found[entry.Header.EventID] {
			t.Fatalf("event %x is there twice", entry.Header.EventID)
		}
		found[entry.Header.EventID] = true
	}
	if len(found) != 9 {
		t.Fatalf("%d of 9 events are there", len(found))
	}
}

// TestRedisAbsent starts an edge whose Redis is down.
func TestRedisAbsent(t *testing.T) {
	s := redistest.Start(t)
	s.Kill()
	r := fast(t, redis.Config{URLs: []string{s.URL()}})
	e := drain(t, r, crm)
	if err := appendOne(t, r, one(1, []byte("x"), crm)).Err; !errors.Is(err, queue.ErrUnavailable) {
		t.Fatalf("without a Redis: %v, want %v", err, queue.ErrUnavailable)
	}
	if _, ok := e.Epoch(); ok {
		t.Fatal("drains without a Redis")
	}
	if _, err := r.Destinations(t.Context()); !errors.Is(err, queue.ErrUnavailable) {
		t.Fatalf("listing without a Redis: %v", err)
	}
	if d := r.Durability(); !strings.Contains(d, "not known") {
		t.Fatalf("durability of no Redis: %q", d)
	}
	s.Restart()
	e.ready()
	eventually(t, "appending works", func() bool { return appendOne(t, r, one(1, []byte("x"), crm)).Err == nil })
	if d := r.Durability(); !strings.Contains(d, "loses everything") {
		t.Fatalf("durability of a Redis without persistence: %q", d)
	}
}

// TestRedisTakeover cuts an edge off from Redis: another takes over when its
// lease has ended, and not before it has stopped sending.
func TestRedisTakeover(t *testing.T) {
	s := redistest.Start(t)
	way := redistest.NewProxy(t, s.Addr)
	first := fast(t, redis.Config{URLs: []string{"redis://" + way.Addr}})
	second := fast(t, redis.Config{URLs: []string{s.URL()}})
	if err := appendOne(t, second, one(1, []byte("a"), crm)).Err; err != nil {
		t.Fatal(err)
	}
	if err := appendOne(t, second, one(2, []byte("b"), crm)).Err; err != nil {
		t.Fatal(err)
	}
	a := drain(t, first, crm)
	before := a.ready()
	entries := a.all()
	b := drain(t, second, crm)
	if _, ok := b.Epoch(); ok {
		t.Fatal("two edges drain one destination")
	}

	way.Cut()
	b.until("the right of an edge that is gone", func() bool { _, ok := b.Epoch(); return ok })
	if _, ok := a.Epoch(); ok {
		t.Fatal("the edge that was cut off still starts sends")
	}

	// When it is back it may say what it delivered, but nothing else.
	way.Heal()
	eventually(t, "the first edge reaches Redis", func() bool { return a.Done(t.Context(), []queue.Pos{entries[0].Pos}) == nil })
	if err := a.Retry(t.Context(), []queue.Retry{{Pos: entries[1].Pos, Attempts: 1}}); !errors.Is(err, queue.ErrLost) {
		t.Fatalf("storing a retry without the lease: %v", err)
	}
	if err := a.Dead(t.Context(), []queue.Death{{Pos: entries[1].Pos}}); !errors.Is(err, queue.ErrLost) {
		t.Fatalf("storing a dead letter without the lease: %v", err)
	}
	if left := b.all(); len(left) != 1 || left[0].Pos != entries[1].Pos {
		t.Fatalf("left: %+v", left)
	}
	b.Close()
	a.until("the right given back, in another epoch", func() bool { now, ok := a.Epoch(); return ok && now != before })
}

// TestRedisTwoDrains has two drains of one store on one destination, as a reload may.
func TestRedisTwoDrains(t *testing.T) {
	s := redistest.Start(t)
	r := fast(t, redis.Config{URLs: []string{s.URL()}})
	a := drain(t, r, crm)
	a.ready()
	b := drain(t, r, crm)
	if _, ok := b.Epoch(); ok {
		t.Fatal("both drain")
	}
	a.Close()
	b.ready()
	b.Close()
	if v := s.Do("EXISTS", "leadgate:{acme}:l:crm"); v != int64(0) {
		t.Fatal("the lease was not given back")
	}
}

func TestRedisWrongTypes(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	now := time.Now().UnixMilli()
	for name, c := range map[string]struct {
		key    string
		change func(*queue.Group)
	}{
		"queue": {key: "leadgate:{acme}:q:crm"},
		"marks": {key: "leadgate:{acme}:g:crm"},
		"dead letters": {"leadgate:{acme}:d:crm", func(g *queue.Group) {
			g.Jobs[1].Dead = &queue.Reason{Reason: "x"}
		}},
		"ids of an older Leadgate": {key: fmt.Sprintf("leadgate:{acme}:e:%d", now/600_000)},
		"once": {"leadgate:{acme}:o:lead", func(g *queue.Group) {
			g.Jobs[1].Once = []queue.Once{{Key: "lead", Window: time.Hour}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s.Do("FLUSHALL")
			s.Do("LPUSH", c.key, "not ours")
			s.Do("SADD", "leadgate:{acme}:dests", "crm")
			bad := one(1, []byte("x"), n8n, crm)
			bad.Events[0].Time = now
			if c.change != nil {
				c.change(&bad)
			}
			// An hour earlier its id was kept elsewhere.
			good := one(2, []byte("y"), n8n)
			good.Events[0].Time = now - 3_600_000
			results := r.Append(t.Context(), []queue.Group{bad, good})
			if results[0].Err == nil || errors.Is(results[0].Err, queue.ErrUnavailable) || !strings.Contains(results[0].Err.Error(), "WRONGTYPE") {
				t.Fatalf("appending to what is no %s: %v", name, results[0].Err)
			}
			if results[1].Err != nil || results[1].Jobs[0] != queue.Queued {
				t.Fatalf("its neighbour: %+v", results[1])
			}
			if n := s.Do("XLEN", "leadgate:{acme}:q:n8n"); n != int64(1) {
				t.Fatalf("%v entries: a part of the refused group was stored", n)
			}
			s.Do("DEL", c.key)
			result := appendOne(t, r, bad)
			if result.Err != nil || !result.New[0] || result.Jobs[0] != queue.Queued || result.Jobs[1] == queue.Duplicate {
				t.Fatalf("once the key is right: %+v", result)
			}
		})
	}
}

// What is remembered is read before anything is stored: where it can't be, nothing is.
func TestRedisWrongTypeOfGenerations(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	refused := func(key string) {
		t.Helper()
		for _, result := range r.Append(t.Context(), []queue.Group{one(1, []byte("x"), crm), one(2, []byte("y"), crm)}) {
			if result.Err == nil || !strings.Contains(result.Err.Error(), "WRONGTYPE") {
				t.Fatalf("with %s of another type: %v", key, result.Err)
			}
		}
		if n := s.Do("XLEN", "leadgate:{acme}:q:crm"); n != int64(0) {
			t.Fatalf("%v entries of refused groups", n)
		}
		s.Do("DEL", key)
	}
	s.Do("LPUSH", "leadgate:{acme}:i", "not ours")
	refused("leadgate:{acme}:i")
	if result := appendOne(t, r, idsAt(3, 1, time.Now().UnixMilli())); result.Err != nil {
		t.Fatal(result.Err)
	}
	key := keysOf(t, s, "*:i:*")[0]
	s.Do("DEL", key)
	s.Do("LPUSH", key, "not ours")
	refused(key)
	for _, want := range []queue.Admission{queue.Queued, queue.Duplicate} {
		if result := appendOne(t, r, one(1, []byte("x"), crm)); result.Err != nil || result.Jobs[0] != want {
			t.Fatalf("once the key is right: %+v, want %v", result, want)
		}
	}
}

// TestRedisRefusedGroupLeavesNoTrace appends in one call a group that is refused
// and one with the same event and the same once key, which must be queued.
func TestRedisRefusedGroupLeavesNoTrace(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	s.Do("SET", "leadgate:{acme}:q:crm", "not ours")
	opts := queuetest.DefaultOptions()
	opts.MaxBacklog = 1
	r.Configure(opts)
	bad, good := one(1, []byte("x"), n8n, crm), one(1, []byte("x"), n8n)
	for _, g := range []*queue.Group{&bad, &good} {
		g.Jobs[0].Once = []queue.Once{{Key: "lead", Window: time.Hour}}
	}
	results := r.Append(t.Context(), []queue.Group{bad, good})
	if results[0].Err == nil || results[1].Err != nil || results[1].Jobs[0] != queue.Queued {
		t.Fatalf("%+v", results)
	}
}

func TestRedisSentinel(t *testing.T) {
	master := redistest.Start(t)
	redistest.Replica(t, master)
	sentinel := redistest.Sentinel(t, master, 1)
	r := fast(t, redis.Config{
		URLs: []string{"redis://sentinel"}, SentinelMaster: "leadgate", Sentinels: []string{sentinel.Addr},
	})
	e := drain(t, r, crm)
	before := e.ready()
	if err := appendOne(t, r, one(1, []byte("x"), crm)).Err; err != nil {
		t.Fatal(err)
	}
	if n := master.Do("WAIT", 1, 10_000); n != int64(1) {
		t.Fatalf("%v replicas have the entry", n)
	}
	watcher := sentinel.Client()
	eventually(t, "the sentinel finds the replica good", func() bool {
		return watcher.Do(t.Context(), "SENTINEL", "FAILOVER", "leadgate").Err() == nil
	})
	e.until("an epoch of the new master", func() bool { now, ok := e.Epoch(); return ok && now != before })
	eventually(t, "the new master takes events", func() bool { return appendOne(t, r, one(2, []byte("y"), crm)).Err == nil })
	if entries := e.all(); len(entries) != 2 {
		t.Fatalf("%d entries, want 2", len(entries))
	}
}
