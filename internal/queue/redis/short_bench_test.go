package redis_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// slowMicros is how long no script may take.
const slowMicros = 20_000

// BenchmarkScriptsStayShort puts on Redis what the largest bodies that a provider
// can sign, and what has gathered, ask of it, and fails where Redis's own SLOWLOG
// has a script that took 20 ms. Metrics: the longest script.
func BenchmarkScriptsStayShort(b *testing.B) {
	for _, c := range []struct {
		name  string
		make  func(s *shortBench)
		doing func(s *shortBench)
	}{
		{"1000 empty events", nil, func(s *shortBench) { s.append(tiny(0, 1000, 1)) }},
		{"50000 empty events", nil, func(s *shortBench) { s.append(tiny(0, 50_000, 1)) }},
		{"50000 empty events for 3 and raw", nil, func(s *shortBench) { s.append(withRaw(tiny(0, 50_000, 3), 3)) }},
		{"1000 clicks of new contacts for 10", nil, func(s *shortBench) { s.append(clicksOf(1000, 10, false)) }},
		{"1000 untimed clicks of new contacts for 10", nil, func(s *shortBench) { s.append(clicksOf(1000, 10, true)) }},
		{
			"1000 statuses of one contact with a click", func(s *shortBench) { s.append(clicksOf(1, 1, false)) },
			func(s *shortBench) {
				g := tiny(1, 1000, 10)
				for i := range g.Events {
					g.Events[i].Contact, g.Events[i].Aliases = "whatsapp:contact0", []string{"whatsapp:number" + strconv.Itoa(i)}
				}
				s.append(g)
			},
		},
		{
			"a contact with 50000 messages writes more", func(s *shortBench) {
				s.append(clicksOf(1, 1, false))
				s.append(messagesOf(10, 50_000))
			},
			func(s *shortBench) {
				s.append(messagesOf(100_000, 1000))
				s.append(clicksOf(1, 10, true)) // it clicks again
				other := messagesOf(200_000, 300)
				for i := range other.Events { // it gets another name
					other.Events[i].Contact, other.Events[i].Aliases = "whatsapp:another", []string{"whatsapp:contact0"}
				}
				s.append(other)
			},
		},
		{
			"256 contacts with 64 names are merged", func(s *shortBench) {
				for i := range 64 {
					g := clicksOf(256, 1, false)
					for k := range g.Events {
						g.Events[k].ID = eventID(1_000_000 + 256*i + k)
						g.Events[k].Aliases = []string{fmt.Sprintf("name%d-%d", k, i)}
					}
					s.append(g)
				}
			},
			func(s *shortBench) {
				g := tiny(2_000_000, 256, 1)
				for k := range g.Events {
					g.Events[k].Contact, g.Events[k].Aliases = "user"+strconv.Itoa(k), []string{"whatsapp:contact" + strconv.Itoa(k)}
				}
				s.append(g)
			},
		},
		{
			"1000 messages of 3 KB that don't compress, for 3 and raw", nil,
			func(s *shortBench) { s.append(withRaw(incompressible(1000, 3000, 3), 3)) },
		},
		{"one event of 3 MiB for 10 and raw", nil, func(s *shortBench) { s.append(withRaw(incompressible(1, 3<<20, 10), 10)) }},
		{
			"erase of a contact with 50000 messages and 100000 dead letters", func(s *shortBench) {
				s.append(clicksOf(1, 1, false))
				s.append(messagesOf(10, 50_000))
				s.letters(100_000, "whatsapp:contact0")
			},
			func(s *shortBench) {
				if n, err := s.r.Erase(s.Context(), "acme", "whatsapp:contact0"); err != nil || n < 100_000 {
					s.Fatal(n, err)
				}
			},
		},
		{"drop of 100000 entries", func(s *shortBench) { s.entries(100_000, 900) }, func(s *shortBench) { s.must(s.r.Drop(s.Context(), crm)) }},
		{
			"move of 100000 entries", func(s *shortBench) { s.entries(100_000, 900) },
			func(s *shortBench) { s.must(s.r.Move(s.Context(), crm, n8n)) },
		},
		{
			"list, replay and drop of 100000 dead letters", func(s *shortBench) { s.letters(100_000, "x") },
			func(s *shortBench) {
				_, err := s.r.Dead(s.Context(), queue.DeadFilter{Limit: 1000, Reason: "none"})
				s.must(0, err)
				s.must(s.r.ReplayDead(s.Context(), queue.DeadFilter{Destination: crm.Name}))
				s.letters(20_000, "y")
				s.must(s.r.DropDead(s.Context(), queue.DeadFilter{}))
			},
		},
		{
			"trim of 20000 dead letters", func(s *shortBench) { s.letters(20_000, "x") },
			func(s *shortBench) {
				opts := queuetest.DefaultOptions()
				opts.KeepDead = time.Millisecond
				s.r.Configure(opts)
				s.must(0, s.r.Sweep(s.Context()))
			},
		},
		{
			"dead letters of 3 MiB", func(s *shortBench) {
				for i := range 20 {
					g := incompressible(1, 3<<20, 1)
					g.Events[0].ID = eventID(i)
					g.Jobs[0].Dead = &queue.Reason{Reason: "404"}
					s.append(g)
				}
			},
			func(s *shortBench) {
				_, err := s.r.Dead(s.Context(), queue.DeadFilter{Limit: 10})
				s.must(0, err)
				_, err = s.r.Destinations(s.Context())
				s.must(0, err)
				s.must(s.r.ReplayDead(s.Context(), queue.DeadFilter{}))
				_, err = s.r.Destinations(s.Context())
				s.must(0, err)
				s.must(s.r.Move(s.Context(), crm, n8n))
				d := drain(s, s.r, n8n)
				d.ready()
				var deaths []queue.Death
				var retries []queue.Retry
				for _, e := range d.all() {
					deaths = append(deaths, queue.Death{Pos: e.Pos, Reason: queue.Reason{Reason: "404"}})
					retries = append(retries, queue.Retry{Pos: e.Pos, Attempts: 1})
				}
				s.must(len(deaths), d.Retry(s.Context(), retries))
				s.must(len(deaths), d.Dead(s.Context(), deaths))
			},
		},
	} {
		b.Run(c.name, func(b *testing.B) {
			var worst int64
			for range b.N {
				// A machine that does other things stops Redis now and then; a script
				// that is too long by itself is so each time, at the same place.
				longest, best := int64(slowMicros), []int64(nil)
				for attempt := 0; attempt < 6 && longest >= slowMicros; attempt++ {
					b.StopTimer()
					server := redistest.Start(b, "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0",
						"--slowlog-log-slower-than", "-1", "--slowlog-max-len", "100000")
					s := &shortBench{B: b, server: server, r: open(b, redis.Config{URLs: []string{server.URL()}})}
					if c.make != nil {
						c.make(s)
					}
					server.Do("CONFIG", "SET", "slowlog-log-slower-than", "0")
					b.StartTimer()
					c.doing(s)
					b.StopTimer()
					took := s.scripts()
					for i := range min(len(best), len(took)) {
						took[i] = min(took[i], best[i])
					}
					best, longest = took, 0
					for _, micros := range best {
						longest = max(longest, micros)
					}
					server.Kill()
				}
				worst = max(worst, longest)
			}
			b.ReportMetric(float64(worst)/1000, "longest-ms")
			if worst >= slowMicros {
				b.Errorf("a script took %d µs", worst)
			}
		})
	}
}

// shortBench is one run on a Redis of its own.
type shortBench struct {
	*testing.B
	server *redistest.Server
	r      *redis.Store
}

func (s *shortBench) must(n int, err error) {
	s.Helper()
	if err != nil {
		s.Fatal(n, err)
	}
}

func (s *shortBench) append(g queue.Group) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	if err := s.r.Append(ctx, []queue.Group{g})[0].Err; err != nil {
		s.Fatal(err)
	}
}

func (s *shortBench) entries(n, size int) {
	s.Helper()
	for i := range n / 1000 {
		g := incompressible(1000, size, 1)
		for k := range g.Events {
			g.Events[k].ID = eventID(10_000_000 + 1000*i + k)
		}
		s.append(g)
	}
}

// letters are dead letters of crm that name a contact.
func (s *shortBench) letters(n int, contact string) {
	s.Helper()
	for i := range n / 1000 {
		g := incompressible(1000, 200, 1)
		for k := range g.Events {
			g.Events[k].ID = queue.ID(append([]byte(contact + "........")[:8], g.Events[k].ID[:8]...))
			g.Events[k].ID[15], g.Events[k].ID[14] = byte(i), byte(i>>8)
			g.Jobs[k].Header.Contact, g.Jobs[k].Dead = contact, &queue.Reason{Reason: "404"}
		}
		s.append(g)
	}
}

// scripts are how long each script took by the SLOWLOG, in microseconds, but for
// the leases' once a second.
func (s *shortBench) scripts() (took []int64) {
	logged, _ := s.server.Do("SLOWLOG", "GET", "-1").([]any)
	for _, entry := range slices.Backward(logged) {
		e, _ := entry.([]any)
		if len(e) < 4 {
			s.Fatalf("SLOWLOG has %v", entry)
		}
		args, _ := e[3].([]any)
		if len(args) < 4 || !strings.HasPrefix(fmt.Sprint(args[0]), "EVAL") || strings.Contains(fmt.Sprint(args[3]), "}:l:") && len(args) < 12 {
			continue
		}
		micros, _ := e[2].(int64)
		took = append(took, micros)
	}
	return took
}

func destinations(n int) []queue.Dest {
	list := []queue.Dest{crm}
	for i := 1; i < n; i++ {
		list = append(list, queue.Dest{Tenant: "acme", Name: "d" + strconv.Itoa(i)})
	}
	return list
}

func tiny(first, n, dests int) queue.Group {
	g := queue.Group{Tenant: "acme"}
	for i := range n {
		g.Events = append(g.Events, queue.Event{ID: eventID(first + i), Time: time.Now().UnixMilli()})
		g.Payloads = append(g.Payloads, fmt.Appendf(nil, `{"id":"%x","tenantId":"acme","kind":"message","raw":{}}`, eventID(first+i)))
		for _, d := range destinations(dests) {
			header := queue.Header{EventID: eventID(first + i), Format: queue.FormatEvent}
			g.Jobs = append(g.Jobs, queue.Job{Dest: d, Events: []int{i}, Payload: i, Header: header})
		}
	}
	return g
}

// withRaw adds raw jobs that name all events, with a body of 3 MiB.
func withRaw(g queue.Group, n int) queue.Group {
	body := noise(3 << 20)
	g.Payloads = append(g.Payloads, body)
	for i := range n {
		j := queue.Job{Dest: queue.Dest{Tenant: "acme", Name: "raw" + strconv.Itoa(i)}, Payload: len(g.Payloads) - 1}
		for e := range g.Events {
			j.Events = append(j.Events, e)
		}
		g.Jobs = append(g.Jobs, j)
	}
	return g
}

func noise(n int) []byte {
	random := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = random.Read(b)
	return b
}

func incompressible(n, size, dests int) queue.Group {
	g := tiny(0, n, dests)
	all := noise(n * size)
	for i := range n {
		g.Payloads[i] = all[i*size : (i+1)*size]
	}
	return g
}

// clicksOf are clicks of as many contacts, with what a CAPI destination and the
// figures of ads add.
func clicksOf(n, dests int, untimed bool) queue.Group {
	first := 0
	if untimed {
		first = 500_000
	}
	g := tiny(first, n, dests)
	data := bytes.Repeat([]byte(`"headline":"Plants"`), 30)
	for i := range g.Events {
		ev := &g.Events[i]
		if untimed {
			ev.Time = 0
		}
		ev.Contact = "whatsapp:contact" + strconv.Itoa(i)
		ev.Aliases = []string{"whatsapp:+1555" + strconv.Itoa(i), "whatsapp:u" + strconv.Itoa(i), "clid:" + strconv.Itoa(first+i)}
		ev.MessageID = "message:wamid." + strconv.Itoa(first+i)
		ev.Clicks = []queue.Click{{At: time.Now().UnixMilli(), Kind: queue.ClickClid, Data: data}}
		for _, field := range []string{"clicks", "contacts"} {
			g.Counters = append(g.Counters, queue.Counter{Day: 20_784, Key: strconv.Itoa(i), Field: field, Add: 1, Of: i})
		}
		g.Counters = append(g.Counters, queue.Counter{Day: 20_784, Key: strconv.Itoa(i), Field: "headline", Text: "Plants", Of: i})
	}
	for i := range g.Jobs {
		if i%dests > 5 { // of ten, four are datasets
			g.Jobs[i].Once = []queue.Once{
				{Key: "dataset\nevent\n" + strconv.Itoa(first+i), Window: time.Hour},
				{Key: "dataset\nlead\n" + strconv.Itoa(first+i), Window: time.Hour},
			}
			g.Counters = append(g.Counters, queue.Counter{Day: 20_784, Key: strconv.Itoa(i), Field: "leads", Add: 1, When: queue.WhenQueued, Of: i})
		}
	}
	return g
}

// messagesOf are messages of the first contact.
func messagesOf(first, n int) queue.Group {
	g := tiny(first, n, 1)
	for i := range g.Events {
		g.Events[i].Contact, g.Events[i].MessageID = "whatsapp:contact0", "message:wamid.HBgLMTU1NTEwMDAwMDAVAgASGBQ"+strconv.Itoa(first+i)
	}
	return g
}
