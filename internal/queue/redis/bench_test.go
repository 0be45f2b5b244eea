package redis_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// BenchmarkRedisAppend appends from 64 writers, one event and one job each: events
// of two sizes that name nobody, then statuses, messages and clicks of 20 000
// contacts, of which one in twenty has a click when it begins; clicks of contacts that
// were never heard of; from one writer; and
// where 200 000 ids came eight days ago, five days ago, and now.
func BenchmarkRedisAppend(b *testing.B) {
	b.Run("1200", func(b *testing.B) { benchmarkRedisAppend(b, 64, 1200, "", 0) })
	b.Run("2900", func(b *testing.B) { benchmarkRedisAppend(b, 64, 2900, "", 0) })
	for _, kind := range []string{"status", "message", "click", "click-new", "click-lead", "click-noted"} {
		b.Run(kind, func(b *testing.B) { benchmarkRedisAppend(b, 64, 1600, kind, 0) })
	}
	b.Run("status-alone", func(b *testing.B) { benchmarkRedisAppend(b, 1, 1600, "status", 0) })
	b.Run("status-remembering", func(b *testing.B) { benchmarkRedisAppend(b, 64, 1600, "status", 200_000) })
}

func benchmarkRedisAppend(b *testing.B, writers, size int, kind string, remembered int) {
	s := redistest.Start(b, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--auto-aof-rewrite-percentage", "0")
	var ago atomic.Int64
	r := open(b, redis.Config{URLs: []string{s.URL()}, Now: func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) }})
	for i, daysAgo := range []int64{8, 5, 0} {
		ago.Store(daysAgo * 24 * int64(time.Hour))
		rememberRedis(b, r, -1<<40*(i+1), remembered, time.Now().UnixMilli()-ago.Load()/int64(time.Millisecond))
	}
	payload := bytes.Repeat([]byte("x"), size)
	const contacts = 20_000
	today := time.Now().UnixMilli() / (24 * time.Hour).Milliseconds()
	group := func(n int, kind string) queue.Group {
		g := one(n, payload, crm)
		if kind == "" {
			return g
		}
		ev := &g.Events[0]
		contact := strconv.Itoa((n*7919%contacts + contacts) % contacts)
		if kind != "click" && strings.HasPrefix(kind, "click") {
			contact = strconv.Itoa(contacts + n)
		}
		ev.Contact, ev.Aliases = "whatsapp:US.13490000000000"+contact, []string{"whatsapp:15551000000" + contact}
		if kind != "status" {
			ev.MessageID = "message:wamid.HBgLMTU1NTEwMDAwMDAVAgASGBQ" + strconv.Itoa(n)
		}
		if strings.HasPrefix(kind, "click") {
			ev.Aliases = append(ev.Aliases, "clid:Aff-n8ZTODiE79d22KtAwQKj9e_mIEOOj27vDVwFjN80dp4"+strconv.Itoa(n))
			ev.Clicks = []queue.Click{{At: ev.Time, Kind: queue.ClickClid, Data: payload[:600]}}
			for _, field := range []string{"clicks", "contacts"} {
				g.Counters = append(g.Counters, queue.Counter{Day: today, Key: strconv.Itoa(n % 500), Field: field, Add: 1})
			}
			g.Counters = append(g.Counters, queue.Counter{Day: today, Key: strconv.Itoa(n % 500), Field: "headline", Text: "Plants"})
		}
		if kind == "click-lead" || kind == "click-noted" {
			lead := g.Jobs[0]
			lead.Dest.Name, lead.Header.Format, lead.Header.Meta = "ads", queue.FormatConversion, []byte("{}")
			g.Jobs = append(g.Jobs, lead)
		}
		if kind == "click-noted" { // as package journey notes a lead
			note := queue.Note{Contact: ev.Contact, ID: ev.ID, At: ev.Time, Of: 1,
				Data: []byte(`{"v":1,"kind":"lead","name":"LeadSubmitted","to":"acme-capi-1234567890"}`)}
			note.When, note.Outcome = queue.WhenDead, []byte(`{"is":"dead","why":"overflow: the destination's queue is full"}`)
			g.Notes = append(g.Notes, note)
			note.When, note.Outcome = queue.WhenQueued, []byte(`{"is":"sent"}`)
			g.Notes = append(g.Notes, note)
		}
		return g
	}
	if kind != "" {
		for n := range contacts / 20 {
			appendOne(b, r, group(-1-n, "click"))
		}
	}
	var next atomic.Int64
	latencies := make(chan []time.Duration, 64)
	before := cpuSeconds(s)
	b.SetParallelism(max(writers/runtime.GOMAXPROCS(0), 1))
	if writers == 1 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		var mine []time.Duration
		for pb.Next() {
			g := group(int(next.Add(1)), kind)
			began := time.Now()
			if err := r.Append(b.Context(), []queue.Group{g})[0].Err; err != nil {
				b.Error(err)
				return
			}
			mine = append(mine, time.Since(began))
		}
		latencies <- mine
	})
	b.StopTimer()
	var all []time.Duration
	for range len(latencies) {
		all = append(all, <-latencies...)
	}
	slices.Sort(all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric((cpuSeconds(s)-before)*1e6/float64(b.N), "redis-µs/event")
}

// rememberRedis appends events from to from+n-1, without jobs, all of one time.
func rememberRedis(b *testing.B, r *redis.Store, from, n int, at int64) {
	for i := from; i < from+n; i += 250 {
		g := queue.Group{Tenant: crm.Tenant}
		for k := i; k < i+250; k++ {
			ev := one(k, nil, crm).Events[0]
			ev.Time = at
			g.Events = append(g.Events, ev)
		}
		if err := appendOne(b, r, g).Err; err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRedisDrain reads 100 entries at a time and removes them.
func BenchmarkRedisDrain(b *testing.B) {
	s := redistest.Start(b, "--appendonly", "yes", "--appendfsync", "everysec")
	r := open(b, redis.Config{URLs: []string{s.URL()}})
	payload := bytes.Repeat([]byte("x"), 2900)
	for n := 0; n < b.N; {
		var groups []queue.Group
		for ; n < b.N && len(groups) < 1000; n++ {
			groups = append(groups, one(n, payload, crm))
		}
		for _, result := range r.Append(b.Context(), groups) {
			if result.Err != nil {
				b.Fatal(result.Err)
			}
		}
	}
	e := drain(b, r, crm)
	e.ready()
	before := cpuSeconds(s)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		entries, err := e.Read(b.Context(), queue.Pos{}, 100, 1<<20)
		if err != nil || len(entries) == 0 {
			b.Fatalf("%d entries, %v", len(entries), err)
		}
		at := make([]queue.Pos, len(entries))
		for i := range entries {
			at[i] = entries[i].Pos
		}
		if err := e.Done(b.Context(), at); err != nil {
			b.Fatal(err)
		}
		n += len(entries)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric((cpuSeconds(s)-before)*1e6/float64(b.N), "redis-µs/event")
}

// cpuSeconds is what the server has used so far.
func cpuSeconds(s *redistest.Server) (total float64) {
	info, _ := s.Do("INFO", "cpu").(string)
	for line := range strings.Lines(info) {
		for _, field := range []string{"used_cpu_sys:", "used_cpu_user:"} {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), field); ok {
				f, _ := strconv.ParseFloat(v, 64)
				total += f
			}
		}
	}
	return total
}

// TestRedisRememberedIDs stores ids of several times: none is forgotten or taken
// for another, and they cost at most 30 bytes each once there are many.
func TestRedisRememberedIDs(t *testing.T) {
	for _, c := range []struct{ ids, minutes int }{
		{30_000, 10_000},
		{100_000, 1000},
		{300_000, 10}, // several levels of shards
	} {
		t.Run(fmt.Sprintf("%d in %d minutes", c.ids, c.minutes), func(t *testing.T) {
			s := redistest.Start(t)
			r := open(t, redis.Config{URLs: []string{s.URL()}})
			base := time.Now().Add(-6*24*time.Hour - 23*time.Hour).Truncate(10 * time.Minute).UnixMilli()
			random := rand.New(rand.NewPCG(1, 2))
			group := func(from, to int) queue.Group {
				g := queue.Group{Tenant: "acme"}
				for n := from; n < to; n++ {
					id := queue.ID{}
					for i := range id {
						id[i] = byte(random.Uint32())
					}
					at := base + int64(n)*int64(c.minutes)*60_000/int64(c.ids)
					g.Events = append(g.Events, queue.Event{ID: id, Time: at})
				}
				return g
			}
			var groups []queue.Group
			for n := 0; n < c.ids; n += 1000 {
				groups = append(groups, group(n, n+1000))
			}
			// What a call of this size leaves in the connection's buffers is no id's.
			first := groups[0]
			first.Tenant = "another"
			if result := appendOne(t, r, first); result.Err != nil {
				t.Fatal(result.Err)
			}
			before := usedMemory(s)
			for round := range 2 {
				for _, g := range groups {
					result := appendOne(t, r, g)
					if result.Err != nil {
						t.Fatal(result.Err)
					}
					for i, fresh := range result.New {
						if fresh != (round == 0) {
							t.Fatalf("round %d: event %d is new: %v", round, i, fresh)
						}
					}
				}
			}
			each := float64(usedMemory(s)-before) / float64(c.ids)
			t.Logf("%.1f bytes an id", each)
			if each > 30 {
				t.Fatalf("%.1f bytes an id", each)
			}
		})
	}
}

// usedMemory is what the keys take, without what scripts left to the collector
// of Redis's Lua.
func usedMemory(s *redistest.Server) int64 {
	s.Do("SCRIPT", "FLUSH")
	s.Do("MEMORY", "PURGE")
	info, _ := s.Do("INFO", "memory").(string)
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory_dataset:"); ok {
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
	}
	return 0
}
