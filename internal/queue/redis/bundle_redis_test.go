package redis_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// TestRedisBundles: events that come together are few entries of the stream, for
// each of which one line of what is pending is kept while any of its events waits.
func TestRedisBundles(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	const n = 200
	var groups []queue.Group
	for i := range n {
		groups = append(groups, one(i, fmt.Appendf(nil, `{"n":%d,"text":%q}`, i, strings.Repeat("the same again ", 50)), crm, n8n))
	}
	for _, result := range r.Append(t.Context(), groups) {
		if result.Err != nil || result.Jobs[0] != queue.Queued || result.Jobs[1] != queue.Queued {
			t.Fatalf("%+v", result)
		}
	}
	pages, _ := s.Do("XLEN", "leadgate:{acme}:q:crm").(int64)
	if pages < n/64 || pages > n/32 {
		t.Fatalf("%d events are %d entries of the stream", n, pages)
	}
	size, _ := s.Do("MEMORY", "USAGE", "leadgate:{acme}:q:crm", "SAMPLES", 0).(int64)
	if perEvent := size / n; perEvent > 200 {
		t.Fatalf("an event of 800 bytes takes %d", perEvent)
	}

	e := drain(t, r, crm)
	e.ready()
	entries := e.all()
	if len(entries) != n {
		t.Fatalf("%d entries", len(entries))
	}
	var odd, even []queue.Pos
	for i := range entries {
		if !bytes.Contains(entries[i].Payload, fmt.Appendf(nil, `{"n":%d,`, i)) {
			t.Fatalf("entry %d is %.20s", i, entries[i].Payload)
		}
		if i%2 == 1 {
			odd = append(odd, entries[i].Pos)
		} else {
			even = append(even, entries[i].Pos)
		}
	}
	if err := e.Done(t.Context(), odd); err != nil {
		t.Fatal(err)
	}
	if left := s.Do("XLEN", "leadgate:{acme}:q:crm"); left != pages {
		t.Fatalf("%v pages of %d are left by half of their events", left, pages)
	}

	// Somebody removes what is pending: what was delivered may come again, and nothing
	// is lost.
	s.Do("DEL", "leadgate:{acme}:g:crm")
	if entries = e.all(); len(entries) != n {
		t.Fatalf("%d entries when it is gone", len(entries))
	}
	if err := e.Done(t.Context(), even); err != nil {
		t.Fatal(err)
	}
	infos, err := r.Destinations(t.Context())
	if err != nil || len(infos) != 2 || infos[0].Backlog < int(pages) {
		t.Fatalf("the backlog when it is gone: %+v, %v", infos, err)
	}
	if err := e.Done(t.Context(), odd); err != nil {
		t.Fatal(err)
	}
	if left := s.Do("XLEN", "leadgate:{acme}:q:crm"); left != int64(0) || len(e.all()) > 0 {
		t.Fatalf("%v pages are left by none of their events", left)
	}
	if left := s.Do("HLEN", "leadgate:{acme}:g:crm"); left.(int64) > 1 {
		t.Fatalf("%v are left as pending", left)
	}
	if _, err := r.Drop(t.Context(), n8n); err != nil {
		t.Fatal(err)
	}
	if v := s.Do("EXISTS", "leadgate:{acme}:g:n8n"); v != int64(0) {
		t.Fatal("what is pending of a dropped destination is left")
	}
}

// TestRedisAliasLives: what leads to a contact is there as long as its clicks,
// however often it clicks, and whether it writes in between.
func TestRedisAliasLives(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	for _, remember := range []time.Duration{time.Hour, 28 * 24 * time.Hour} {
		s.Do("FLUSHALL")
		opts := queuetest.DefaultOptions()
		opts.RememberClicks = remember
		r.Configure(opts)
		start := time.Now().UnixMilli() - remember.Milliseconds()
		for n := range 8 {
			g := one(n, []byte("x"), crm)
			ev := &g.Events[0]
			ev.Contact, ev.Aliases = "c", []string{fmt.Sprintf("alias%d", n)}
			ev.MessageID = fmt.Sprintf("m%d", n)
			if n%3 != 1 {
				at := start + int64(n+1)*remember.Milliseconds()/8
				ev.Clicks = []queue.Click{{At: at, Data: []byte(`{}`)}}
			}
			if err := appendOne(t, r, g).Err; err != nil {
				t.Fatal(err)
			}
			contact, _ := s.Do("PTTL", "leadgate:{acme}:c:c").(int64)
			names, _ := s.Do("PTTL", "leadgate:{acme}:n:c").(int64)
			messages, _ := s.Do("PTTL", fmt.Sprintf("leadgate:{acme}:m:%d:c", time.Now().UnixMilli()/(8*24*3_600_000))).(int64)
			messages = max(messages, names) // a new contact's stand with its names, where these live as long
			if contact <= 0 || names < contact-1000 || messages < 8*24*3_600_000-1000 {
				t.Fatalf("remembered for %s, event %d: clicks live %d ms, names %d, messages %d", remember, n, contact, names, messages)
			}
			for i := range n + 1 {
				if alias, _ := s.Do("PTTL", fmt.Sprintf("leadgate:{acme}:c:alias%d", i)).(int64); alias < contact-1000 {
					t.Fatalf("remembered for %s, event %d: alias %d lives %d ms, the clicks %d", remember, n, i, alias, contact)
				}
			}
		}
	}
}
