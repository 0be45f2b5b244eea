package redis_test

import (
	"fmt"
	"maps"
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

// The script has two ways to append a group: plain for nearly all, general for any.
// Random groups that both can do go through either, into stores of their own: what
// is answered and what then stands in Redis is the same.
func TestTwins(t *testing.T) {
	server := redistest.Start(t)
	for seed := range uint64(6) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			w := &twins{T: t, r: rand.New(rand.NewPCG(seed, 2)), clock: queuetest.NewClock(start)}
			opts := queuetest.DefaultOptions()
			opts.MaxBacklog = 10 + w.r.IntN(60)
			var stores []*redis.Store
			for _, name := range []string{"plain", "general"} {
				prefix := fmt.Sprintf("%s%d", name, seed)
				w.prefixes = append(w.prefixes, prefix)
				s := open(t, redis.Config{URLs: []string{server.URL()}, Now: w.clock.Now, Prefix: prefix})
				s.Configure(opts)
				stores = append(stores, s)
			}
			redis.PackGeneral(stores[1])
			for step := range 60 {
				w.clock.Advance(time.Duration(w.r.IntN(20_000)) * time.Second / 10)
				groups := w.groups()
				want, got := stores[0].Append(t.Context(), groups), stores[1].Append(t.Context(), groups)
				if a, b := fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got); a != b {
					t.Fatalf("step %d: plain answers\n%s\nand general\n%s", step, a, b)
				}
			}
			if w.plain == 0 {
				t.Error("no group was plain")
			}
			w.compare(server)
		})
	}
}

// twins makes the groups, and looks at the stores.
type twins struct {
	*testing.T
	r        *rand.Rand
	clock    *queuetest.Clock
	prefixes []string
	plain    int // groups so far
}

// groups are some of one call: nearly all plain, and now and then a click, so that
// there are contacts to which the events of the others belong.
func (w *twins) groups() []queue.Group {
	groups := make([]queue.Group, 1+w.r.IntN(6))
	for i := range groups {
		groups[i] = w.group()
		if redis.IsPlain(&groups[i]) {
			w.plain++
		}
	}
	return groups
}

func (w *twins) group() queue.Group {
	now := w.clock.Now().UnixMilli()
	ev := queue.Event{ID: eventID(w.r.IntN(150)), Time: now - w.r.Int64N(3_600_000)}
	switch w.r.IntN(8) {
	case 0:
		ev.Time = 0
	case 1:
		ev.Time = now + w.r.Int64N(7_200_000) // a clock that is ahead
	}
	if contact := w.r.IntN(6); contact > 0 {
		ev.Contact = "contact" + strconv.Itoa(contact)
		for range w.r.IntN(3) {
			ev.Aliases = append(ev.Aliases, "alias"+strconv.Itoa(w.r.IntN(10)))
		}
		if w.r.IntN(2) == 0 {
			ev.MessageID = "message" + strconv.Itoa(w.r.IntN(50))
		}
		if w.r.IntN(8) == 0 {
			ev.Clicks = []queue.Click{{
				At: now - w.r.Int64N(60_000), Kind: queue.ClickKind(w.r.IntN(int(queue.ClickKinds))),
				Data: []byte("click" + strconv.Itoa(w.r.IntN(100))),
			}}
		}
	}
	g := queue.Group{Tenant: "acme", Events: []queue.Event{ev}, Payloads: [][]byte{[]byte(`{"id":` + strconv.Itoa(w.r.IntN(1000)) + `}`)}}
	if w.r.IntN(10) == 0 {
		g.Payloads[0] = noise(40 << 10) // goes into no bundle
	}
	if len(ev.Clicks) > 0 || w.r.IntN(10) == 0 {
		g.Counters = w.counters(now / (24 * time.Hour).Milliseconds())
	}
	for range w.r.IntN(4) {
		g.Jobs = append(g.Jobs, queue.Job{
			Dest: queue.Dest{Tenant: "acme", Name: "d" + strconv.Itoa(w.r.IntN(3))}, Events: []int{0},
			Header: queue.Header{EventID: ev.ID, Format: queue.FormatEvent, Contact: ev.Contact, Time: ev.Time},
		})
	}
	return g
}

// counters are some of a few days and fields, that need no job.
func (w *twins) counters(day int64) (all []queue.Counter) {
	for range w.r.IntN(4) {
		c := queue.Counter{
			Day: day - w.r.Int64N(2), Key: "ad" + strconv.Itoa(w.r.IntN(3)), Field: "field" + strconv.Itoa(w.r.IntN(3)),
			When: queue.WhenNew, Add: w.r.Int64N(3),
		}
		if w.r.IntN(2) == 0 {
			c.When = queue.WhenFirst
		}
		if w.r.IntN(4) == 0 {
			c.Text, c.Add = "text"+strconv.Itoa(w.r.IntN(2)), 0
		}
		all = append(all, c)
	}
	return all
}

// compare compares what stands in Redis under either prefix.
func (w *twins) compare(server *redistest.Server) {
	w.Helper()
	all := [2]map[string]string{}
	for i, prefix := range w.prefixes {
		all[i] = map[string]string{}
		for _, key := range keysOf(w.T, server, prefix+":*") {
			if key == prefix+":marker" {
				continue // another for each store, and put there when it gets to it
			}
			all[i][strings.TrimPrefix(key, prefix)] = content(server, key)
		}
	}
	if len(all[0]) < 20 {
		w.Errorf("there are only %d keys", len(all[0]))
	}
	for _, key := range slices.Sorted(maps.Keys(all[0])) {
		if all[0][key] != all[1][key] {
			w.Errorf("%s: plain left\n%.2000s\nand general\n%.2000s", key, all[0][key], all[1][key])
		}
	}
	if len(all[0]) != len(all[1]) {
		w.Errorf("plain left %d keys, and general %d", len(all[0]), len(all[1]))
	}
}

// content is what stands under a key, with how long that lives in hours. Stream ids
// are Redis's own, so an entry goes by its place.
func content(server *redistest.Server, key string) string {
	var b strings.Builder
	if ttl := server.Do("PTTL", key).(int64); ttl < 0 {
		fmt.Fprintf(&b, "for ever\n")
	} else {
		fmt.Fprintf(&b, "%d hours\n", (time.Duration(ttl)*time.Millisecond+30*time.Minute).Round(time.Hour)/time.Hour)
	}
	switch kind := server.Do("TYPE", key); kind {
	case "string":
		fmt.Fprintf(&b, "%q", server.Do("GET", key))
	case "set":
		members := server.Do("SMEMBERS", key).([]any)
		slices.SortFunc(members, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		fmt.Fprintf(&b, "%q", members)
	case "stream":
		for _, e := range server.Do("XRANGE", key, "-", "+").([]any) {
			fields := e.([]any)[1].([]any)
			if last, _ := fields[len(fields)-1].(string); len(last) == 2+16 && last[0] == 2 {
				blocks := key[:strings.Index(key, "}:")] + "}:b" // ids of blocks are random
				fields[len(fields)-1] = server.Do("HGET", blocks, last[2:])
			}
			fmt.Fprintf(&b, "%q\n", fields)
		}
	case "hash": // of blocks, of counters, or of what is pending, by stream ids
		fields, _ := server.Do("HGETALL", key).([]any)
		if strings.HasSuffix(key, "}:b") {
			var blocks []string
			for i := 0; i+1 < len(fields); i += 2 {
				if id := fields[i].(string); len(id) == 16 {
					blocks = append(blocks, fmt.Sprintf("%q: %q", fields[i+1], server.Do("HGET", key, "#"+id)))
				}
			}
			slices.Sort(blocks)
			fmt.Fprintf(&b, "%d fields\n%s", len(fields), strings.Join(blocks, "\n"))
			return b.String()
		}
		if strings.Contains(key, "}:a:") {
			var counts []string
			for i := 0; i+1 < len(fields); i += 2 {
				counts = append(counts, fmt.Sprintf("%q: %q", fields[i], fields[i+1]))
			}
			slices.Sort(counts)
			return strings.Join(counts, "\n")
		}
		place := map[string]string{"": ""}
		for i, e := range server.Do("XRANGE", strings.Replace(key, "}:g:", "}:q:", 1), "-", "+").([]any) {
			place[e.([]any)[0].(string)] = fmt.Sprintf("%06d", i)
		}
		var lines []string
		for i := 0; i+1 < len(fields); i += 2 {
			lines = append(lines, fmt.Sprintf("%s: %q", place[fields[i].(string)], fields[i+1]))
		}
		slices.Sort(lines)
		b.WriteString(strings.Join(lines, "\n"))
	default:
		fmt.Fprintf(&b, "a %s", kind)
	}
	return b.String()
}
